//! The commands of the ITS.

use super::{DEVICE_BITS, Device, EVENT_BITS, EVENT_LIMIT, Event, Its};
use crate::gic::lpi::FIRST_LPI;
use crate::gic::{INTID_BITS, State};
use crate::ram::GuestRam;

/// The operands of a command, named by the fields of its four doublewords.
#[derive(Clone, Copy)]
struct Command([u64; 4]);

impl Command {
    fn number(self) -> u64 {
        self.0[0] & 0xff
    }

    fn device(self) -> u32 {
        (self.0[0] >> 32) as u32
    }

    fn event(self) -> u32 {
        self.0[1] as u32
    }

    fn intid(self) -> u32 {
        (self.0[1] >> 32) as u32
    }

    fn event_bits(self) -> u32 {
        (self.0[1] & 0x1f) as u32 + 1
    }

    fn collection(self) -> u16 {
        self.0[2] as u16
    }

    fn valid(self) -> bool {
        self.0[2] >> 63 != 0
    }

    /// RDbase in doubleword `at`: a processor number, as GITS_TYPER.PTA is 0.
    fn processor(self, at: usize) -> usize {
        (self.0[at] >> 16 & 0x7_ffff_ffff) as usize
    }
}

impl State {
    /// Executes one command; one in error does nothing.
    pub(super) fn execute_its_command(&mut self, words: [u64; 4], ram: &GuestRam) {
        let command = Command(words);
        let (device, event) = (command.device(), command.event());
        let cpu_count = self.redistributors.len();
        let Some(its) = &mut self.its else { return };
        match command.number() {
            0x01 => self.move_interrupt(command, ram),
            0x03 => {
                if let Some((cpu, intid)) = its.target(device, event) {
                    self.redistributors[cpu].lpis.set_pending(intid, ram);
                }
            }
            0x04 => self.clear(device, event),
            // SYNC: everything before has happened.
            0x05 => {}
            0x08 => its.map_device(command, ram),
            0x09 => its.map_collection(command, cpu_count, ram),
            0x0a => its.map_event(command, command.intid()),
            0x0b => its.map_event(command, event),
            0x0c => {
                if let Some((cpu, intid)) = its.target(device, event) {
                    self.redistributors[cpu].lpis.invalidate(intid, ram);
                }
            }
            0x0d => {
                if let Some(&cpu) = its.collections.get(&command.collection()) {
                    self.redistributors[cpu].lpis.invalidate_all(ram);
                }
            }
            0x0e => self.move_all(command.processor(2), command.processor(3), ram),
            0x0f => {
                self.clear(device, event);
                if let Some(its) = &mut self.its {
                    its.discard(device, event);
                }
            }
            _ => {}
        }
    }

    /// CLEAR, and the first half of DISCARD.
    fn clear(&mut self, device: u32, event: u32) {
        if let Some((cpu, intid)) = self.its.as_ref().and_then(|its| its.target(device, event)) {
            self.redistributors[cpu].lpis.clear_pending(intid);
        }
    }

    /// MOVI: the event goes to another collection, and its pending state with it.
    fn move_interrupt(&mut self, command: Command, ram: &GuestRam) {
        let Some(its) = &mut self.its else { return };
        let (device, event) = (command.device(), command.event());
        let Some((from, intid)) = its.target(device, event) else { return };
        let Some(&to) = its.collections.get(&command.collection()) else { return };
        let entry = its.devices.get_mut(&device).and_then(|device| device.events.get_mut(&event));
        if let Some(entry) = entry {
            entry.collection = command.collection();
        }
        if from != to && self.redistributors[from].lpis.clear_pending(intid) {
            self.redistributors[to].lpis.set_pending(intid, ram);
        }
    }

    /// MOVALL: all pending LPIs of a redistributor go to another.
    fn move_all(&mut self, from: usize, to: usize, ram: &GuestRam) {
        let cpu_count = self.redistributors.len();
        if from == to || from >= cpu_count || to >= cpu_count {
            return;
        }
        let moved = self.redistributors[from].lpis.take_all();
        self.redistributors[to].lpis.set_all_pending(&moved, ram);
    }
}

impl Its {
    /// MAPD.
    fn map_device(&mut self, command: Command, ram: &GuestRam) {
        let id = command.device();
        if id >> DEVICE_BITS != 0 || !self.device_table.holds(id, ram) {
            return;
        }
        if !command.valid() {
            self.forget_device(id);
        } else if command.event_bits() <= EVENT_BITS {
            // Mapping a device anew forgets its events: the table it now has is empty.
            self.forget_device(id);
            let device = Device { event_bits: command.event_bits(), events: Default::default() };
            self.devices.insert(id, device);
        }
    }

    fn forget_device(&mut self, id: u32) {
        if let Some(device) = self.devices.remove(&id) {
            self.event_count -= device.events.len();
        }
    }

    /// The second half of DISCARD.
    fn discard(&mut self, device: u32, event: u32) {
        let removed = self.devices.get_mut(&device).and_then(|device| device.events.remove(&event));
        self.event_count -= usize::from(removed.is_some());
    }

    /// MAPC.
    fn map_collection(&mut self, command: Command, cpu_count: usize, ram: &GuestRam) {
        let collection = command.collection();
        if !self.collection_table.holds(u32::from(collection), ram) {
            return;
        }
        if !command.valid() {
            self.collections.remove(&collection);
        } else if command.processor(2) < cpu_count {
            self.collections.insert(collection, command.processor(2));
        }
    }

    /// MAPTI, and MAPI, whose INTID is its EventID.
    fn map_event(&mut self, command: Command, intid: u32) {
        let Some(device) = self.devices.get_mut(&command.device()) else { return };
        let event = command.event();
        let in_range = event >> device.event_bits == 0 && (FIRST_LPI..1 << INTID_BITS).contains(&intid);
        let is_new = !device.events.contains_key(&event);
        if in_range && (!is_new || self.event_count < EVENT_LIMIT) {
            device.events.insert(event, Event { intid, collection: command.collection() });
            self.event_count += usize::from(is_new);
        }
    }
}
