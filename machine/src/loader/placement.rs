//! Where kernel, initrd and device tree go in RAM.

use std::ops::Range;

use super::{Content, Kernel, LoadError};
use crate::ram::GuestRam;

/// The most that Linux maps of a device tree (Documentation/arch/arm64/booting.rst).
pub const DTB_LIMIT_BYTES: u64 = 2 << 20;

const MIB: u64 = 1 << 20;
const PAGE_BYTES: u64 = 4096;
/// QEMU keeps this much at the start of RAM for its boot stub. There is no stub here, but the kernel goes
/// where it would go there.
const STUB_BYTES: u64 = 4096;
/// The initrd goes this far into RAM, or halfway, so that the kernel can grow before it.
const INITRD_OFFSET_BYTES: u64 = 128 * MIB;

/// The addresses of everything that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The kernel, with the memory that it uses before it manages memory.
    pub kernel: Range<u64>,
    /// The first instruction.
    pub entry: u64,
    /// The initrd.
    pub initrd: Option<Range<u64>>,
    /// The first byte of the device tree: what the boot protocol wants in X0.
    pub dtb: u64,
    ram: Range<u64>,
}

impl Placement {
    /// Decides the addresses for `kernel` and an initrd of that many bytes in `ram`.
    pub fn new(kernel: &Kernel, initrd_bytes: Option<u64>, ram: Range<u64>) -> Result<Self, LoadError> {
        let (memory, entry) = match kernel {
            Kernel::Image(image) => {
                let offset = image.text_offset();
                let offset = if offset < STUB_BYTES { offset + 2 * MIB } else { offset };
                let start = ram.start.saturating_add(offset);
                (start..start.saturating_add(image.memory_bytes()), start)
            }
            Kernel::Elf(executable) => (executable.memory(), executable.entry()),
        };
        inside("the kernel", &memory, &ram)?;
        let initrd_start = (ram.start + ((ram.end - ram.start) / 2).min(INITRD_OFFSET_BYTES))
            .max(memory.end)
            .next_multiple_of(PAGE_BYTES);
        let initrd = initrd_bytes.map(|size| initrd_start..initrd_start.saturating_add(size));
        if let Some(initrd) = &initrd {
            inside("the initrd", initrd, &ram)?;
        }
        // A program that leaves the start of RAM free finds the device tree there, as on QEMU.
        let below = matches!(kernel, Kernel::Elf(_)) && memory.start - ram.start >= DTB_LIMIT_BYTES;
        let after = initrd.as_ref().map_or(initrd_start, |initrd| initrd.end);
        // Linux maps the 2 MiB block that holds the tree.
        let dtb = if below { ram.start } else { after.next_multiple_of(DTB_LIMIT_BYTES) };
        Ok(Self { kernel: memory, entry, initrd, dtb, ram })
    }

    /// Copies everything to `ram`. `initrd` is the one whose size was given to [`Self::new`].
    pub fn load(
        &self,
        kernel: &Kernel,
        initrd: Option<&Content>,
        dtb: &[u8],
        ram: &GuestRam,
    ) -> Result<(), LoadError> {
        let size_bytes = dtb.len() as u64;
        if size_bytes > DTB_LIMIT_BYTES {
            return Err(LoadError::DtbTooLarge { size_bytes });
        }
        inside("the device tree", &(self.dtb..self.dtb.saturating_add(size_bytes)), &self.ram)?;
        match kernel {
            Kernel::Image(image) => {
                image.content().load(ram, self.kernel.start)?;
                clear_rest(ram, &self.kernel, image.content().len_bytes())?;
            }
            Kernel::Elf(executable) => {
                for segment in executable.segments() {
                    let bytes = executable.bytes(segment);
                    ram.copy_in(segment.memory.start, bytes)?;
                    clear_rest(ram, &segment.memory, bytes.len() as u64)?;
                }
            }
        }
        if let Some((range, content)) = self.initrd.as_ref().zip(initrd) {
            content.load(ram, range.start)?;
        }
        ram.copy_in(self.dtb, dtb)?;
        Ok(())
    }
}

fn inside(what: &'static str, range: &Range<u64>, ram: &Range<u64>) -> Result<(), LoadError> {
    if range.start < ram.start || range.end > ram.end {
        return Err(LoadError::OutsideRam { what, range: range.clone(), ram: ram.clone() });
    }
    Ok(())
}

/// Fills `range` after its first bytes with zeros.
fn clear_rest(ram: &GuestRam, range: &Range<u64>, len_bytes: u64) -> Result<(), LoadError> {
    let end = range.start.saturating_add(len_bytes);
    Ok(ram.fill(end, range.end.saturating_sub(end), 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4000_0000;
    const RAM: Range<u64> = BASE..BASE + 64 * MIB;

    fn image(memory_bytes: u64) -> Kernel {
        let mut bytes = vec![0xaa; 64];
        bytes[8..16].fill(0);
        bytes[16..24].copy_from_slice(&memory_bytes.to_le_bytes());
        bytes[56..60].copy_from_slice(b"ARM\x64");
        Kernel::parse(bytes, MIB).unwrap()
    }

    /// An ELF file with one executable segment of 4 bytes, linked at `va` and loaded at `pa`.
    fn elf(pa: u64, va: u64, memory_bytes: u64) -> Vec<u8> {
        let mut file = vec![0; 0x78];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        let mut put = |offset: usize, bytes: &[u8]| file[offset..offset + bytes.len()].copy_from_slice(bytes);
        put(16, &2_u16.to_le_bytes());
        put(18, &183_u16.to_le_bytes());
        put(20, &1_u32.to_le_bytes());
        put(24, &(va + 8).to_le_bytes());
        put(32, &64_u64.to_le_bytes());
        put(52, &64_u16.to_le_bytes());
        put(54, &56_u16.to_le_bytes());
        put(56, &1_u16.to_le_bytes());
        put(64, &1_u32.to_le_bytes());
        put(68, &5_u32.to_le_bytes());
        put(72, &0x78_u64.to_le_bytes());
        put(80, &va.to_le_bytes());
        put(88, &pa.to_le_bytes());
        put(96, &4_u64.to_le_bytes());
        put(104, &memory_bytes.to_le_bytes());
        file.extend_from_slice(b"code");
        file
    }

    #[test]
    fn linux_lies_as_on_qemu() {
        // What QEMU 10.0 -M virt -m 1024 does with an Image at text_offset 0 and an initrd of 0x1e328c bytes.
        let placed = Placement::new(&image(30 * MIB), Some(0x1e_328c), BASE..BASE + 1024 * MIB).unwrap();
        assert_eq!(placed.entry, 0x4020_0000);
        assert_eq!(placed.initrd, Some(0x4800_0000..0x481e_328c));
        assert_eq!(placed.dtb, 0x4820_0000);
    }

    #[test]
    fn initrd_starts_after_a_large_kernel() {
        let placed = Placement::new(&image(40 * MIB + 1), Some(1), RAM).unwrap();
        assert_eq!(placed.initrd, Some(0x42a0_1000..0x42a0_1001));
        assert_eq!(placed.dtb, 0x42c0_0000);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |kernel, initrd| Placement::new(&kernel, initrd, RAM).unwrap_err().to_string();
        assert_eq!(
            error(image(63 * MIB), None),
            "the kernel needs memory from 0x40200000 to 0x44100000, but RAM is from 0x40000000 to 0x44000000"
        );
        assert!(error(image(u64::MAX), None).starts_with("the kernel needs memory"));
        assert!(error(image(MIB), Some(40 * MIB)).starts_with("the initrd needs memory from 0x42000000"));
        assert!(error(image(MIB), Some(u64::MAX)).starts_with("the initrd needs memory"));
        let below = Kernel::parse(elf(0, 0, 4), MIB).unwrap();
        assert!(error(below, None).starts_with("the kernel needs memory from 0x0 to 0x4"));
    }

    #[test]
    fn loading_copies_everything_and_clears_bss() {
        let ram = GuestRam::new(BASE, 64 * MIB).unwrap();
        ram.fill(BASE, 64 * MIB, 0xff).unwrap();
        let kernel = Kernel::parse(elf(BASE + 0x10_0000, 0xffff_8000_0000_0000, 0x20), MIB).unwrap();
        let placed = Placement::new(&kernel, Some(6), RAM).unwrap();
        assert_eq!(placed.entry, BASE + 0x10_0008);
        placed.load(&kernel, Some(&b"initrd".to_vec().into()), b"dtb", &ram).unwrap();
        let read = |pa, length| {
            let mut bytes = vec![0; length];
            ram.copy_out(pa, &mut bytes).unwrap();
            bytes
        };
        let mut segment = b"code".to_vec();
        segment.resize(0x20, 0);
        segment.push(0xff);
        assert_eq!(read(BASE + 0x10_0000, 0x21), segment);
        assert_eq!(read(BASE + 32 * MIB, 7), b"initrd\xff");
        assert_eq!(read(placed.dtb, 4), b"dtb\xff");
    }

    #[test]
    fn device_tree_is_below_a_program_that_leaves_room() {
        let place = |pa| Placement::new(&Kernel::parse(elf(pa, pa, 4), MIB).unwrap(), None, RAM).unwrap().dtb;
        assert_eq!(place(BASE + 2 * MIB), BASE);
        assert_eq!(place(BASE + MIB), BASE + 32 * MIB);
    }

    #[test]
    fn large_or_misplaced_device_tree_is_refused() {
        let ram = GuestRam::new(BASE, 64 * MIB).unwrap();
        let kernel = image(MIB);
        let placed = Placement::new(&kernel, None, RAM).unwrap();
        let large = vec![0; (DTB_LIMIT_BYTES + 1) as usize];
        assert!(matches!(placed.load(&kernel, None, &large, &ram), Err(LoadError::DtbTooLarge { .. })));
        let full = Placement::new(&kernel, Some(32 * MIB - 1), RAM).unwrap();
        let error = full.load(&kernel, None, b"dtb", &ram).unwrap_err();
        assert!(matches!(error, LoadError::OutsideRam { what: "the device tree", .. }), "{error}");
    }

    #[test]
    fn damaged_elf_is_refused_by_cause() {
        let good = elf(BASE, BASE, 0x20);
        for length in 4..good.len() {
            assert!(Kernel::parse(good[..length].to_vec(), MIB).is_err(), "at {length}");
        }
        let changed = |at: usize, value: u8| {
            let mut file = good.clone();
            file[at] = value;
            Kernel::parse(file, MIB).unwrap_err()
        };
        assert!(matches!(changed(4, 1), LoadError::ElfNotAarch64), "32-bit");
        assert!(matches!(changed(5, 2), LoadError::ElfNotAarch64), "big-endian");
        assert!(matches!(changed(18, 62), LoadError::ElfNotAarch64), "x86-64");
        assert!(matches!(changed(64, 2), LoadError::ElfEmpty), "no PT_LOAD");
    }
}
