//! The register frames of the GIC on the bus.
//!
//! All registers are made of 32-bit words; a 64-bit access is two word accesses, low word first. Priority
//! registers can be accessed by the byte. Other accesses read as zero and have no effect.

use std::sync::Arc;

use super::distributor::Distributor;
use super::redistributor::REDISTRIBUTOR_BYTES;
use super::{Gic, State, its};
use crate::bus::Device;

/// The distributor's frame.
#[derive(Clone, Debug)]
pub struct DistributorWindow(pub Arc<Gic>);

/// The frames of all redistributors.
#[derive(Clone, Debug)]
pub struct RedistributorWindow(pub Arc<Gic>);

/// The two frames of the ITS.
#[derive(Clone, Debug)]
pub struct ItsWindow(pub Arc<Gic>);

/// Makes an access of any size from word accesses to `frame`, a state and a context.
fn read_words(offset: u64, size: u8, has_bytes: bool, mut word: impl FnMut(u64) -> u32) -> u64 {
    match size {
        8 if offset.is_multiple_of(8) => u64::from(word(offset)) | u64::from(word(offset + 4)) << 32,
        4 if offset.is_multiple_of(4) => u64::from(word(offset)),
        1 if has_bytes => u64::from(word(offset & !3) >> ((offset & 3) * 8) & 0xff),
        _ => 0,
    }
}

fn is_priority(offset: u64) -> bool {
    (0x400..0x800).contains(&offset)
}

/// The word that a byte written at `offset` makes of `old`.
fn merge_byte(old: u32, offset: u64, value: u64) -> u32 {
    let shift = (offset & 3) * 8;
    old & !(0xff << shift) | (value as u32 & 0xff) << shift
}

impl Gic {
    fn write_distributor(&self, state: &mut State, offset: u64, value: u32) {
        let asleep = state.asleep();
        let distributor: &mut Distributor = &mut state.distributor;
        distributor.write(offset, value, &self.affinities, &asleep);
    }

    fn write_redistributor(&self, state: &mut State, cpu: usize, offset: u64, value: u32) {
        let redistributor = &mut state.redistributors[cpu];
        let asleep = redistributor.asleep;
        redistributor.write(offset, value, &self.ram);
        if redistributor.asleep != asleep {
            let asleep = state.asleep();
            state.distributor.route_all(&self.affinities, &asleep);
        }
    }
}

impl Device for DistributorWindow {
    /// Resets the whole GIC, whose state is one.
    fn reset(&self) {
        self.0.reset();
    }

    fn read(&self, offset: u64, size: u8) -> u64 {
        let mut state = self.0.lock();
        read_words(offset, size, is_priority(offset), |at| state.distributor.read(at, self.0.cpu_count()))
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let gic = &*self.0;
        let mut state = gic.lock();
        match size {
            8 if offset.is_multiple_of(8) => {
                gic.write_distributor(&mut state, offset, value as u32);
                gic.write_distributor(&mut state, offset + 4, (value >> 32) as u32);
            }
            4 if offset.is_multiple_of(4) => gic.write_distributor(&mut state, offset, value as u32),
            1 if is_priority(offset) => {
                let old = state.distributor.read(offset & !3, gic.cpu_count());
                gic.write_distributor(&mut state, offset & !3, merge_byte(old, offset, value));
            }
            _ => return,
        }
        gic.publish_all(&state);
    }

    fn name(&self) -> &str {
        "gic-distributor"
    }
}

impl RedistributorWindow {
    /// The CPU and the offset in its frames; beyond the last CPU there is nothing.
    fn split(&self, offset: u64) -> Option<(usize, u64)> {
        let cpu = (offset / REDISTRIBUTOR_BYTES) as usize;
        (cpu < self.0.cpu_count()).then_some((cpu, offset % REDISTRIBUTOR_BYTES))
    }
}

impl Device for RedistributorWindow {
    /// Done by the distributor's.
    fn reset(&self) {}

    fn read(&self, offset: u64, size: u8) -> u64 {
        let Some((cpu, offset)) = self.split(offset) else { return 0 };
        let state = self.0.lock();
        let has_bytes = is_priority(offset.wrapping_sub(0x1_0000));
        read_words(offset, size, has_bytes, |at| state.redistributors[cpu].read(at))
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let Some((cpu, offset)) = self.split(offset) else { return };
        let gic = &*self.0;
        let mut state = gic.lock();
        match size {
            8 if offset.is_multiple_of(8) => {
                gic.write_redistributor(&mut state, cpu, offset, value as u32);
                gic.write_redistributor(&mut state, cpu, offset + 4, (value >> 32) as u32);
            }
            4 if offset.is_multiple_of(4) => {
                gic.write_redistributor(&mut state, cpu, offset, value as u32);
            }
            1 if is_priority(offset.wrapping_sub(0x1_0000)) => {
                let old = state.redistributors[cpu].read(offset & !3);
                gic.write_redistributor(&mut state, cpu, offset & !3, merge_byte(old, offset, value));
            }
            _ => return,
        }
        gic.publish_all(&state);
    }

    fn name(&self) -> &str {
        "gic-redistributors"
    }
}

impl Device for ItsWindow {
    /// Done by the distributor's.
    fn reset(&self) {}

    fn read(&self, offset: u64, size: u8) -> u64 {
        let mut state = self.0.lock();
        // A guest that waits for a long queue drives it.
        if offset == its::CREADR && state.run_its_commands(&self.0.ram) {
            self.0.publish_all(&state);
        }
        let Some(its) = &state.its else { return 0 };
        read_words(offset, size, false, |at| its.read(at))
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let gic = &*self.0;
        let mut state = gic.lock();
        match size {
            8 if offset.is_multiple_of(8) => {
                state.write_its(offset, value as u32, &gic.ram);
                state.write_its(offset + 4, (value >> 32) as u32, &gic.ram);
            }
            4 if offset.is_multiple_of(4) => state.write_its(offset, value as u32, &gic.ram),
            _ => return,
        }
        gic.publish_all(&state);
    }

    fn name(&self) -> &str {
        "gic-its"
    }
}
