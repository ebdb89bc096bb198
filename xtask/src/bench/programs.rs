//! User programs in a Linux guest: the CPU time between two lines on the console, so that the boot is not in it.

use super::measure::{self, Cost};
use super::subject::Subject;
use crate::e2e::{self, Spec};
use crate::guests;
use crate::guests::programs::Program;
use anyhow::Result;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// Boots a guest, lets it do the work, and returns the cost of that alone.
pub(crate) fn once(program: &Program, subject: &Subject) -> Result<Cost> {
    let name = program.name;
    let mut spec =
        Spec::new(e2e::find("boot")?, guests::file("Image-7.2")?, Some(guests::file(guests::PROGRAMS)?));
    spec.append = Some(format!("console=ttyAMA0 panic=-1 quiet droste.program={name}"));
    let begin = format!("DROSTE-BENCH begin {name}");
    let end = format!("DROSTE-BENCH end {name} status=0");
    measure::between(&mut subject.command(&spec)?, LIMIT, &begin, &end)
}
