//! `--rtc`: what the guest's clock shows at the start.

use crate::config::MachineFile;
use crate::error::CliError;
use droste_machine::clock::TimeOfDay;

/// 2026-01-01 00:00:00 UTC, the time of day in deterministic mode unless another is given.
const DETERMINISTIC: u64 = 1_767_225_600;

/// The time of day that a machine file asks for.
pub(super) fn time_of_day(file: &MachineFile) -> Result<TimeOfDay, CliError> {
    let deterministic = file.deterministic.unwrap_or(false);
    match file.rtc.as_deref() {
        None if deterministic => Ok(TimeOfDay::From(DETERMINISTIC)),
        Some("host") if deterministic => {
            Err(CliError::usage("a deterministic run cannot show the host's time of day")
                .hint("leave out --rtc, or give a fixed time such as --rtc 2026-01-01"))
        }
        None | Some("host") => Ok(TimeOfDay::Host),
        Some(text) => parse(text).map(TimeOfDay::From).ok_or_else(|| {
            CliError::usage(format!("`{text}` is no time of day that the clock can show")).hint(
                "a time is `host`, seconds since 1970, or UTC such as 2026-01-01 or 2026-01-01T12:30:00",
            )
        }),
    }
}

/// Seconds since 1970 of a number or of a UTC date, within the 32 bits of the clock.
fn parse(text: &str) -> Option<u64> {
    let seconds = text.parse().ok().or_else(|| {
        let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap_or((text, "00:00:00"));
        Some(days(date)? * 86_400 + seconds_of_day(time)?)
    })?;
    (seconds <= u64::from(u32::MAX)).then_some(seconds)
}

/// Days since 1970 of YYYY-MM-DD.
fn days(date: &str) -> Option<u64> {
    let [year, month, day] = fields(date, '-')?;
    let leap = |y: u64| y.is_multiple_of(4) && !y.is_multiple_of(100) || y.is_multiple_of(400);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    if !(1970..2107).contains(&year) || !(1..=*lengths.get(before)?).contains(&day) {
        return None;
    }
    let years: u64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    Some(years + lengths[..before].iter().sum::<u64>() + day - 1)
}

/// Seconds of HH:MM:SS.
fn seconds_of_day(time: &str) -> Option<u64> {
    let [hour, minute, second] = fields(time, ':')?;
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

fn fields(text: &str, separator: char) -> Option<[u64; 3]> {
    let fields: Option<Vec<u64>> = text
        .split(separator)
        .map(|field| if field.bytes().all(|b| b.is_ascii_digit()) { field.parse().ok() } else { None })
        .collect();
    fields?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_or_dates() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("1767225600"), Some(DETERMINISTIC));
        assert_eq!(parse("2026-01-01"), Some(DETERMINISTIC));
        assert_eq!(parse("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(parse("2024-03-01T00:00:01"), Some(1_709_251_201));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "now", "-1", "4294967296", "2026-13-01", "2026-02-29", "2026-1", "2026-01-01T24:00:00"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
