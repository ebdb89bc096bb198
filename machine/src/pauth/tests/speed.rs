//! What signing and authenticating cost: `cargo test --release -p droste-machine pauth::tests::speed --
//! --ignored --nocapture`.

use super::cpu_with;
use crate::pauth::PacKey;
use droste_arch::feature::Feature::*;
use droste_arch::sysreg::SysReg;
use std::hint::black_box;
use std::time::Instant;

#[test]
#[ignore = "measures"]
fn cost_of_signing_and_authenticating() {
    for algorithm in [FEAT_PACIMP, FEAT_PACQARMA3, FEAT_PACQARMA5] {
        let mut cpu = cpu_with(&[FEAT_PAuth, FEAT_PAuth2, FEAT_FPAC, FEAT_FPACCOMBINE, FEAT_TTST, algorithm]);
        cpu.set_sys(SysReg::TCR_EL1, 0x10_0010);
        cpu.context_changed();
        let fastest = (0..50).map(|_| {
            let start = Instant::now();
            let mut ptr = 0x1234_5678;
            for modifier in 0..10_000 {
                let signed = cpu.add_pac(black_box(PacKey::IA), ptr, modifier).unwrap();
                ptr = cpu.auth(black_box(PacKey::IA), signed, modifier, false).unwrap();
            }
            start.elapsed().as_nanos()
        });
        println!("{:6.2} ns  {algorithm}", fastest.min().unwrap_or(0) as f64 / 20_000.0);
    }
}
