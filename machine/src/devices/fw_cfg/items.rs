//! The items of the firmware configuration device and the directory of the named ones.

use std::collections::BTreeMap;

/// Keys of items.
pub mod key {
    /// `QEMU`.
    pub const SIGNATURE: u16 = 0x00;
    /// Which interfaces there are.
    pub const ID: u16 = 0x01;
    /// The size of RAM.
    pub const RAM_BYTES: u16 = 0x03;
    /// The number of CPUs.
    pub const CPU_COUNT: u16 = 0x05;
    /// The size of the kernel.
    pub const KERNEL_BYTES: u16 = 0x08;
    /// The size of the initrd.
    pub const INITRD_BYTES: u16 = 0x0b;
    /// The kernel, as it would be in a file.
    pub const KERNEL: u16 = 0x11;
    /// The initrd.
    pub const INITRD: u16 = 0x12;
    /// The size of the command line, with its terminator.
    pub const COMMAND_LINE_BYTES: u16 = 0x14;
    /// The command line.
    pub const COMMAND_LINE: u16 = 0x15;
    /// The directory of named items.
    pub const DIRECTORY: u16 = 0x19;
    /// The first named item; the others follow.
    pub const FIRST_FILE: u16 = 0x20;
}

/// Named items have room for this many bytes of name, terminator included.
const NAME_BYTES: usize = 56;
/// The register interface and the DMA interface exist.
const INTERFACES: u32 = 3;

/// The items that a firmware configuration device shows.
#[derive(Clone, Debug)]
pub struct Items {
    items: BTreeMap<u16, Vec<u8>>,
    file_count: u16,
}

impl Items {
    /// Makes the items that every device has.
    pub fn new() -> Self {
        let items = BTreeMap::from([
            (key::SIGNATURE, b"QEMU".to_vec()),
            (key::ID, INTERFACES.to_le_bytes().to_vec()),
            (key::DIRECTORY, 0_u32.to_be_bytes().to_vec()),
        ]);
        Self { items, file_count: 0 }
    }

    /// Adds or replaces the item `key`. Numbers are little-endian.
    pub fn add(&mut self, key: u16, bytes: Vec<u8>) {
        self.items.insert(key, bytes);
    }

    /// Adds a named item. Names are cut at 55 bytes.
    pub fn add_file(&mut self, name: &str, bytes: Vec<u8>) {
        let key = key::FIRST_FILE + self.file_count;
        self.file_count += 1;
        let mut padded_name = [0; NAME_BYTES];
        let length = name.len().min(NAME_BYTES - 1);
        padded_name[..length].copy_from_slice(&name.as_bytes()[..length]);
        let directory = self.items.entry(key::DIRECTORY).or_default();
        directory[..4].copy_from_slice(&u32::from(self.file_count).to_be_bytes());
        // Sizes are 32 bits wide; no item is larger than RAM.
        directory.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        directory.extend_from_slice(&key.to_be_bytes());
        directory.extend_from_slice(&[0; 2]);
        directory.extend_from_slice(&padded_name);
        self.items.insert(key, bytes);
    }

    /// The bytes of an item, none when it does not exist.
    pub(super) fn get(&self, key: u16) -> &[u8] {
        self.items.get(&key).map_or(&[], Vec::as_slice)
    }
}

impl Default for Items {
    fn default() -> Self {
        Self::new()
    }
}
