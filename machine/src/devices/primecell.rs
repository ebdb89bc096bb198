//! What all PrimeCell peripherals have: identification registers in the last 32 bytes of their 4 KiB.

/// The first identification register, UARTPeriphID0 and its like.
pub(super) const ID_BASE: u64 = 0xfe0;

/// Identification of a peripheral by its part number and revision: four PeriphID and four PCellID bytes.
pub(super) const fn id(part: u16, revision: u8) -> [u8; 8] {
    let [part_low, part_high] = part.to_le_bytes();
    // Designer 0x41 (Arm) is split over PeriphID1 and PeriphID2.
    [part_low, part_high | 0x10, revision << 4 | 0x04, 0, 0x0d, 0xf0, 0x05, 0xb1]
}

/// Reads an identification register; zero where there is none.
pub(super) fn read_id(id: &[u8; 8], offset: u64) -> u32 {
    let index = offset.checked_sub(ID_BASE).map_or(usize::MAX, |at| (at / 4) as usize);
    id.get(index).copied().unwrap_or(0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identification_is_that_of_the_part() {
        let pl011 = id(0x011, 3);
        assert_eq!(pl011, [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
        assert_eq!(read_id(&pl011, 0xfe8), 0x34);
        assert_eq!(read_id(&pl011, 0xffc), 0xb1);
        assert_eq!(read_id(&pl011, 0xfdc), 0);
        assert_eq!(read_id(&pl011, 0x1000), 0);
    }
}
