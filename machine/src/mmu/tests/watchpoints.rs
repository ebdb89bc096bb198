//! Watchpoints and the inline path.

use super::*;
use crate::debug::registers_changed;
use crate::mmu::Access;
use droste_arch::fields::mdscr_el1;

const ENABLE: u64 = 1;
const EL1: u64 = 1 << 1;
const LOADS: u64 = 1 << 3;
const STORES: u64 = 2 << 3;
const BYTES: u64 = 0xff << 5;
const ON: u64 = mdscr_el1::MDE.mask() | mdscr_el1::KDE.mask();

fn set(bench: &mut Bench, r: SysReg, value: u64) {
    bench.set(r, value);
    registers_changed(&mut bench.cpu);
}

fn watching(va: u64, control: u64) -> Bench {
    let mut bench = Bench::new();
    bench.cpu.state.pstate.daif = 0;
    set(&mut bench, SysReg::OSLSR_EL1, 1 << 3);
    set(&mut bench, SysReg::MDSCR_EL1, ON);
    set(&mut bench, SysReg::DBGWVR0_EL1, va);
    set(&mut bench, SysReg::DBGWCR0_EL1, ENABLE | EL1 | BYTES | control);
    bench
}

/// FAR of the exception of a load, if it has one.
fn load(bench: &mut Bench, va: u64) -> Option<u64> {
    bench.cpu.load::<u64>(va, Access::NORMAL).err().map(|_| bench.cpu.abort.far.unwrap_or_default())
}

#[test]
fn watched_pages_leave_the_inline_path_and_return_to_it() {
    let at = VA + 0x508;
    let mut bench = watching(at, LOADS);
    set(&mut bench, SysReg::MDSCR_EL1, 0);
    assert_eq!(load(&mut bench, at), None);
    set(&mut bench, SysReg::MDSCR_EL1, ON);
    assert_eq!(load(&mut bench, at), Some(at));
    assert_eq!((bench.cpu.abort.ec, bench.cpu.abort.iss), (0x35, 0x22));
    assert_eq!(load(&mut bench, at + 8), None);
    assert_eq!(load(&mut bench, at + 0xb00), None);
    assert_eq!(load(&mut bench, at - 4), Some(at), "the first watched byte");
    assert!(bench.cpu.store::<u64>(at, 1, Access::NORMAL).is_ok());
    assert_eq!(load(&mut bench, at), Some(at));
    set(&mut bench, SysReg::MDSCR_EL1, 0);
    assert_eq!(load(&mut bench, at), None);
    set(&mut bench, SysReg::MDSCR_EL1, ON);
    // The top byte takes no part.
    set(&mut bench, SysReg::DBGWVR0_EL1, at | 0xff << 56);
    assert_eq!(load(&mut bench, at), Some(at));
}

#[test]
fn access_that_crosses_pages_is_watched_on_both() {
    let second = VA + 0x1000;
    let mut bench = watching(second, STORES);
    assert!(bench.cpu.store::<u64>(second - 4, !0, Access::NORMAL).is_err());
    assert_eq!((bench.cpu.abort.far, bench.cpu.abort.iss), (Some(second), 1 << 6 | 0x22));
    assert_eq!(bench.cpu.load::<u64>(second - 4, Access::NORMAL), Ok(0), "nothing was stored");
    assert!(bench.cpu.store::<u64>(second - 8, !0, Access::NORMAL).is_ok());
    assert!(bench.cpu.rmw::<u64>(second, Access::ATOMIC, |x| x + 1).is_err());
    assert_eq!(bench.cpu.abort.iss, 1 << 6 | 0x22);
    assert!(bench.perform("DC IVAC", second + 8).is_err(), "it may lose data");
    assert_eq!((bench.cpu.abort.far, bench.cpu.abort.iss), (Some(second), 1 << 8 | 1 << 6 | 0x22));
    assert!(bench.perform("DC CVAC", second + 8).is_ok());
    assert!(bench.perform("DC ZVA", second + 0x20).is_err());
    assert_eq!((bench.cpu.abort.far, bench.cpu.abort.iss), (Some(second), 1 << 6 | 0x22));
    assert!(bench.perform("DC ZVA", second + 0x40).is_ok());
}

#[test]
fn ranges_follow_the_mask() {
    for (mask, bytes) in [(3_u64, 8_u64), (8, 0x100), (11, 0x800)] {
        let at = VA + 0x800;
        let mut bench = watching(at, LOADS | mask << 24);
        assert_eq!(load(&mut bench, at + bytes - 8), Some(at + bytes - 8));
        assert_eq!(load(&mut bench, at + bytes), None);
        assert_eq!(load(&mut bench, at - 8), None);
    }
    assert_eq!(load(&mut watching(VA, LOADS | 2 << 24), VA), None, "reserved");
}

#[test]
fn translation_faults_come_before_watchpoints() {
    let mut bench = watching(VA, STORES);
    bench.map(VA, PA, bit::READ_ONLY);
    assert!(bench.cpu.store::<u64>(VA, 1, Access::NORMAL).is_err());
    assert_eq!(bench.cpu.abort.ec, 0x25);
}
