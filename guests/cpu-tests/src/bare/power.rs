//! PSCI calls that leave the machine running.

use super::harness::{check, equal};
use guest_support::psci;

pub(crate) fn run() {
    let version = psci::call(psci::VERSION, 0, 0, 0);
    check("PSCI_VERSION is 1.0 or newer", version >> 16 == 1);
    equal("PSCI_FEATURES of CPU_ON", psci::call(psci::FEATURES, psci::CPU_ON, 0, 0), 0);
    equal(
        "PSCI_FEATURES of what does not exist",
        psci::call(psci::FEATURES, 0x8400_1234, 0, 0),
        psci::NOT_SUPPORTED,
    );
    equal("a function that does not exist", psci::call(0x8400_00ff, 0, 0, 0), psci::NOT_SUPPORTED);
    equal("AFFINITY_INFO of this CPU: on", psci::call(psci::AFFINITY_INFO, 0, 0, 0), 0);
    equal("CPU_ON of this CPU: already on", psci::call(psci::CPU_ON, 0, 0x4020_0000, 0), -4);
    equal("CPU_ON of a CPU that does not exist", psci::call(psci::CPU_ON, 0xff00, 0x4020_0000, 0), -2);
}
