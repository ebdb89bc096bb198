//! The system calls of Linux on arm64 that the tests make.
#![allow(unsafe_code)] // system calls

use core::arch::asm;

/// Numbers of include/uapi/asm-generic/unistd.h.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Pipe2 = 59,
    Read = 63,
    Write = 64,
    ExitGroup = 94,
    Getppid = 173,
    Munmap = 215,
    Clone = 220,
    Mmap = 222,
    Wait4 = 260,
}

/// What a call returned: an error is a number between -4095 and -1.
pub(crate) fn call(number: Call, arguments: [usize; 6]) -> Result<usize, isize> {
    let [a, b, c, d, e, f] = arguments;
    let result: usize;
    // SAFETY: the kernel changes memory only where the callers' arguments say: buffers and mappings of their own.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number as usize,
            inlateout("x0") a => result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x4") e,
            in("x5") f,
            options(nostack)
        );
    }
    let signed = result.cast_signed();
    if (-4095..0).contains(&signed) { Err(signed) } else { Ok(result) }
}

pub(crate) fn exit(status: usize) -> ! {
    loop {
        let _ = call(Call::ExitGroup, [status, 0, 0, 0, 0, 0]);
    }
}
