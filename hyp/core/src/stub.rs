//! The calls that Linux makes to the vectors which it believes to be at EL2 (hyp-abi.rst), answered for a host at EL1.
//!
//! A kernel that was entered at EL1 makes none of them. One that does gets answers that it knows, and never EL2.

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// X0 of the host.
    Return(u64),
    /// The host goes on at an address with its MMU off and these in X0 to X2.
    Restart {
        /// The address.
        entry: u64,
        /// X0 to X2.
        arguments: [u64; 3],
    },
    /// Not one of these calls.
    NotAStubCall,
}

/// HVC_STUB_ERR: the call was refused.
pub const REFUSED: u64 = 0xbad_ca11;
const SET_VECTORS: u64 = 0;
const SOFT_RESTART: u64 = 1;
const RESET_VECTORS: u64 = 2;
const FINALISE_EL2: u64 = 3;

/// Answers `HVC #immediate` with X0 to X4.
#[must_use]
pub const fn answer(immediate: u16, x: [u64; 5]) -> Answer {
    let [call, entry, a, b, c] = x;
    if immediate != 0 {
        return Answer::NotAStubCall;
    }
    match call {
        // EL2 is taken, and no other vectors were ever set.
        SET_VECTORS | FINALISE_EL2 => Answer::Return(REFUSED),
        RESET_VECTORS => Answer::Return(0),
        SOFT_RESTART => Answer::Restart { entry, arguments: [a, b, c] },
        _ => Answer::NotAStubCall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_never_gets_el2() {
        assert_eq!(answer(0, [SET_VECTORS, 0x4000_0000, 0, 0, 0]), Answer::Return(0xbad_ca11));
        assert_eq!(answer(0, [FINALISE_EL2, 0, 0, 0, 0]), Answer::Return(REFUSED));
        assert_eq!(answer(0, [RESET_VECTORS, 0, 0, 0, 0]), Answer::Return(0));
    }

    #[test]
    fn soft_restart_moves_its_arguments_down() {
        let restart = Answer::Restart { entry: 0x4800_0000, arguments: [1, 2, 3] };
        assert_eq!(answer(0, [SOFT_RESTART, 0x4800_0000, 1, 2, 3]), restart);
        assert_eq!(answer(1, [SOFT_RESTART, 0x4800_0000, 1, 2, 3]), Answer::NotAStubCall);
        assert_eq!(answer(0, [4, 0, 0, 0, 0]), Answer::NotAStubCall);
    }
}
