//! What the host's own instructions can do of these steps. Every function returns `None` where the host
//! lacks the instruction, and the caller then takes its portable path; this folder is the only one of
//! `crypto` that knows which host it runs on.

#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::*;

#[cfg(not(target_arch = "x86_64"))]
mod none;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use none::*;
