//! The shapes: what each thread does to the locations X and Y, which begin as 0.
//!
//! X0 and X1 hold the addresses of X and Y, X4 and X5 are 1 and 2; results are in X2 and X3. Names are those of the
//! literature, with what is between the accesses of each thread.

use core::arch::asm;

/// One thread: gets the addresses of X and Y, answers what it has read.
pub(crate) type Body = fn(*mut u64, *mut u64) -> [u64; 2];

pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) bodies: &'static [Body],
    /// Which results make the outcome: thread and number.
    pub(crate) reads: &'static [(usize, usize)],
    /// Whether the last values of X and Y follow.
    pub(crate) finals: bool,
    /// The outcome that no order of the accesses gives.
    pub(crate) interesting: &'static [u64],
    /// Whether the architecture allows it.
    pub(crate) is_allowed: bool,
}

macro_rules! body {
    ($($line:literal),+) => {{
        fn body(x: *mut u64, y: *mut u64) -> [u64; 2] {
            let (mut a, mut b) = (0_u64, 0_u64);
            // SAFETY: accesses to two words that the test owns.
            unsafe {
                asm!(".arch_extension lse", ".arch_extension rcpc", $($line,)+ ".arch_extension nolse",
                     ".arch_extension norcpc", in("x0") x, in("x1") y, inout("x2") a, inout("x3") b,
                     in("x4") 1_u64, in("x5") 2_u64, out("x6") _, out("x7") _, options(nostack))
            };
            [a, b]
        }
        body as Body
    }};
}

const TWO_OF_1: &[(usize, usize)] = &[(1, 0), (1, 1)];
const ONE_EACH: &[(usize, usize)] = &[(0, 0), (1, 0)];
const THREE: &[(usize, usize)] = &[(1, 0), (2, 0), (2, 1)];
const FOUR: &[(usize, usize)] = &[(2, 0), (2, 1), (3, 0), (3, 1)];

const fn shape(
    name: &'static str,
    bodies: &'static [Body],
    reads: &'static [(usize, usize)],
    interesting: &'static [u64],
) -> Shape {
    Shape { name, bodies, reads, finals: interesting.len() > reads.len(), interesting, is_allowed: false }
}

const fn allowed(shape: Shape) -> Shape {
    Shape { is_allowed: true, ..shape }
}

const fn mp(name: &'static str, bodies: &'static [Body]) -> Shape {
    shape(name, bodies, TWO_OF_1, &[1, 0])
}

const fn sb(name: &'static str, bodies: &'static [Body]) -> Shape {
    shape(name, bodies, ONE_EACH, &[0, 0])
}

const fn lb(name: &'static str, bodies: &'static [Body]) -> Shape {
    shape(name, bodies, ONE_EACH, &[1, 1])
}

const fn iriw(name: &'static str, bodies: &'static [Body]) -> Shape {
    shape(name, bodies, FOUR, &[1, 0, 1, 0])
}

const MP_0: Body = body!("str x4, [x0]", "str x4, [x1]");
const MP_0_DMB: Body = body!("str x4, [x0]", "dmb sy", "str x4, [x1]");
const MP_0_DMB_ST: Body = body!("str x4, [x0]", "dmb ishst", "str x4, [x1]");
const MP_0_STLR: Body = body!("str x4, [x0]", "stlr x4, [x1]");
const MP_0_SWPL: Body = body!("str x4, [x0]", "swpl x4, x6, [x1]");
const MP_0_STLXR: Body = body!("str x4, [x0]", "2: ldxr x6, [x1]", "stlxr w7, x4, [x1]", "cbnz w7, 2b");
const MP_1: Body = body!("ldr x2, [x1]", "ldr x3, [x0]");
const MP_1_DMB_LD: Body = body!("ldr x2, [x1]", "dmb ishld", "ldr x3, [x0]");
const MP_1_ADDR: Body = body!("ldr x2, [x1]", "eor x6, x2, x2", "ldr x3, [x0, x6]");
const MP_1_CTRL_ISB: Body = body!("ldr x2, [x1]", "cbz x2, 2f", "2: isb", "ldr x3, [x0]");
const MP_1_LDAR: Body = body!("ldar x2, [x1]", "ldr x3, [x0]");
const MP_1_LDAPR: Body = body!("ldapr x2, [x1]", "ldr x3, [x0]");
const MP_1_LDADDA: Body = body!("ldadda xzr, x2, [x1]", "ldr x3, [x0]");
const MP_1_DSB: Body = body!("ldr x2, [x1]", "dsb ish", "ldr x3, [x0]");

const SB_0: Body = body!("str x4, [x0]", "ldr x2, [x1]");
const SB_1: Body = body!("str x4, [x1]", "ldr x2, [x0]");
const SB_0_DMB: Body = body!("str x4, [x0]", "dmb sy", "ldr x2, [x1]");
const SB_1_DMB: Body = body!("str x4, [x1]", "dmb ish", "ldr x2, [x0]");
const SB_0_DSB: Body = body!("str x4, [x0]", "dsb sy", "ldr x2, [x1]");
const SB_1_DSB: Body = body!("str x4, [x1]", "dsb ish", "ldr x2, [x0]");
const SB_0_DMB_ST: Body = body!("str x4, [x0]", "dmb ishst", "ldr x2, [x1]");
const SB_1_DMB_LD: Body = body!("str x4, [x1]", "dmb ishld", "ldr x2, [x0]");
const SB_0_AR: Body = body!("stlr x4, [x0]", "ldar x2, [x1]");
const SB_1_AR: Body = body!("stlr x4, [x1]", "ldar x2, [x0]");
const SB_0_PC: Body = body!("stlr x4, [x0]", "ldapr x2, [x1]");
const SB_1_PC: Body = body!("stlr x4, [x1]", "ldapr x2, [x0]");
const SB_0_SWPL: Body = body!("swpl x4, x6, [x0]", "ldar x2, [x1]");
const SB_1_SWPL: Body = body!("swpl x4, x6, [x1]", "ldar x2, [x0]");
const SB_0_STLXR: Body = body!("2: ldxr x6, [x0]", "stlxr w7, x4, [x0]", "cbnz w7, 2b", "ldar x2, [x1]");
const SB_1_STLXR: Body = body!("2: ldxr x6, [x1]", "stlxr w7, x4, [x1]", "cbnz w7, 2b", "ldar x2, [x0]");
const SB_0_WORDS: Body = body!("stlr w4, [x0]", "ldar w2, [x1]");
const SB_1_WORDS: Body = body!("stlrb w4, [x1]", "ldarb w2, [x0]");

const LB_0: Body = body!("ldr x2, [x0]", "str x4, [x1]");
const LB_1: Body = body!("ldr x2, [x1]", "str x4, [x0]");
const LB_0_DATA: Body = body!("ldr x2, [x0]", "eor x6, x2, x2", "add x6, x6, x4", "str x6, [x1]");
const LB_1_DATA: Body = body!("ldr x2, [x1]", "eor x6, x2, x2", "add x6, x6, x4", "str x6, [x0]");
const LB_0_LDAR: Body = body!("ldar x2, [x0]", "str x4, [x1]");
const LB_1_LDAR: Body = body!("ldapr x2, [x1]", "str x4, [x0]");
const LB_0_DMB_LD: Body = body!("ldr x2, [x0]", "dmb ishld", "str x4, [x1]");
const LB_1_STLR: Body = body!("ldr x2, [x1]", "stlr x4, [x0]");

const X_1: Body = body!("str x4, [x0]");
const Y_1: Body = body!("str x4, [x1]");
const READ_XY: Body = body!("ldr x2, [x0]", "ldr x3, [x1]");
const READ_XX: Body = body!("ldr x2, [x0]", "ldr x3, [x0]");
const READ_XY_ADDR: Body = body!("ldr x2, [x0]", "eor x6, x2, x2", "ldr x3, [x1, x6]");
const READ_XY_LDAR: Body = body!("ldar x2, [x0]", "ldar x3, [x1]");
const READ_YX_LDAR: Body = body!("ldar x2, [x1]", "ldar x3, [x0]");
const READ_XY_DMB: Body = body!("ldr x2, [x0]", "dmb ish", "ldr x3, [x1]");
const READ_YX_DMB: Body = body!("ldr x2, [x1]", "dmb ish", "ldr x3, [x0]");

pub(crate) static SHAPES: [Shape; 32] = [
    allowed(mp("MP", &[MP_0, MP_1])),
    mp("MP+dmb.st+dmb.ld", &[MP_0_DMB_ST, MP_1_DMB_LD]),
    mp("MP+dmb.sy+addr", &[MP_0_DMB, MP_1_ADDR]),
    mp("MP+dmb.st+ctrlisb", &[MP_0_DMB_ST, MP_1_CTRL_ISB]),
    mp("MP+stlr+ldar", &[MP_0_STLR, MP_1_LDAR]),
    mp("MP+stlr+ldapr", &[MP_0_STLR, MP_1_LDAPR]),
    mp("MP+swpl+ldadda", &[MP_0_SWPL, MP_1_LDADDA]),
    mp("MP+stlxr+dsb", &[MP_0_STLXR, MP_1_DSB]),
    allowed(sb("SB", &[SB_0, SB_1])),
    allowed(sb("SB+dmb.st+dmb.ld", &[SB_0_DMB_ST, SB_1_DMB_LD])),
    sb("SB+dmb.sy+dmb.ish", &[SB_0_DMB, SB_1_DMB]),
    sb("SB+dsb.sy+dsb.ish", &[SB_0_DSB, SB_1_DSB]),
    sb("SB+stlr-ldar", &[SB_0_AR, SB_1_AR]),
    sb("SB+stlr-ldar, words and bytes", &[SB_0_WORDS, SB_1_WORDS]),
    allowed(sb("SB+stlr-ldapr", &[SB_0_PC, SB_1_PC])),
    sb("SB+swpl-ldar", &[SB_0_SWPL, SB_1_SWPL]),
    sb("SB+stlxr-ldar", &[SB_0_STLXR, SB_1_STLXR]),
    sb("SB+stlr-ldar+dmb.sy", &[SB_0_AR, SB_1_DMB]),
    allowed(lb("LB", &[LB_0, LB_1])),
    lb("LB+data+data", &[LB_0_DATA, LB_1_DATA]),
    lb("LB+ldar+ldapr", &[LB_0_LDAR, LB_1_LDAR]),
    lb("LB+dmb.ld+stlr", &[LB_0_DMB_LD, LB_1_STLR]),
    shape(
        "S+dmb.sy+data",
        &[body!("str x5, [x0]", "dmb sy", "str x4, [x1]"), LB_1_DATA],
        &[(1, 0)],
        &[1, 2, 1],
    ),
    shape(
        "R+dmb.sy+dmb.sy",
        &[MP_0_DMB, body!("str x5, [x1]", "dmb sy", "ldr x2, [x0]")],
        &[(1, 0)],
        &[0, 1, 2],
    ),
    allowed(shape(
        "2+2W",
        &[body!("str x4, [x0]", "str x5, [x1]"), body!("str x4, [x1]", "str x5, [x0]")],
        &[],
        &[1, 1],
    )),
    shape(
        "2+2W+dmb.st+stlr",
        &[body!("str x4, [x0]", "dmb ishst", "str x5, [x1]"), body!("str x4, [x1]", "stlr x5, [x0]")],
        &[],
        &[1, 1],
    ),
    shape("CoRR", &[X_1, READ_XX], TWO_OF_1, &[1, 0]),
    shape("WRC+data+addr", &[X_1, LB_0_DATA, MP_1_ADDR], THREE, &[1, 1, 0]),
    allowed(iriw("IRIW", &[X_1, Y_1, READ_XY, MP_1])),
    iriw("IRIW+addr+addr", &[X_1, Y_1, READ_XY_ADDR, MP_1_ADDR]),
    iriw("IRIW+ldar+ldar", &[X_1, Y_1, READ_XY_LDAR, READ_YX_LDAR]),
    iriw("IRIW+dmb+dmb", &[X_1, Y_1, READ_XY_DMB, READ_YX_DMB]),
];
