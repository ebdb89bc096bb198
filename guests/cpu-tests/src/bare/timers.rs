//! The generic timers: condition, mask, interrupt, offset.

use super::catch::received;
use super::harness::{check, equal};
use super::interrupts::open;
use guest_support::sysreg::current_el;
use guest_support::{gic, instruction, mrs, msr};

macro_rules! timer {
    ($name:literal, $ctl:literal, $cval:literal, $tval:literal, $count:literal, $intid:literal) => {{
        gic::enable($intid, 0x80);
        msr!($ctl, 2);
        msr!($cval, mrs!($count) + 1_000_000_000_000);
        msr!($ctl, 1);
        equal(concat!($name, ": far away, no condition"), mrs!($ctl), 1);
        check(concat!($name, ": TVAL is the distance, signed 32 bits"), {
            msr!($tval, 1000);
            let (tval, cval, now) = (mrs!($tval), mrs!($cval), mrs!($count));
            tval <= 1000 || (tval as u32 as i32) < 0 && now >= cval
        });
        msr!($ctl, 3);
        msr!($tval, 0);
        equal(concat!($name, ": condition met, masked"), mrs!($ctl), 7);
        open();
        equal(
            concat!($name, ": masked, no interrupt"),
            (received($intid), gic::is_pending($intid)),
            (0, false),
        );
        msr!($ctl, 1);
        equal(concat!($name, ": unmasked, pending"), gic::is_pending($intid), true);
        open();
        equal(concat!($name, ": interrupt taken"), received($intid), 1);
        msr!($ctl, 0);
        check(concat!($name, ": disabled, not pending"), !gic::is_pending($intid));

        gic::enable($intid, 0x80);
        msr!($tval, mrs!("cntfrq_el0") / 500);
        msr!($ctl, 1);
        while received($intid) < 2 {
            instruction!("wfi");
            open();
        }
        check(concat!($name, ": WFI until the interrupt, not early"), mrs!($count) >= mrs!($cval));
        msr!($ctl, 0);
    }};
}

pub(crate) fn run() {
    let frequency = mrs!("cntfrq_el0");
    check("CNTFRQ_EL0 is set", (1_000_000..=1_000_000_000).contains(&frequency));
    let (a, b) = (mrs!("cntpct_el0"), mrs!("cntpct_el0"));
    check("CNTPCT_EL0 does not go backwards", b >= a);
    timer!("EL1 physical timer", "cntp_ctl_el0", "cntp_cval_el0", "cntp_tval_el0", "cntpct_el0", 30);
    timer!("EL1 virtual timer", "cntv_ctl_el0", "cntv_cval_el0", "cntv_tval_el0", "cntvct_el0", 27);
    events();
    if current_el() == 2 {
        timer!("EL2 physical timer", "cnthp_ctl_el2", "cnthp_cval_el2", "cnthp_tval_el2", "cntpct_el0", 26);
        offset();
    }
}

/// WFE ends: at once after SEVL, and by the event stream, of which nothing else tells.
fn events() {
    instruction!("sevl");
    instruction!("wfe");
    check("WFE after SEVL", true);
    // EVNTEN, bit 10 of the virtual count.
    msr!("cntkctl_el1", mrs!("cntkctl_el1") | 1 << 2 | 10 << 4);
    for _ in 0..3 {
        instruction!("wfe");
    }
    msr!("cntkctl_el1", mrs!("cntkctl_el1") & !(1 << 2 | 0xf << 4));
    check("WFE ends by the event stream", true);
}

fn offset() {
    let distance = 1 << 40;
    msr!("cntvoff_el2", distance);
    let (p, v) = (mrs!("cntpct_el0"), mrs!("cntvct_el0"));
    msr!("cntvoff_el2", 0);
    check(
        "CNTVOFF_EL2 moves the virtual count",
        p.wrapping_sub(v) <= distance && p.wrapping_sub(v) > distance / 2,
    );
}
