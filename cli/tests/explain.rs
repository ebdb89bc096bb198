//! `droste explain`: answers and refusals.

use std::process::{Command, Output};

fn explain(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_droste")).arg("explain").args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn outcome_and_rule_are_those_of_the_state_asked_for() {
    for (args, says) in [
        (
            &["MSR HCR_EL2", "--hcr", "nv,nv2"][..],
            &["memory at VNCR_EL2.BADDR + 0x078", "because: HCR_EL2.NV2 = 1"][..],
        ),
        (&["MSR HCR_EL2", "--hcr", "nv"], &["exception to EL2: EC 0x18", "because: HCR_EL2.NV = 1"]),
        (&["MSR HCR_EL2"], &["UNDEFINED: exception to EL1", "because: always"]),
        (&["MRS SPSR_EL2", "--hcr", "nv,nv2"], &["reads SPSR_EL1, which is another register"]),
        (&["MRS SCTLR_EL1", "--el", "2", "--hcr", "e2h"], &["reads SCTLR_EL2"]),
        (&["MRS CPACR_EL1", "--set", "CPTR_EL2.TCPAC=1"], &["exception to EL2", "CPTR_EL2.TCPAC = 1"]),
        (&["MSR SCTLR_EL1", "--set", "HFGWTR_EL2.SCTLR_EL1=1"], &["EC 0x18", "HFGWTR_EL2.SCTLR_EL1 = 1"]),
        (&["MSR HCR_EL2", "--hcr", "nv=0"], &["UNDEFINED"]),
        (&["MSR TTBR1_EL2", "--el", "2", "--cpu", "cortex-a57"], &["UNDEFINED", "no FEAT_VHE"]),
        (&["ERET", "--hcr", "nv"], &["EC 0x1a"]),
        (&["HVC #5"], &["EC 0x16", "ISS 0x0000005"]),
        (&["TLBI ALLE1"], &["UNDEFINED"]),
    ] {
        let (code, stdout, stderr) = explain(args);
        assert_eq!(code, 0, "{args:?}: {stderr}");
        assert!(says.iter().all(|part| stdout.contains(part)), "{args:?}: {stdout}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_hint() {
    for (args, code, says) in [
        (&["MRS HRC_EL2"][..], 64, &["no system register HRC_EL2", "did you mean HCR_EL2?"][..]),
        (&["MSR MIDR_EL1"], 64, &["cannot be written", "ask for MRS"]),
        (&["TLBI VMALE1"], 64, &["did you mean"]),
        (&["ADD X0, X1"], 64, &["error:", "hint:"]),
        (&["MRS HCR_EL2", "--el", "3"], 64, &["no EL3"]),
        (&["MRS HCR_EL2", "--hcr", "nvx"], 64, &["HCR_EL2 has no field nvx", "did you mean HCR_EL2.NV"]),
        (
            &["MRS HCR_EL2", "--hcr", "nv", "--cpu", "cortex-a57"],
            78,
            &["HCR_EL2.NV cannot be 0x1 on this CPU"],
        ),
        (&["MRS HCR_EL2", "--set", "CPTR_EL2"], 64, &["has no value"]),
        (&["MRS HCR_EL2", "--hcr", "tge"], 64, &["no EL1"]),
        (&["MRS HCR_EL2", "--cpu", "z80"], 78, &["unknown CPU model"]),
        (&["0xd503201f"], 64, &["no", "access rules"]),
    ] {
        let (got, stdout, stderr) = explain(args);
        assert_eq!(got, code, "{args:?}: {stderr}");
        assert!(stdout.is_empty(), "{args:?}");
        assert!(says.iter().all(|part| stderr.contains(part)), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 2, "{args:?}: {stderr}");
    }
}
