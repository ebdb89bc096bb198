//! What is behind a network device: frames in, frames out.

pub mod user;

/// A network interface's address.
pub type Mac = [u8; 6];

/// The other side of a network device. It is used by one thread at a time.
pub trait NetBackend: Send {
    /// Takes an Ethernet frame from the guest.
    fn transmit(&mut self, frame: &[u8]);

    /// Lets the backend work, after frames were transmitted and from time to time.
    fn poll(&mut self);

    /// Gives the next Ethernet frame for the guest.
    fn receive(&mut self) -> Option<Vec<u8>>;
}
