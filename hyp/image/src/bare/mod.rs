//! Everything that needs the machine. One module per thing that has to be unsafe.
#![allow(unsafe_code)] // bare metal: every module reads system registers, whose macros hold unsafe blocks

mod boot;
mod clock;
mod console;
mod cpu;
mod entry;
mod firmware;
mod host;
mod memory;
mod own_map;
mod panic;
mod registers;
mod state;
mod vectors;
