//! The CPU: architectural state as plain data, and what an executor keeps around it.

mod branch;
mod host;
mod level;
mod mode;
pub mod model;
mod nzcv;
mod pstate;
mod reset;
mod state;
mod vcpu;
mod worlds;

pub(crate) use level::Level;
pub use mode::{FpAccess, Mode};
pub use nzcv::Nzcv;
pub use pstate::PState;
pub use state::{CpuState, Exclusive};
pub use vcpu::Vcpu;
