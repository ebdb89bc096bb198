//! Reads the arguments and runs one test.
#![allow(unsafe_code)] // entry code, the arguments, the pages of the test of faults

use crate::calls::{Call, call, exit};
use core::arch::global_asm;
use core::ffi::CStr;
use core::panic::PanicInfo;

global_asm!(
    ".section .text._start, \"ax\"",
    ".global _start",
    "_start:",
    "    mov   x29, xzr",
    "    mov   x30, xzr",
    "    mov   x0, sp",
    "    bl    {first}",
    ".previous",
    first = sym first,
);

/// A failed system call: its number as an error.
type Outcome = Result<(), isize>;

/// Does it so often.
type Test = fn(usize) -> Outcome;

const TESTS: [(&str, Test); 5] = [
    ("nothing", |_| Ok(())),
    ("syscall", system_calls),
    ("fork", forks),
    ("switch", switches),
    ("fault", faults),
];

const SIGCHLD: usize = 17;
const PROT_READ_WRITE: usize = 3;
const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
const PAGE_BYTES: usize = 4096;
/// Pages of a mapping in the test of faults.
const PAGES: usize = 64;

/// The stack holds the number of arguments, then pointers to them.
extern "C" fn first(stack: *const usize) -> ! {
    // SAFETY: the kernel has put the number there.
    let count = unsafe { *stack };
    let argument = |n: usize| {
        if n >= count {
            return "";
        }
        // SAFETY: so many pointers follow.
        let text = unsafe { *stack.wrapping_add(1 + n) };
        // SAFETY: to texts that end with a zero and stay.
        unsafe { CStr::from_ptr(core::ptr::with_exposed_provenance(text)) }.to_str().unwrap_or_default()
    };
    let test = TESTS.iter().find(|(name, _)| *name == argument(1));
    let (Some((_, test)), Ok(count)) = (test, argument(2).parse()) else {
        let usage = b"usage: bench-user nothing|syscall|fork|switch|fault COUNT\n";
        let _ = call(Call::Write, [2, usage.as_ptr() as usize, usage.len(), 0, 0, 0]);
        exit(2)
    };
    exit(usize::from(test(count).is_err()))
}

/// The cheapest system call.
fn system_calls(count: usize) -> Outcome {
    for _ in 0..count {
        call(Call::Getppid, [0; 6])?;
    }
    Ok(())
}

/// A process that ends at once, waited for.
fn forks(count: usize) -> Outcome {
    for _ in 0..count {
        match call(Call::Clone, [SIGCHLD, 0, 0, 0, 0, 0])? {
            0 => exit(0),
            child => call(Call::Wait4, [child, 0, 0, 0, 0, 0])?,
        };
    }
    Ok(())
}

/// A byte to another process and back: with one CPU two switches.
fn switches(count: usize) -> Outcome {
    let (there, back) = (pipe()?, pipe()?);
    let child = call(Call::Clone, [SIGCHLD, 0, 0, 0, 0, 0])?;
    for _ in 0..count {
        if child == 0 {
            byte(Call::Read, there[0])?;
            byte(Call::Write, back[1])?;
        } else {
            byte(Call::Write, there[1])?;
            byte(Call::Read, back[0])?;
        }
    }
    if child == 0 {
        exit(0);
    }
    call(Call::Wait4, [child, 0, 0, 0, 0, 0]).map(drop)
}

/// The two ends of a new pipe: read, write.
fn pipe() -> Result<[usize; 2], isize> {
    let mut ends = [0_u32; 2];
    call(Call::Pipe2, [ends.as_mut_ptr() as usize, 0, 0, 0, 0, 0])?;
    Ok(ends.map(|end| end as usize))
}

fn byte(number: Call, end: usize) -> Outcome {
    let mut byte = [0_u8];
    match call(number, [end, byte.as_mut_ptr() as usize, 1, 0, 0, 0])? {
        1 => Ok(()),
        _ => Err(0),
    }
}

/// Pages touched for the first time: a mapping is made, each of its pages is written, and it is removed. `count` is
/// the number of pages, rounded down to whole mappings.
fn faults(count: usize) -> Outcome {
    for _ in 0..count / PAGES {
        let bytes = PAGES * PAGE_BYTES;
        let at = call(Call::Mmap, [0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, usize::MAX, 0])?;
        for page in 0..PAGES {
            let byte = core::ptr::with_exposed_provenance_mut::<u8>(at + page * PAGE_BYTES);
            // SAFETY: within the mapping that was just made.
            unsafe { byte.write_volatile(1) };
        }
        call(Call::Munmap, [at, bytes, 0, 0, 0, 0])?;
    }
    Ok(())
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    exit(3)
}
