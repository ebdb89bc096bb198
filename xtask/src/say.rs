//! What the user sees: one line for each step, and a sign of life while one takes longer than a second.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Says one line.
pub(crate) fn say(what: impl AsRef<str>) {
    eprintln!("xtask: {}", what.as_ref());
}

/// Does something silent that may take long: on a terminal with the seconds counted up in place, elsewhere
/// with a line at the start, and one at the end if it took more than a second.
pub(crate) fn working<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    if !stderr().is_terminal() {
        say(what);
        let result = work();
        let seconds = began.elapsed().as_secs_f32();
        if seconds > 1.0 {
            say(format!("{what}: {seconds:.1} s"));
        }
        return result;
    }
    let (done, wait) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut shown = format!("xtask: {what}");
            eprint!("{shown}");
            while wait.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                shown = format!("xtask: {what} ({:.0} s)", began.elapsed().as_secs_f32());
                eprint!("\r{shown}");
                // A terminal that is gone is no reason to stop.
                let _ = stderr().flush();
            }
            eprintln!("\r{shown}");
        });
        let result = work();
        drop(done);
        result
    })
}
