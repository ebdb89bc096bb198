//! Sizes in bytes, as people write them.

/// Parses `512M`, `1G`, `64K` or a number of bytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.trim().char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        Some((at, 't' | 'T')) => (&text[..at], 40),
        Some(_) => (text, 0),
        None => return Err("a size is missing".into()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("`{text}` is no size such as 512M or 4G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(parse("1G"), Ok(1 << 30));
        assert_eq!(parse("512m"), Ok(512 << 20));
        assert_eq!(parse("4096"), Ok(4096));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "G", "-1M", "1X", "99999999999T", "1.5G"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
