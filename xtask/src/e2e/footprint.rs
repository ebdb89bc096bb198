//! The memory that the emulator takes beside its guest's RAM.
//!
//! Counted is the memory of the host that the process has mapped and touched (`Pss` in `/proc/PID/smaps`): heap, stacks,
//! translated code once though it is mapped twice, tables, and the program itself. Not counted is the mapping of guest RAM.

use std::fs;
use std::time::{Duration, Instant};

/// What no machine may take, in bytes.
pub(crate) const LIMIT_BYTES: u64 = 300 << 20;
/// Time between two looks. One takes some milliseconds.
const INTERVAL: Duration = Duration::from_millis(300);

/// Looks at one process from time to time.
pub(crate) struct Footprint {
    ram_bytes: u64,
    next: Instant,
    peak: Option<u64>,
}

impl Footprint {
    /// Of a machine with so much RAM.
    pub(crate) fn new(ram_bytes: u64) -> Footprint {
        Footprint { ram_bytes, next: Instant::now() + INTERVAL, peak: None }
    }

    /// Looks, unless it has lately.
    pub(crate) fn look(&mut self, process: u32) {
        if Instant::now() < self.next {
            return;
        }
        // A process that has ended has no mappings.
        if let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps"))
            && let Some(bytes) = beside(&text, self.ram_bytes)
        {
            self.peak = self.peak.max(Some(bytes));
        }
        self.next = Instant::now() + INTERVAL;
    }

    /// The most that was seen, in bytes; nothing if the process was never seen with its guest's RAM.
    pub(crate) fn peak(&self) -> Option<u64> {
        self.peak
    }
}

/// What the mappings take that are not guest RAM: the only anonymous one of that size, or of a little more, as the kernel
/// joins neighbours.
fn beside(smaps: &str, ram_bytes: u64) -> Option<u64> {
    let (mut sum, mut has_ram, mut is_ram) = (0, false, false);
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        if let Some((start, end)) = range(first) {
            let is_anonymous = words.count() == 4;
            is_ram = is_anonymous && (ram_bytes..ram_bytes + (64 << 20)).contains(&(end - start));
            has_ram |= is_ram;
        } else if first == "Pss:" && !is_ram {
            sum += words.next()?.parse::<u64>().ok()? << 10;
        }
    }
    has_ram.then_some(sum)
}

/// The addresses with which the lines of a mapping begin.
fn range(word: &str) -> Option<(u64, u64)> {
    let (start, end) = word.split_once('-')?;
    Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::beside;

    const SMAPS: &str = "\
55e867164000-55e8674b0000 r-xp 00203000 fe:00 5539807                    /bin/droste
Rss:                2800 kB
Pss:                2000 kB
7faa5a000000-7faa61000000 r-xs 00000000 00:01 61166                      /memfd:droste-code (deleted)
Rss:               32640 kB
Pss:               16320 kB
7faa61000000-7faa68000000 rw-s 00000000 00:01 61166                      /memfd:droste-code (deleted)
Rss:               32640 kB
Pss:               16320 kB
7faa75600000-7faab5600000 rw-p 00000000 00:00 0 
Rss:              108544 kB
Pss:              108544 kB
Pss_Dirty:        108544 kB
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]
Pss:                   8 kB
VmFlags: rd wr mr mw me gd ac
";

    #[test]
    fn everything_but_guest_ram_is_counted_once() {
        assert_eq!(beside(SMAPS, 1 << 30), Some((2000 + 16320 + 16320 + 8) << 10));
    }

    #[test]
    fn process_without_guest_ram_has_no_footprint_yet() {
        assert_eq!(beside(SMAPS, 2 << 30), None);
        assert_eq!(beside("", 1 << 30), None);
    }
}
