//! The relay over a firmware that records what it is asked.

use super::*;
use crate::address::PaRange;
use crate::psci::Ids;
use proptest::prelude::*;
use std::vec::Vec;

#[derive(Default)]
struct Fake {
    calls: Vec<(u32, [u64; 3])>,
    answer: u64,
}

impl Firmware for Fake {
    fn call(&mut self, number: u32, arguments: [u64; 3]) -> u64 {
        self.calls.push((number, arguments));
        self.answer
    }
    fn start_entry(&self) -> u64 {
        0x4020_2000
    }
    fn resume_entry(&self) -> u64 {
        0x4020_3000
    }
}

const CPU_ON: u32 = id::CPU_ON | id::SMC64;

fn entries() -> EntryPoints {
    EntryPoints {
        ram: [PaRange { start: 0x4000_0000, end: u64::MAX }].into_iter().collect(),
        own: [PaRange { start: 0x4020_0000, end: 0x4040_0000 }].into_iter().collect(),
    }
}

fn relay(version: Version) -> Relay {
    let mut cpus = Cpus::default();
    assert!(cpus.add(0) && cpus.add(1) && cpus.add(0x1_0000_0003) && !cpus.add(1));
    let relay = Relay::new(version, cpus, entries(), false);
    relay.power(0).unwrap().set_on();
    relay
}

fn ask(relay: &Relay, fake: &mut Fake, number: u32, arguments: [u64; 3]) -> i64 {
    relay.call(fake, 0, Request { number, arguments }).cast_signed()
}

#[test]
fn started_core_enters_the_hypervisor_first_and_the_host_with_its_own_arguments() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0x8000_0000, 42]), 0);
    assert_eq!(f.calls, [(CPU_ON, [1, 0x4020_2000, 1])]);
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0x9000_0000, 43]), -5, "ON_PENDING");
    assert_eq!(r.arrive(1), Some(BootArguments { entry: 0x8000_0000, context: 42 }));
    assert_eq!(r.arrive(1), None, "only once");
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0x9000_0000, 43]), -4, "ALREADY_ON");
    assert_eq!(ask(&r, &mut f, CPU_ON, [0, 0x9000_0000, 43]), -4, "the caller itself");
    assert_eq!(f.calls.len(), 1);
}

#[test]
fn smc32_arguments_are_cut_and_the_firmware_is_called_with_64_bits() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    assert_eq!(ask(&r, &mut f, id::CPU_ON, [0xffff_ffff_0000_0001, 0xabcd_0000_8000_0000, u64::MAX]), 0);
    assert_eq!(f.calls, [(CPU_ON, [1, 0x4020_2000, 1])]);
    assert_eq!(r.arrive(1), Some(BootArguments { entry: 0x8000_0000, context: 0xffff_ffff }));
}

#[test]
fn bogus_targets_and_entries_never_reach_the_firmware() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    for mpidr in [2, 3, 0x8000_0001, u64::MAX] {
        assert_eq!(ask(&r, &mut f, CPU_ON, [mpidr, 0x8000_0000, 0]), -2, "INVALID_PARAMETERS");
        assert_eq!(ask(&r, &mut f, id::AFFINITY_INFO | id::SMC64, [mpidr, 0, 0]), -2);
    }
    for entry in [0x4020_0000, 0x403f_fffc, 0x8000_0002, 0x1000, 0] {
        assert_eq!(ask(&r, &mut f, CPU_ON, [1, entry, 0]), -9, "INVALID_ADDRESS");
    }
    assert!(f.calls.is_empty());
    assert_eq!(r.power(1).unwrap().state(), PowerState::Off);
}

#[test]
fn refusal_of_the_firmware_makes_the_core_startable_again() {
    let (r, mut f) = (relay(Version::Standard), Fake { answer: -6_i64 as u64, ..Fake::default() });
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0x8000_0000, 0]), -6);
    f.answer = 0;
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0x8000_0000, 0]), 0);
}

#[test]
fn cpu_off_that_is_denied_leaves_the_core_on() {
    let (r, mut f) = (relay(Version::Standard), Fake { answer: -3_i64 as u64, ..Fake::default() });
    assert_eq!(ask(&r, &mut f, id::CPU_OFF, [0; 3]), -3);
    assert_eq!(r.power(0).unwrap().state(), PowerState::On);
}

#[test]
fn suspended_core_comes_back_through_the_hypervisor() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    let suspend = id::CPU_SUSPEND | id::SMC64;
    assert_eq!(ask(&r, &mut f, suspend, [0x1_0000, 0x8000_1000, 9]), 0, "shallow return");
    assert_eq!(f.calls, [(suspend, [0x1_0000, 0x4020_3000, 0])]);
    assert_eq!(r.resume(0), Some(BootArguments { entry: 0x8000_1000, context: 9 }));
    let suspend = id::SYSTEM_SUSPEND | id::SMC64;
    ask(&r, &mut f, suspend, [0x8000_2000, 10, 77]);
    assert_eq!(f.calls[1], (suspend, [0x4020_3000, 0, 0]));
    assert_eq!(r.resume(0), Some(BootArguments { entry: 0x8000_2000, context: 10 }));
}

#[test]
fn power_down_states_need_an_entry_point_of_the_host_and_others_do_not() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    let (suspend, system) = (id::CPU_SUSPEND | id::SMC64, id::SYSTEM_SUSPEND | id::SMC64);
    for entry in [0x4020_0000, 0x8000_0002, 0x1000] {
        assert_eq!(ask(&r, &mut f, suspend, [1 << 16, entry, 0]), -9);
        assert_eq!(ask(&r, &mut f, system, [entry, 0, 0]), -9);
        assert_eq!(ask(&r, &mut f, id::CPU_DEFAULT_SUSPEND, [entry, 0, 0]), -9);
    }
    assert!(f.calls.is_empty());
    assert_eq!(ask(&r, &mut f, suspend, [1 << 30, 0, 0]), 0, "a standby state, the firmware refuses bit 30");
    let extended = Relay::new(Version::Standard, *r.cpus(), entries(), true);
    assert_eq!(ask(&extended, &mut f, suspend, [1 << 30, 0, 0]), -9);
    assert_eq!(ask(&extended, &mut f, suspend, [1 << 16, 0, 0]), 0, "a StateID");
}

#[test]
fn core_that_the_firmware_still_holds_off_is_on_pending_after_a_claim() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    ask(&r, &mut f, CPU_ON, [1, 0x8000_0000, 0]);
    f.answer = 1;
    assert_eq!(ask(&r, &mut f, id::AFFINITY_INFO | id::SMC64, [1, 0, 0]), 2);
    assert_eq!(ask(&r, &mut f, id::AFFINITY_INFO | id::SMC64, [0x1_0000_0003, 0, 0]), 1);
}

#[test]
fn unknown_functions_are_not_supported_and_not_advertised() {
    let (r, mut f) = (relay(Version::Standard), Fake::default());
    for number in [id::MIGRATE, id::MIGRATE | id::SMC64, 0x8400_000b, 0x8400_0010, 0x8400_0013, id::LAST] {
        assert_eq!(ask(&r, &mut f, number, [0; 3]), -1);
        assert_eq!(ask(&r, &mut f, id::FEATURES, [u64::from(number), 0, 0]), -1);
    }
    assert!(f.calls.is_empty());
    assert_eq!(ask(&r, &mut f, id::FEATURES, [u64::from(id::SMCCC_VERSION), 0, 0]), 0);
}

#[test]
fn psci_0_1_uses_the_numbers_of_the_device_tree() {
    let ids = Ids { cpu_on: Some(0x95c1_ba60), cpu_off: Some(0x95c1_ba61), ..Ids::default() };
    let (r, mut f) = (relay(Version::V0_1(ids)), Fake::default());
    assert_eq!(ask(&r, &mut f, 0x95c1_ba60, [1, 0x8_0000_0000, 1]), 0);
    assert_eq!(f.calls, [(0x95c1_ba60, [1, 0x4020_2000, 1])]);
    assert_eq!(ask(&r, &mut f, CPU_ON, [1, 0, 0]), -1);
}

proptest! {
    #[test]
    fn no_entry_point_of_the_host_ever_reaches_the_firmware(
        calls in prop::collection::vec(
            (0..0x40_u32, any::<bool>(), prop::array::uniform3(prop_oneof![0..4_u64, any::<u64>()]), -9..3_i64),
            1..30,
        )
    ) {
        const HOSTS: u64 = 0x8000_0000;
        let (r, mut f) = (relay(Version::Standard), Fake::default());
        for (number, wide, mut arguments, answer) in calls {
            // The host's own entry points are told apart from ours by where they are.
            for x in &mut arguments {
                *x = if *x > 8 { *x | HOSTS } else { *x };
            }
            f.answer = answer.cast_unsigned();
            let number = id::VERSION | number | if wide { id::SMC64 } else { 0 };
            f.calls.clear();
            r.call(&mut f, 0, Request { number, arguments });
            for (called, [a, b, _]) in &f.calls {
                match called & !id::SMC64 {
                    id::CPU_ON => {
                        prop_assert!(r.cpus().index_of(*a).is_some() && *b == f.start_entry());
                    }
                    id::CPU_SUSPEND => prop_assert_eq!(*b, f.resume_entry()),
                    id::CPU_DEFAULT_SUSPEND | id::SYSTEM_SUSPEND => prop_assert_eq!(*a, f.resume_entry()),
                    known => prop_assert!(Function::of(Version::Standard, known).is_some()),
                }
            }
        }
    }
}
