//! Random accesses: nothing panics, and what is published is always what follows from the state.

use super::*;

/// xorshift64*: the same numbers on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A value with few bits set, all bits set, or any.
    fn value(&mut self) -> u64 {
        match self.below(4) {
            0 => !0,
            1 => self.next(),
            _ => 1 << self.below(64) | 1 << self.below(64),
        }
    }
}

const READABLE: [SysReg; 30] = [
    SysReg::ICC_IAR0_EL1,
    SysReg::ICC_IAR1_EL1,
    SysReg::ICC_HPPIR0_EL1,
    SysReg::ICC_HPPIR1_EL1,
    SysReg::ICC_BPR0_EL1,
    SysReg::ICC_BPR1_EL1,
    SysReg::ICC_PMR_EL1,
    SysReg::ICC_RPR_EL1,
    SysReg::ICC_CTLR_EL1,
    SysReg::ICC_IGRPEN0_EL1,
    SysReg::ICC_IGRPEN1_EL1,
    SysReg::ICV_IAR0_EL1,
    SysReg::ICV_IAR1_EL1,
    SysReg::ICV_HPPIR0_EL1,
    SysReg::ICV_HPPIR1_EL1,
    SysReg::ICV_BPR0_EL1,
    SysReg::ICV_BPR1_EL1,
    SysReg::ICV_PMR_EL1,
    SysReg::ICV_RPR_EL1,
    SysReg::ICV_CTLR_EL1,
    SysReg::ICV_IGRPEN0_EL1,
    SysReg::ICV_IGRPEN1_EL1,
    SysReg::ICH_HCR_EL2,
    SysReg::ICH_VTR_EL2,
    SysReg::ICH_MISR_EL2,
    SysReg::ICH_EISR_EL2,
    SysReg::ICH_ELRSR_EL2,
    SysReg::ICH_VMCR_EL2,
    SysReg::ICH_LR0_EL2,
    SysReg::ICH_LR3_EL2,
];

const WRITABLE: [SysReg; 30] = [
    SysReg::ICC_EOIR0_EL1,
    SysReg::ICC_EOIR1_EL1,
    SysReg::ICC_DIR_EL1,
    SysReg::ICC_SGI0R_EL1,
    SysReg::ICC_SGI1R_EL1,
    SysReg::ICC_ASGI1R_EL1,
    SysReg::ICC_BPR0_EL1,
    SysReg::ICC_BPR1_EL1,
    SysReg::ICC_PMR_EL1,
    SysReg::ICC_CTLR_EL1,
    SysReg::ICC_IGRPEN0_EL1,
    SysReg::ICC_IGRPEN1_EL1,
    SysReg::ICC_AP0R0_EL1,
    SysReg::ICC_AP1R0_EL1,
    SysReg::ICV_EOIR0_EL1,
    SysReg::ICV_EOIR1_EL1,
    SysReg::ICV_DIR_EL1,
    SysReg::ICV_BPR0_EL1,
    SysReg::ICV_BPR1_EL1,
    SysReg::ICV_PMR_EL1,
    SysReg::ICV_CTLR_EL1,
    SysReg::ICV_IGRPEN0_EL1,
    SysReg::ICV_IGRPEN1_EL1,
    SysReg::ICH_HCR_EL2,
    SysReg::ICH_VMCR_EL2,
    SysReg::ICH_AP0R0_EL2,
    SysReg::ICH_AP1R0_EL2,
    SysReg::ICH_LR0_EL2,
    SysReg::ICH_LR1_EL2,
    SysReg::ICH_LR2_EL2,
];

/// An offset in a frame, mostly of a register that exists.
fn offset(random: &mut Random, special: &[u64]) -> u64 {
    match random.below(3) {
        0 => special[random.below(special.len() as u64) as usize],
        1 => random.below(0x1000),
        _ => random.below(0x2_0000),
    }
}

/// Puts one random command with small operands at the front of the queue and runs it.
fn command(board: &Board, random: &mut Random, queue: &mut u64) {
    let device = random.below(4) << 32;
    let event = random.below(8) | (8192 + random.below(64)) << 32;
    let target = random.below(3) | random.below(3) << 16 | random.below(2) << 63;
    for (index, word) in (0..).zip([device | random.below(16), event, target, random.below(3) << 16]) {
        board.ram.write::<u64>(RAM + 0x8_0000 + *queue + index * 8, word).unwrap();
    }
    *queue = (*queue + 32) % 4096;
    board.its().write(0x88, 8, *queue);
}

#[test]
fn random_accesses_keep_the_published_state_consistent() {
    let mut board = Board::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut queue = 0;
    let its = board.its();
    its.write(0x80, 8, 1 << 63 | (RAM + 0x8_0000));
    its.write(0x100, 8, 1 << 63 | (RAM + 0x9_0000));
    its.write(0x108, 8, 1 << 63 | (RAM + 0xa_0000));
    its.write(0, 4, 1);
    for byte in 0..64 {
        board.ram.write::<u8>(RAM + 0x1_0000 + byte, (byte as u8) << 2 | 1).unwrap();
    }
    for cpu in 0..2 {
        let frame = cpu * REDISTRIBUTOR_BYTES;
        board.redistributors().write(frame + 0x70, 8, (RAM + 0x1_0000) | 15);
        board.redistributors().write(frame + 0x78, 8, (RAM + 0x3_0000 + cpu * 0x2_0000) | 1 << 62);
        board.redistributors().write(frame, 4, 1);
    }
    for step in 0..100_000 {
        let cpu = random.below(2) as usize;
        let size = [1, 4, 4, 8][random.below(4) as usize];
        match random.below(10) {
            0 => {
                let at = offset(&mut random, &[0, 0x84, 0x104, 0x184, 0x204, 0x284, 0x304, 0x384, 0x6140]);
                board.distributor().write((at % 0x1_0000) & !(u64::from(size) - 1), size, random.value());
            }
            1 => {
                let at = offset(&mut random, &[0x14, 0x1_0080, 0x1_0100, 0x1_0200, 0x1_0280, 0x1_0380]);
                let at = at & !(u64::from(size) - 1);
                // The tables are not to wander through all of RAM.
                if !(0x70..0x80).contains(&at) {
                    board.redistributors().write(cpu as u64 * REDISTRIBUTOR_BYTES + at, size, random.value());
                }
            }
            2 => board.gic.set_level(random.below(300) as u32, random.below(2) == 0),
            3 => board.gic.set_ppi(cpu, 16 + random.below(16) as u32, random.below(2) == 0),
            4 => command(&board, &mut random, &mut queue),
            5 => board.gic.send_msi(random.below(4) as u32, random.below(8) as u32),
            6 | 7 => {
                let r = READABLE[random.below(READABLE.len() as u64) as usize];
                board.get(cpu, r);
            }
            _ => {
                let r = WRITABLE[random.below(WRITABLE.len() as u64) as usize];
                let value = if random.below(2) == 0 { random.below(64) } else { random.value() };
                board.set(cpu, r, value);
            }
        }
        for cpu in 0..2 {
            let expected = board.gic.lock().highest(cpu);
            assert_eq!(board.gic.highest(cpu), expected, "step {step}");
            let pins = board.pins(cpu);
            board.cpus[cpu].refresh();
            assert_eq!(board.pins(cpu), pins, "step {step}: stale pins");
        }
    }
}
