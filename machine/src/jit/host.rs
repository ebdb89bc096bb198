//! What the host's CPU has beyond the instructions that every template may use.

use std::arch::is_x86_feature_detected as detected;

/// Host features that templates ask for; without them the interpreter's handler executes the instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Host {
    /// AVX and AVX2: all templates of FP and AdvSIMD instructions.
    pub(crate) vectors: bool,
    /// FMA3.
    pub(crate) fma: bool,
    pub(crate) aes: bool,
    /// PCLMULQDQ.
    pub(crate) carryless: bool,
    /// SHA-NI.
    pub(crate) sha: bool,
    /// CRC32 of SSE4.2.
    pub(crate) crc32: bool,
    /// BMI1 and BMI2: ANDN, and shifts, rotations and products that leave the flags alone.
    pub(crate) bmi: bool,
}

impl Host {
    /// The features of this host.
    pub(crate) fn detect() -> Host {
        Host {
            vectors: detected!("avx") && detected!("avx2"),
            fma: detected!("fma"),
            aes: detected!("aes"),
            carryless: detected!("pclmulqdq"),
            sha: detected!("sha"),
            crc32: detected!("sse4.2"),
            bmi: detected!("bmi1") && detected!("bmi2"),
        }
    }
}
