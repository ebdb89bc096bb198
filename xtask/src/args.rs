//! The command line: flags and options may stand in any order; what nobody asked for is refused.

use anyhow::{Result, bail};

/// What is left of the command line.
pub(crate) struct Args {
    left: Vec<String>,
}

impl Args {
    pub(crate) fn from_env() -> Args {
        Args { left: std::env::args().skip(1).collect() }
    }

    /// Takes the first word.
    pub(crate) fn command(&mut self) -> Option<String> {
        if self.left.is_empty() { None } else { Some(self.left.remove(0)) }
    }

    /// Takes a flag; whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let found = self.left.iter().position(|a| a == name);
        found.map(|at| self.left.remove(at)).is_some()
    }

    /// Takes one `--name VALUE` or `--name=VALUE`, if there is one.
    pub(crate) fn option(&mut self, name: &str) -> Result<Option<String>> {
        for at in 0..self.left.len() {
            if let Some(value) = self.left[at].strip_prefix(name).and_then(|v| v.strip_prefix('=')) {
                let value = value.to_owned();
                self.left.remove(at);
                return Ok(Some(value));
            }
            if self.left[at] == name {
                if at + 1 == self.left.len() {
                    bail!("{name} needs a value");
                }
                self.left.remove(at);
                return Ok(Some(self.left.remove(at)));
            }
        }
        Ok(None)
    }

    /// Takes every occurrence of `--name VALUE`.
    pub(crate) fn options(&mut self, name: &str) -> Result<Vec<String>> {
        let mut all = Vec::new();
        while let Some(value) = self.option(name)? {
            all.push(value);
        }
        Ok(all)
    }

    /// Takes all that is left, which may not look like options.
    pub(crate) fn rest(self) -> Result<Vec<String>> {
        match self.left.iter().find(|word| word.starts_with('-')) {
            Some(word) => bail!("{word:?} is not understood here; see `cargo xtask help`"),
            None => Ok(self.left),
        }
    }

    /// Refuses what nobody has taken.
    pub(crate) fn finish(self) -> Result<()> {
        match self.left.first() {
            Some(word) => bail!("{word:?} is not understood here; see `cargo xtask help`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(words: &[&str]) -> Args {
        Args { left: words.iter().map(|w| (*w).to_owned()).collect() }
    }

    #[test]
    fn options_are_taken_in_both_spellings_and_any_order() {
        let mut a = args(&["test", "--case", "boot", "--host", "--case=kvm"]);
        assert_eq!(a.command().as_deref(), Some("test"));
        assert!(a.flag("--host") && !a.flag("--host"));
        assert_eq!(a.options("--case").unwrap(), ["boot", "kvm"]);
        a.finish().unwrap();
    }

    #[test]
    fn option_without_value_is_refused() {
        assert!(args(&["--case"]).option("--case").is_err());
    }

    #[test]
    fn unknown_word_is_refused_by_name() {
        assert!(args(&["--cse"]).finish().unwrap_err().to_string().contains("--cse"));
    }
}
