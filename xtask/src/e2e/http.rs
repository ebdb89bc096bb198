//! A server on the host's loopback that guests download from.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;

const SIZE: u32 = 1 << 20;
/// The sum of what is served, of `sha256sum`.
#[cfg(test)]
pub(crate) const SHA256: &str = "f6a34d4c79c3d12c297589206bf216b084347471a53ea5e7fe9a46bd1230f098";

/// The address as a guest sees it, behind the user-mode network. The server runs until this process ends.
pub(crate) fn url() -> Result<String> {
    static PORT: OnceLock<std::result::Result<u16, String>> = OnceLock::new();
    let port = PORT.get_or_init(|| start().map_err(|why| format!("{why:#}")));
    let port = port.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
    Ok(format!("http://10.0.2.2:{port}/data"))
}

fn start() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on the loopback")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A guest that goes away is its own business.
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?).lines();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let data = data();
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", data.len())?;
    stream.write_all(&data)
}

fn data() -> Vec<u8> {
    (0..SIZE).map(|i| (i.wrapping_mul(31).wrapping_add(i >> 8)) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::{data, url};
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn data_is_served_whole() {
        let url = url().unwrap();
        let port =
            url.split(':').next_back().and_then(|p| p.split('/').next()).unwrap().parse::<u16>().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET /data HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.0 200") && answer.ends_with(&data()));
    }
}
