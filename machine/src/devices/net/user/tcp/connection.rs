//! One connection: the guest's half in the stack, the host's half in a socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Duration;

const BUFFER_BYTES: usize = 128 << 10;
/// A guest that does not answer for so long is gone.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// The host's half of a connection, and where the guest's is.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) handle: SocketHandle,
    stream: TcpStream,
    /// The guest has said its last, and so has the host been told.
    guest_done: bool,
    /// The host has said its last.
    host_done: bool,
}

impl Connection {
    pub(super) fn new(handle: SocketHandle, stream: TcpStream) -> Self {
        Self { handle, stream, guest_done: false, host_done: false }
    }

    /// Moves what can be moved between the halves.
    pub(super) fn splice(&mut self, socket: &mut Socket<'_>) {
        if self.feed_host(socket).and_then(|()| self.feed_guest(socket)).is_err() {
            socket.abort();
        }
    }

    /// Tells whether nothing can come any more.
    pub(super) fn is_over(&self, socket: &Socket<'_>) -> bool {
        // Nothing is delayed on this wire that TIME-WAIT would have to wait for.
        matches!(socket.state(), State::Closed | State::TimeWait)
    }

    fn feed_host(&mut self, socket: &mut Socket<'_>) -> io::Result<()> {
        while socket.can_recv() {
            let moved = socket.recv(|data| part(self.stream.write(data))).map_err(io::Error::other)??;
            if moved == 0 {
                return Ok(());
            }
        }
        let guest_closed =
            matches!(socket.state(), State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if guest_closed && !self.guest_done {
            self.guest_done = true;
            // The host's half may be gone already.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    fn feed_guest(&mut self, socket: &mut Socket<'_>) -> io::Result<()> {
        while !self.host_done && socket.can_send() {
            let mut ended = false;
            let read = |room: &mut [u8]| {
                let result = self.stream.read(room);
                ended = matches!(result, Ok(0));
                part(result)
            };
            let moved = socket.send(read).map_err(io::Error::other)??;
            self.host_done |= ended;
            if moved == 0 {
                break;
            }
        }
        // smoltcp 0.14 ignores window updates in LAST-ACK: what is not acknowledged then may never be sent.
        if self.host_done && socket.send_queue() == 0 {
            socket.close();
        }
        Ok(())
    }
}

/// The guest's half of a connection.
pub(super) fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
    let mut socket = Socket::new(buffer(), buffer());
    // The wire has no cost; waiting for more has.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket.set_timeout(Some(SILENCE_LIMIT));
    socket
}

/// What a transfer moved, as the stack wants it; a host socket that is busy has moved nothing.
fn part(result: io::Result<usize>) -> (usize, io::Result<usize>) {
    match result {
        Ok(length) => (length, Ok(length)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => (0, Ok(0)),
        Err(error) => (0, Err(error)),
    }
}
