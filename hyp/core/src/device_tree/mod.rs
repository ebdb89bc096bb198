//! Flattened device trees: a reader that trusts nothing, what the hypervisor has to know, and the copy that the host gets.

mod edit;
mod platform;
mod reader;
#[cfg(test)]
mod tests;

pub use edit::{Edit, rewrite};
pub use platform::{Conduit, Module, Platform, Psci, RESERVED_COUNT};
pub use reader::{Blob, MAX_DEPTH, Token, Tokens, total_bytes};

/// Why a device tree is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// No device tree at all: wrong magic.
    Magic,
    /// A format version that is not understood.
    Version,
    /// A block is not inside of the tree.
    Bounds,
    /// Tokens are not nested properly, or unknown.
    Structure,
    /// A property's name is not in the strings.
    Strings,
    /// Nodes are nested too deeply.
    Depth,
    /// A number has a size that makes no sense.
    Cells,
    /// More CPUs or ranges of RAM than there is room for.
    TooMany,
    /// No RAM is described.
    NoMemory,
    /// No CPU is described.
    NoCpu,
    /// The result does not fit.
    OutOfSpace,
}

impl core::fmt::Display for TreeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            TreeError::Magic => "no device tree",
            TreeError::Version => "a device tree of an unknown version",
            TreeError::Bounds => "a device tree with a block beyond its end",
            TreeError::Structure => "a device tree whose nodes are damaged",
            TreeError::Strings => "a device tree whose strings are damaged",
            TreeError::Depth => "a device tree that is too deep",
            TreeError::Cells => "a device tree with numbers of an odd size",
            TreeError::TooMany => "more CPUs or ranges of RAM than there is room for",
            TreeError::NoMemory => "a device tree without RAM",
            TreeError::NoCpu => "a device tree without CPUs",
            TreeError::OutOfSpace => "no room for the host's device tree",
        })
    }
}
