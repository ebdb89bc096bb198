//! A hash of the whole state, to compare runs.

use super::{Machine, Outcome};
use crate::cpu::CpuState;
use std::hash::{DefaultHasher, Hasher};

/// Hashes the CPUs' state and RAM. Equal runs have equal hashes on every host; the value may differ from
/// one version of the machine to the next.
#[must_use]
pub fn fingerprint(machine: &Machine, outcome: &Outcome) -> u64 {
    const CHUNK_BYTES: usize = 1 << 16;
    // Without keys SipHash is the same everywhere.
    let mut hasher = DefaultHasher::new();
    for cpu in &outcome.cpus {
        hash_cpu(cpu, &mut hasher);
    }
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut at, end) = (machine.ram.base(), machine.ram.base() + machine.ram.size_bytes());
    while at < end {
        let size = CHUNK_BYTES.min(usize::try_from(end - at).unwrap_or(CHUNK_BYTES));
        if machine.ram.copy_out(at, &mut chunk[..size]).is_ok() && !is_zero(&chunk[..size]) {
            hasher.write_u64(at);
            hasher.write(&chunk[..size]);
        }
        at += size as u64;
    }
    hasher.finish()
}

/// Whether all bytes are zero; without a way out in the middle it is vector code, and most of RAM is zero.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte) == 0
}

fn hash_cpu(cpu: &CpuState, hasher: &mut DefaultHasher) {
    let words = [cpu.sp, cpu.pc, cpu.pstate.to_spsr(cpu.nzcv.bits()), cpu.insn_count, cpu.fpcr, cpu.fpsr];
    for word in words.iter().chain(&cpu.x).chain(&cpu.sp_el).chain(&cpu.sys) {
        hasher.write_u64(*word);
    }
    for vector in cpu.v {
        hasher.write_u128(vector);
    }
}
