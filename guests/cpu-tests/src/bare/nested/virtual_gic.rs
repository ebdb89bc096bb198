//! LPIs in list registers: what a guest hypervisor gives its guest.

use super::guest::{run as guest_run, *};
use crate::bare::harness::{beyond_qemu, equal};
use guest_support::{mrs, msr};

const LPI: u64 = 8192;
const PENDING: u64 = 1 << 62;
const GROUP1: u64 = 1 << 60;

pub(super) fn run() {
    // ICC_SRE_EL1 is for EL1 to use, ICH_VMCR_EL2: VENG1, the lowest priority mask.
    msr!("S3_4_C12_C9_5", 0xf);
    msr!("S3_0_C12_C12_5", 7);
    msr!("S3_4_C12_C11_7", 0xff << 24 | 2);
    msr!("S3_4_C12_C11_0", 1);
    msr!("S3_4_C12_C12_0", PENDING | GROUP1 | 0xa0 << 48 | LPI);
    let acknowledged = guest_run(0, &[IAR1.read()], 0);
    equal(
        "GIC: an LPI of a list register is acknowledged",
        (what(acknowledged), acknowledged.x0),
        (DONE, LPI),
    );
    beyond_qemu("GIC: an LPI is never active", mrs!("S3_4_C12_C12_0") >> 62, 0);
    let ended = guest_run(0, &[EOIR1.write(), IAR1.read()], LPI);
    equal("GIC: and ended, with nothing after it", (what(ended), ended.x0), (DONE, 1023));
    msr!("S3_4_C12_C11_0", 0);
    msr!("S3_4_C12_C12_0", 0);
}
