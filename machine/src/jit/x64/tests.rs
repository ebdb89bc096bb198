//! Every form, decoded again by iced-x86.

use super::*;
use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};

const REGS: [Reg; 16] = [
    Reg::Rax,
    Reg::Rcx,
    Reg::Rdx,
    Reg::Rbx,
    Reg::Rsp,
    Reg::Rbp,
    Reg::Rsi,
    Reg::Rdi,
    Reg::R8,
    Reg::R9,
    Reg::R10,
    Reg::R11,
    Reg::R12,
    Reg::R13,
    Reg::R14,
    Reg::R15,
];
const SIZES: [Size; 4] = [Size::B, Size::W, Size::D, Size::Q];

/// The text of what `emit` writes: exactly one instruction.
fn text(emit: impl FnOnce(&mut Assembler<'_>)) -> String {
    let mut buffer = [0; 32];
    let mut asm = Assembler::new(&mut buffer);
    emit(&mut asm);
    let mut decoder = Decoder::with_ip(64, asm.bytes(), 0, DecoderOptions::NONE);
    let instruction = decoder.decode();
    assert_eq!(instruction.len(), asm.offset(), "one instruction in {:02x?}", asm.bytes());
    let mut out = String::new();
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(false);
    formatter.format(&instruction, &mut out);
    out
}

fn name(reg: Reg, size: Size) -> String {
    let base = format!("{reg:?}").to_lowercase();
    let numbered = reg as u8 >= 8;
    match (size, numbered) {
        (Size::Q, _) => base,
        (Size::D, true) => format!("{base}d"),
        (Size::W, true) => format!("{base}w"),
        (Size::B, true) => format!("{base}b"),
        (Size::D, false) => format!("e{}", &base[1..]),
        (Size::W, false) => base[1..].to_owned(),
        (Size::B, false) if reg as u8 >= 4 => format!("{}l", &base[1..]),
        (Size::B, false) => format!("{}l", &base[1..2]),
    }
}

#[test]
fn register_forms_name_every_register_at_every_size() {
    for size in SIZES {
        for a in REGS {
            for b in REGS {
                let (x, y) = (name(a, size), name(b, size));
                assert_eq!(text(|s| s.mov(size, a, b)), format!("mov {x},{y}"));
                assert_eq!(text(|s| s.alu(Alu::Sbb, size, a, b)), format!("sbb {x},{y}"));
                assert_eq!(text(|s| s.test(size, a, b)), format!("test {x},{y}"));
            }
        }
    }
}

#[test]
fn memory_forms_cover_bases_displacements_and_indices() {
    for base in REGS {
        for disp in [0, 8, -128, 127, 128, -4096, i32::MAX] {
            let mem = Mem::new(base, disp);
            let sign = if disp < 0 { "-" } else { "+" };
            let place = match disp {
                0 => format!("[{}]", name(base, Size::Q)),
                _ => format!("[{}{sign}{}]", name(base, Size::Q), hex(disp.unsigned_abs())),
            };
            assert_eq!(text(|s| s.load(Size::Q, Reg::R9, mem)), format!("mov r9,{place}"));
            assert_eq!(text(|s| s.store(Size::B, mem, Reg::Rsi)), format!("mov {place},sil"));
            assert_eq!(text(|s| s.load_vector(Xmm(12), mem)), format!("movups xmm12,{place}"));
        }
        for index in REGS.into_iter().filter(|&r| r != Reg::Rsp) {
            let mem = Mem::indexed(base, index, 3, 16);
            let want = format!("lea rdx,[{}+{}*8+10h]", name(base, Size::Q), name(index, Size::Q));
            assert_eq!(text(|s| s.lea(Size::Q, Reg::Rdx, mem)), want);
        }
    }
}

fn hex(value: u32) -> String {
    let digits = format!("{value:X}");
    let zero = if digits.starts_with(|c: char| c.is_ascii_alphabetic()) { "0" } else { "" };
    if value < 10 { digits } else { format!("{zero}{digits}h") }
}

#[test]
fn other_forms_have_their_text() {
    use Reg::{R8, R13, Rax, Rbx, Rcx, Rdx, Rsp};
    let mem = Mem::new(R13, 8);
    let cases: [(String, &str); 45] = [
        (text(|s| s.mov_imm(R8, 0)), "xor r8d,r8d"),
        (text(|s| s.mov_imm(R8, 0xffff_ffff)), "mov r8d,0FFFFFFFFh"),
        (text(|s| s.mov_imm(Rax, u64::MAX)), "mov rax,0FFFFFFFFFFFFFFFFh"),
        (text(|s| s.mov_imm(R8, 0x1234_5678_9abc)), "mov r8,123456789ABCh"),
        (text(|s| s.load(Size::B, Rbx, mem)), "movzx ebx,byte ptr [r13+8]"),
        (text(|s| s.load(Size::W, Rbx, mem)), "movzx ebx,word ptr [r13+8]"),
        (text(|s| s.load_signed(Size::B, Size::Q, Rbx, mem)), "movsx rbx,byte ptr [r13+8]"),
        (text(|s| s.load_signed(Size::W, Size::D, Rbx, mem)), "movsx ebx,word ptr [r13+8]"),
        (text(|s| s.load_signed(Size::D, Size::Q, Rbx, mem)), "movsxd rbx,[r13+8]"),
        (text(|s| s.sign_extend(Size::B, Size::Q, Rbx, Reg::Rsi)), "movsx rbx,sil"),
        (text(|s| s.sign_extend(Size::D, Size::Q, Rbx, R8)), "movsxd rbx,r8d"),
        (text(|s| s.zero_extend(Size::B, Rbx, Reg::Rdi)), "movzx ebx,dil"),
        (text(|s| s.store_imm(Size::Q, mem, -1)), "mov qword ptr [r13+8],0FFFFFFFFFFFFFFFFh"),
        (text(|s| s.store_imm(Size::W, mem, 7)), "mov word ptr [r13+8],7"),
        (text(|s| s.alu_imm(Alu::Add, Size::Q, Rsp, 8)), "add rsp,8"),
        (text(|s| s.alu_imm(Alu::Cmp, Size::D, R8, 1000)), "cmp r8d,3E8h"),
        (text(|s| s.alu_imm(Alu::And, Size::B, Reg::Rsi, 15)), "and sil,0Fh"),
        (text(|s| s.alu_mem_imm(Alu::Sub, Size::Q, mem, 1)), "sub qword ptr [r13+8],1"),
        (text(|s| s.alu_load(Alu::Cmp, Size::Q, R8, mem)), "cmp r8,[r13+8]"),
        (text(|s| s.alu_store(Alu::Or, Size::D, mem, R8)), "or [r13+8],r8d"),
        (text(|s| s.test_imm(Size::D, Rcx, 0x100)), "test ecx,100h"),
        (text(|s| s.test_mem_imm(Size::B, mem, 4)), "test byte ptr [r13+8],4"),
        (text(|s| s.test_mem_imm(Size::D, mem, 0x1c0)), "test dword ptr [r13+8],1C0h"),
        (text(|s| s.shift_imm(Shift::Sar, Size::Q, R8, 63)), "sar r8,3Fh"),
        (text(|s| s.shift_cl(Shift::Ror, Size::D, Rdx)), "ror edx,cl"),
        (text(|s| s.shift_double(true, Size::Q, Rax, R8, 4)), "shrd rax,r8,4"),
        (text(|s| s.unary(Unary::Mul, Size::Q, R8)), "mul r8"),
        (text(|s| s.unary(Unary::Idiv, Size::D, Rcx)), "idiv ecx"),
        (text(|s| s.imul(Size::Q, Rax, R8)), "imul rax,r8"),
        (text(|s| s.sign_to_rdx(Size::Q)), "cqo"),
        (text(|s| s.bswap(Size::Q, R8)), "bswap r8"),
        (text(|s| s.bswap(Size::D, Rcx)), "bswap ecx"),
        (text(|s| s.lzcnt(Size::Q, Rax, R8)), "lzcnt rax,r8"),
        (text(|s| s.bit_test(Size::Q, R8, 40)), "bt r8,28h"),
        (text(|s| s.set(Cond::L, Reg::Rdi)), "setl dil"),
        (text(|s| s.cmov(Cond::A, Size::Q, Rax, R8)), "cmova rax,r8"),
        (text(|s| s.xchg(Size::Q, mem, R8)), "xchg [r13+8],r8"),
        (text(|s| s.lock_xadd(Size::B, mem, Reg::Rsi)), "lock xadd [r13+8],sil"),
        (text(|s| s.lock_cmpxchg(Size::W, mem, R8)), "lock cmpxchg [r13+8],r8w"),
        (text(|s| s.lock_cmpxchg16b(mem)), "lock cmpxchg16b [r13+8]"),
        (text(|s| s.full_barrier()), "lock or dword ptr [rsp],0"),
        (text(|s| s.jmp_mem(Mem::new(R8, 0))), "jmp qword ptr [r8]"),
        (text(|s| s.call_reg(R13)), "call r13"),
        (text(|s| s.push(R8)), "push r8"),
        (text(|s| s.pop(Rbx)), "pop rbx"),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn vector_forms_have_their_text() {
    let mem = Mem::new(Reg::Rsp, 16);
    let cases: [(String, &str); 8] = [
        (text(|s| s.sse(Sse::MOVAPS, Xmm(8), Xmm(0))), "movaps xmm8,xmm0"),
        (text(|s| s.sse(Sse::AESENC, Xmm(8), Xmm(15))), "aesenc xmm8,xmm15"),
        (text(|s| s.sse(Sse::AESENC, Xmm(0), Xmm(1))), "aesenc xmm0,xmm1"),
        (text(|s| s.load_scalar(Size::Q, Xmm(3), mem)), "movsd xmm3,[rsp+10h]"),
        (text(|s| s.store_scalar(Size::D, mem, Xmm(3))), "movss [rsp+10h],xmm3"),
        (text(|s| s.store_vector(mem, Xmm(13))), "movups [rsp+10h],xmm13"),
        (text(|s| s.mov_to_vector(Size::Q, Xmm(9), Reg::R10)), "movq xmm9,r10"),
        (text(|s| s.mov_from_vector(Size::D, Reg::Rax, Xmm(9))), "movd eax,xmm9"),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn vex_forms_have_their_text() {
    let mem = Mem::new(Reg::R13, 16);
    let (a, b, c) = (Xmm(1), Xmm(9), Xmm(14));
    let cases: [(String, &str); 29] = [
        (text(|s| s.vex(Vex::ADDSD, a, b, Xmm(2))), "vaddsd xmm1,xmm9,xmm2"),
        (text(|s| s.vex(Vex::ADDSD, b, a, c)), "vaddsd xmm9,xmm1,xmm14"),
        (text(|s| s.vex(Vex::PADDQ, a, b, mem)), "vpaddq xmm1,xmm9,[r13+10h]"),
        (text(|s| s.vex(Vex::PAND, a, b, Rm::Code(8))), "vpand xmm1,xmm9,[8]"),
        (text(|s| s.vex(Vex::PSHUFB, a, b, Rm::Code(80))), "vpshufb xmm1,xmm9,[50h]"),
        (text(|s| s.vex_imm(Vex::PALIGNR, a, b, Rm::Code(80), 4)), "vpalignr xmm1,xmm9,[50h],4"),
        (text(|s| s.vex(Vex::PSUBSW, a, b, c)), "vpsubsw xmm1,xmm9,xmm14"),
        (text(|s| s.vex(Vex::PMULUDQ, c, c, c)), "vpmuludq xmm14,xmm14,xmm14"),
        (text(|s| s.vex(Vex::PCMPGTQ, a, b, c)), "vpcmpgtq xmm1,xmm9,xmm14"),
        (text(|s| s.vex(Vex::FMADDSD, a, b, c)), "vfmadd231sd xmm1,xmm9,xmm14"),
        (text(|s| s.vex(Vex::FNMADDS, a, b, c)), "vfnmadd231ps xmm1,xmm9,xmm14"),
        (text(|s| s.vex(Vex::FNMSUBSS, a, b, c)), "vfnmsub231ss xmm1,xmm9,xmm14"),
        (text(|s| s.vex(Vex::AESDECLAST, a, b, c)), "vaesdeclast xmm1,xmm9,xmm14"),
        (text(|s| s.vex2(Vex::PMOVSXWD, b, a)), "vpmovsxwd xmm9,xmm1"),
        (text(|s| s.vex2(Vex::UCOMISS, b, a)), "vucomiss xmm9,xmm1"),
        (text(|s| s.vex2(Vex::MOVQ, b, a)), "vmovq xmm9,xmm1"),
        (text(|s| s.vex2_imm(Vex::PSHUFD, b, c, 0x4e)), "vpshufd xmm9,xmm14,4Eh"),
        (text(|s| s.vex_imm(Vex::ROUNDSD, b, a, c, 11)), "vroundsd xmm9,xmm1,xmm14,0Bh"),
        (text(|s| s.vex_imm(Vex::PCLMULQDQ, b, a, c, 17)), "vpclmulhqhqdq xmm9,xmm1,xmm14"),
        (text(|s| s.vex_shift(VexShift::PSRLDQ, b, a, 8)), "vpsrldq xmm9,xmm1,8"),
        (text(|s| s.vex_shift(VexShift::PSRAW, a, c, 8)), "vpsraw xmm1,xmm14,8"),
        (text(|s| s.vex_extract(Size::W, Reg::R9, a, 3)), "vpextrw r9d,xmm1,3"),
        (text(|s| s.vex_extract(Size::Q, Reg::Rax, b, 1)), "vpextrq rax,xmm9,1"),
        (text(|s| s.vex_insert(Size::W, b, a, Reg::R9, 3)), "vpinsrw xmm9,xmm1,r9d,3"),
        (text(|s| s.vex_insert(Size::Q, a, c, Reg::Rax, 1)), "vpinsrq xmm1,xmm14,rax,1"),
        (text(|s| s.vex_from_reg(Size::Q, b, Reg::Rax)), "vmovq xmm9,rax"),
        (text(|s| s.vex_to_reg(Size::D, Reg::R8, b)), "vmovd r8d,xmm9"),
        (text(|s| s.vex_from_int(Size::Q, Size::D, a, b, Reg::R8)), "vcvtsi2ss xmm1,xmm9,r8"),
        (text(|s| s.vex_to_int(Size::Q, Size::Q, Reg::R8, a)), "vcvttsd2si r8,xmm1"),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn forms_of_three_registers_have_their_text() {
    use Reg::{R8, R15, Rax, Rcx, Rdx};
    let cases = [
        (text(|s| s.rorx(Size::D, Rcx, R8, 7)), "rorx ecx,r8d,7"),
        (text(|s| s.rorx(Size::Q, R15, Rax, 63)), "rorx r15,rax,3Fh"),
        (text(|s| s.shift_reg(Shift::Shl, Size::D, R8, Rcx, Rax)), "shlx r8d,ecx,eax"),
        (text(|s| s.shift_reg(Shift::Shr, Size::Q, Rcx, R15, R8)), "shrx rcx,r15,r8"),
        (text(|s| s.shift_reg(Shift::Sar, Size::Q, R8, R8, Rax)), "sarx r8,r8,rax"),
        (text(|s| s.mulx(R8, Rax, R15)), "mulx r8,rax,r15"),
        (text(|s| s.mulx(Rdx, R8, Rcx)), "mulx rdx,r8,rcx"),
        (text(|s| s.andn(Size::D, R8, Rcx, R15)), "andn r8d,ecx,r15d"),
        (text(|s| s.andn(Size::Q, Rax, R8, Rcx)), "andn rax,r8,rcx"),
        (text(|s| s.bit_test_mem(Size::D, Mem::new(Reg::Rbp, 8), 8)), "bt dword ptr [rbp+8],8"),
        (text(|s| s.load(Size::Q, Rax, Mem::new(Reg::Rbp, 8).plus(-4))), "mov rax,[rbp+4]"),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn checksum_and_hash_forms_have_their_text() {
    let cases = [
        (text(|s| s.crc32(Size::B, Reg::Rax, Reg::Rsi)), "crc32 eax,sil"),
        (text(|s| s.crc32(Size::W, Reg::Rax, Reg::R9)), "crc32 eax,r9w"),
        (text(|s| s.crc32(Size::Q, Reg::Rax, Reg::R9)), "crc32 rax,r9"),
        (text(|s| s.sha256_rounds(Xmm(1), Xmm(12))), "sha256rnds2 xmm1,xmm12"),
        (text(|s| s.sha256_message1(Xmm(1), Xmm(12))), "sha256msg1 xmm1,xmm12"),
        (text(|s| s.sha256_message2(Xmm(1), Xmm(12))), "sha256msg2 xmm1,xmm12"),
    ];
    for (found, wanted) in cases {
        assert_eq!(found, wanted);
    }
}

#[test]
fn branches_reach_labels_bound_before_and_after() {
    let mut buffer = [0; 64];
    let mut asm = Assembler::new(&mut buffer);
    let (mut back, mut ahead) = (Label::default(), Label::default());
    asm.bind(&mut back);
    asm.jcc(Cond::Ne, &mut ahead);
    asm.jmp(&mut back);
    asm.bind(&mut ahead);
    asm.ret();
    let targets: Vec<u64> = Decoder::with_ip(64, asm.bytes(), 0, DecoderOptions::NONE)
        .iter()
        .filter(|i| i.flow_control() == iced_x86::FlowControl::ConditionalBranch)
        .map(|i| i.near_branch_target())
        .collect();
    assert_eq!(targets, [11]);
    assert_eq!(asm.bytes()[6..11], [0xe9, 0xf5, 0xff, 0xff, 0xff]);
}

#[test]
fn full_buffer_is_reported_and_not_overrun() {
    let mut buffer = [0; 4];
    let mut asm = Assembler::new(&mut buffer);
    asm.mov_imm(Reg::Rax, u64::MAX);
    assert!(asm.is_full());
}
