//! Data processing, immediate.

pub(crate) mod addsub_imm;
pub(crate) mod bitfield;
pub(crate) mod extract;
pub(crate) mod log_imm;
pub(crate) mod minmax_imm;
pub(crate) mod movewide;
pub(crate) mod pcreladdr;
