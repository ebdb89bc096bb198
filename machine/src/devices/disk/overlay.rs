//! Copy on write: what is written goes to a store of clusters, and the base stays as it is.

use std::collections::BTreeMap;
use std::io;

use super::Disk;

/// The unit of copying. File systems write whole blocks of this size, which then need no copy.
pub(super) const CLUSTER_BYTES: usize = 4096;
const CLUSTER: u64 = CLUSTER_BYTES as u64;

/// Where an overlay keeps the clusters that were written.
pub trait ClusterStore: Send {
    /// Reads a whole cluster; false if it was never written.
    fn read(&mut self, cluster: u64, bytes: &mut [u8; CLUSTER_BYTES]) -> io::Result<bool>;

    /// Writes a whole cluster.
    fn write(&mut self, cluster: u64, bytes: &[u8; CLUSTER_BYTES]) -> io::Result<()>;

    /// Makes everything that was written durable.
    fn flush(&mut self) -> io::Result<()>;
}

/// A store that is gone when the machine is.
#[derive(Debug, Default)]
pub struct MemoryStore(BTreeMap<u64, Box<[u8; CLUSTER_BYTES]>>);

impl ClusterStore for MemoryStore {
    fn read(&mut self, cluster: u64, bytes: &mut [u8; CLUSTER_BYTES]) -> io::Result<bool> {
        let Some(stored) = self.0.get(&cluster) else { return Ok(false) };
        *bytes = **stored;
        Ok(true)
    }

    fn write(&mut self, cluster: u64, bytes: &[u8; CLUSTER_BYTES]) -> io::Result<()> {
        self.0.insert(cluster, Box::new(*bytes));
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that can be written although its base is not.
pub struct Overlay<S> {
    base: Box<dyn Disk>,
    store: S,
}

impl<S: ClusterStore> Overlay<S> {
    /// Lays `store` over `base`.
    pub fn new(base: Box<dyn Disk>, store: S) -> Self {
        Self { base, store }
    }

    /// The cluster as the guest sees it. Beyond the end of the base there are zeros.
    fn cluster(&mut self, cluster: u64) -> io::Result<[u8; CLUSTER_BYTES]> {
        let mut bytes = [0; CLUSTER_BYTES];
        if !self.store.read(cluster, &mut bytes)? {
            let start = cluster * CLUSTER;
            let length = self.base.size_bytes().saturating_sub(start).min(CLUSTER);
            self.base.read_at(start, &mut bytes[..length as usize])?;
        }
        Ok(bytes)
    }
}

impl<S: ClusterStore> Disk for Overlay<S> {
    fn size_bytes(&self) -> u64 {
        self.base.size_bytes()
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (start, length) = part(at, rest.len());
            let (now, later) = rest.split_at_mut(length);
            now.copy_from_slice(&self.cluster(at / CLUSTER)?[start..start + length]);
            rest = later;
            at += length as u64;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (start, length) = part(at, rest.len());
            let (now, later) = rest.split_at(length);
            let mut cluster =
                if length == CLUSTER_BYTES { [0; CLUSTER_BYTES] } else { self.cluster(at / CLUSTER)? };
            cluster[start..start + length].copy_from_slice(now);
            self.store.write(at / CLUSTER, &cluster)?;
            rest = later;
            at += length as u64;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store.flush()
    }
}

/// The part of the cluster at `offset` that a transfer of `length` bytes covers: its start and length.
fn part(offset: u64, length: usize) -> (usize, usize) {
    let start = (offset % CLUSTER) as usize;
    (start, length.min(CLUSTER_BYTES - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn overlay_behaves_as_a_copy_of_its_base() {
        let mut expected = base(20_000);
        let mut overlay = Overlay::new(Box::new(base(20_000)), MemoryStore::default());
        for (offset, length, value) in [(100, 50, 1), (4090, 4200, 2), (8192, 4096, 3), (19_999, 1, 4)] {
            overlay.write_at(offset, &vec![value; length]).unwrap();
            expected[offset as usize..][..length].fill(value);
        }
        overlay.write_zeroes(5000, 10).unwrap();
        expected[5000..5010].fill(0);
        for (offset, length) in [(0, 20_000), (4095, 2), (12_288, 1), (16_000, 4000)] {
            let mut bytes = vec![0; length];
            overlay.read_at(offset as u64, &mut bytes).unwrap();
            assert_eq!(bytes, expected[offset..offset + length]);
        }
    }

    #[test]
    fn base_is_never_written() {
        struct Untouchable(Vec<u8>);
        impl Disk for Untouchable {
            fn size_bytes(&self) -> u64 {
                self.0.size_bytes()
            }
            fn is_read_only(&self) -> bool {
                true
            }
            fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
                self.0.read_at(offset, bytes)
            }
            fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
                panic!("the base is written");
            }
            fn flush(&mut self) -> io::Result<()> {
                panic!("the base is flushed");
            }
        }
        let mut overlay = Overlay::new(Box::new(Untouchable(base(8192))), MemoryStore::default());
        assert!(!overlay.is_read_only());
        overlay.write_at(1, b"x").unwrap();
        overlay.flush().unwrap();
        let mut bytes = [0; 3];
        overlay.read_at(0, &mut bytes).unwrap();
        assert_eq!(bytes, [0, b'x', 2]);
    }
}
