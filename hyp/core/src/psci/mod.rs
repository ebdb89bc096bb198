//! PSCI between the host and the firmware: every call of the host is looked at, and every core enters through EL2 first.

mod functions;
mod power;
mod relay;

pub use functions::{Function, Ids, Version};
pub use power::{BootArguments, Power, PowerState};
pub use relay::{Answer, Cpus, EXTENDED_STATE, EntryPoints, Firmware, MAX_CPUS, Relay, Request};
