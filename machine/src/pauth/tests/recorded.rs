//! Codes, authentications and strips recorded on QEMU 10.0 (`max` and `neoverse-v1`) at EL1.
//!
//! A line of `vectors.txt` is `tcr pointer modifier = results`. The results are those of PACIA, PACIB, PACDA,
//! PACDB, XPACI, XPACD and PACGA of pointer and modifier; of AUTIA of PACIA's and AUTDB of PACDB's result;
//! of the same with bit 4, or bit 52, inverted; of AUTIB and AUTDA of the pointer itself. A fault is recorded
//! as its ESR_EL1. Left out are pointers with bit 55 unlike bit 63 where it matters which of them AddPAC takes
//! for the range: QEMU takes TBI and the size of the address from the range that bit 55 selects, the manual
//! TBI from both ranges and then the size from the range selected.

use super::cpu_with;
use crate::cpu::Vcpu;
use crate::interp::Abort;
use crate::pauth::PacKey;
use droste_arch::feature::Feature;
use droste_arch::sysreg::SysReg;

/// `{Lo, Hi}` of the keys IA, IB, DA, DB and GA.
const KEYS: [[u64; 2]; 5] = [
    [0xaf1dcc3bb81dca84, 0x17c21cdb97799891],
    [0x111c13b60ae39273, 0x75d5c091b73e2e55],
    [0xa61c8cb24dc8aeb0, 0xe45ea6a086465d8d],
    [0xb88a9b298a8624ea, 0x11c17798d6ce39ac],
    [0xa4a360f3f4d899c6, 0xd7f82e98ae0697ea],
];

fn cpu_of(section: &str) -> Vcpu {
    use Feature::*;
    let latest = [FEAT_PAuth, FEAT_PAuth2, FEAT_FPAC, FEAT_FPACCOMBINE, FEAT_LVA, FEAT_LPA2, FEAT_TTST];
    let mut cpu = match section {
        "qarma5 fpac" => cpu_with(&[&latest[..], &[FEAT_PACQARMA5]].concat()),
        "qarma3 fpac" => cpu_with(&[&latest[..], &[FEAT_PACQARMA3]].concat()),
        "qarma5 pauth2" => cpu_with(&[FEAT_PAuth, FEAT_PAuth2, FEAT_PACQARMA5]),
        other => panic!("unknown section {other}"),
    };
    let registers = [
        [SysReg::APIAKeyLo_EL1, SysReg::APIAKeyHi_EL1],
        [SysReg::APIBKeyLo_EL1, SysReg::APIBKeyHi_EL1],
        [SysReg::APDAKeyLo_EL1, SysReg::APDAKeyHi_EL1],
        [SysReg::APDBKeyLo_EL1, SysReg::APDBKeyHi_EL1],
        [SysReg::APGAKeyLo_EL1, SysReg::APGAKeyHi_EL1],
    ];
    for (register, key) in registers.iter().flatten().zip(KEYS.iter().flatten()) {
        cpu.set_sys(*register, *key);
    }
    cpu
}

/// The result of an instruction, or ESR_EL1 of its fault.
fn outcome(cpu: &Vcpu, result: Result<u64, Abort>) -> u64 {
    result.unwrap_or_else(|Abort| u64::from(cpu.abort.ec) << 26 | 1 << 25 | cpu.abort.iss)
}

#[test]
fn pointer_authentication_agrees_with_recorded_results() {
    let mut cpu = None;
    let mut count = 0;
    for line in include_str!("vectors.txt").lines() {
        if let Some(section) = line.strip_prefix("# ") {
            cpu = Some(cpu_of(section));
            continue;
        }
        let cpu = cpu.as_mut().expect("a section comes first");
        let numbers: Vec<u64> = line
            .split(' ')
            .filter(|word| *word != "=")
            .map(|word| u64::from_str_radix(word, 16).expect("a hexadecimal number"))
            .collect();
        let [tcr, ptr, modifier, expected @ ..] = &numbers[..] else { panic!("too short: {line}") };
        cpu.set_sys(SysReg::TCR_EL1, *tcr);
        cpu.context_changed();

        let mut add = |key| cpu.add_pac(key, *ptr, *modifier).unwrap();
        let codes = [PacKey::IA, PacKey::IB, PacKey::DA, PacKey::DB].map(&mut add);
        let stripped = [cpu.strip(*ptr, false), cpu.strip(*ptr, true)];
        let generic = cpu.pacga(*ptr, *modifier).unwrap();
        let mut auth = |key, ptr| {
            let result = cpu.auth(key, ptr, *modifier, false);
            outcome(cpu, result)
        };
        let checks = [
            auth(PacKey::IA, codes[0]),
            auth(PacKey::DB, codes[3]),
            auth(PacKey::IA, codes[0] ^ 1 << 4),
            auth(PacKey::DB, codes[3] ^ 1 << 52),
            auth(PacKey::IB, *ptr),
            auth(PacKey::DA, *ptr),
        ];
        let actual = [&codes[..], &stripped, &[generic], &checks].concat();
        assert_eq!(format!("{actual:x?}"), format!("{expected:x?}"), "{line}");
        count += 1;
    }
    assert_eq!(count, 180);
}
