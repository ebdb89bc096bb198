//! An apt of our own over a few suites, for one architecture, with no package installed.

use crate::{place, process};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How long downloaded package lists are taken as current.
const LISTS_ARE_FRESH_FOR: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Apt {
    dir: PathBuf,
    settings: Vec<String>,
}

impl Apt {
    /// Makes the private state and reads the suites' package lists, unless that was done within a day.
    pub(crate) fn over(suites: &[&str], architecture: &str) -> Result<Apt> {
        for tool in ["apt-get", "apt-cache", "dpkg-deb", "tar"] {
            if !process::exists(tool) {
                bail!("{tool} is missing, so Debian's packages cannot be had");
            }
        }
        let mirror = system_mirror()?;
        let dir = place::state().join("apt").join(format!("{architecture}-{}", suites.join("-")));
        for sub in ["archives/partial", "lists/partial"] {
            fs::create_dir_all(dir.join(sub)).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        fs::File::options().create(true).append(true).open(dir.join("status"))?;
        let source = |suite: &&str| format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n");
        let sources: String = suites.iter().map(source).collect();
        let changed = fs::read_to_string(dir.join("sources.list")).ok().as_ref() != Some(&sources);
        fs::write(dir.join("sources.list"), sources)?;
        fs::write(dir.join("apt.conf"), configuration()?)?;
        let apt = Apt { settings: settings(&dir, architecture), dir };
        let stamp = apt.dir.join("lists.stamp");
        let fresh = fs::metadata(&stamp).and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        if changed || fresh.is_none_or(|age| age > LISTS_ARE_FRESH_FOR) {
            let _ = fs::remove_file(&stamp);
            process::output(apt.command("apt-get").args(["-q", "update"]))?;
            fs::write(&stamp, "")?;
        }
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
        command.env("APT_CONFIG", self.dir.join("apt.conf")).args(&self.settings);
        command
    }

    /// Every version of a package, newest first.
    pub(crate) fn versions(&self, package: &str) -> Result<Vec<String>> {
        Ok(self.madison(package)?.into_iter().map(|(version, _)| version).collect())
    }

    /// The newest version of a package in one suite.
    pub(crate) fn newest(&self, package: &str, suite: &str) -> Result<String> {
        let within = format!(" {suite}/");
        let mut all = self.madison(package)?.into_iter();
        let found = all.find(|(_, place)| place.contains(&within));
        Ok(found.with_context(|| format!("{package} is not in {suite}"))?.0)
    }

    fn madison(&self, package: &str) -> Result<Vec<(String, String)>> {
        let text = process::output(self.command("apt-cache").args(["madison", package]))?;
        let row = |line: &str| {
            let mut fields = line.split('|').map(str::trim).skip(1);
            Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
        };
        Ok(text.lines().filter_map(row).collect())
    }

    /// The first alternative of each dependency of one version of a package.
    pub(crate) fn depends(&self, package: &str, version: &str) -> Result<Vec<String>> {
        let what = format!("{package}={version}");
        let text = process::output(self.command("apt-cache").args(["show", &what]))?;
        let line = text.lines().find_map(|l| l.strip_prefix("Depends: ")).unwrap_or_default();
        let name = |d: &str| d.trim().split([' ', '(', ':', '|']).next().unwrap_or_default().to_owned();
        Ok(line.split(',').map(name).filter(|n| !n.is_empty()).collect())
    }

    /// Downloads one package without its dependencies; returns the file.
    pub(crate) fn download(&self, package: &str, version: &str) -> Result<PathBuf> {
        let archives = self.dir.join("archives");
        let wanted = |path: &PathBuf| {
            let field = |name| process::output(Command::new("dpkg-deb").arg("-f").arg(path).arg(name));
            path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("{package}_")))
                && field("Version").is_ok_and(|v| v.trim() == version)
        };
        if let Some(there) = debs(&archives)?.into_iter().find(wanted) {
            return Ok(there);
        }
        let what = format!("{package}={version}");
        process::output(self.command("apt-get").current_dir(&archives).args(["-q", "download", &what]))?;
        debs(&archives)?.into_iter().find(wanted).with_context(|| format!("apt did not leave {what}"))
    }

    /// Downloads packages with everything that they depend on; returns the files.
    pub(crate) fn closure(&self, wanted: &[String], suite: &str) -> Result<Vec<PathBuf>> {
        let archives = self.dir.join("closure");
        let _ = fs::remove_dir_all(&archives);
        fs::create_dir_all(archives.join("partial"))?;
        let mut command = self.command("apt-get");
        command.arg(format!("-oDir::Cache::archives={}", archives.display()));
        command.arg(format!("-oAPT::Default-Release={suite}"));
        process::output(command.args(["-q", "-y", "--download-only", "install"]).args(wanted))?;
        debs(&archives)
    }
}

/// Of the system's settings only how to reach a mirror: its hooks would change the system after an update.
fn configuration() -> Result<String> {
    let dump = process::output(Command::new("apt-config").arg("dump"))?;
    let reach = ["Acquire::http", "Acquire::https", "Acquire::ftp", "Acquire::Check-Valid-Until"];
    let kept = dump.lines().filter(|line| reach.iter().any(|name| line.starts_with(name)));
    let own = ["Dir::Etc::parts \"/dev/null\";", "Dir::Etc::main \"/dev/null\";"];
    Ok(own.into_iter().chain(kept).map(|line| format!("{line}\n")).collect())
}

fn settings(dir: &Path, architecture: &str) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    let pairs = [
        ("Dir::Etc::sourcelist", at("sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".into()),
        ("Dir::Etc::preferences", "/dev/null".into()),
        ("Dir::Etc::preferencesparts", "/dev/null".into()),
        ("Dir::State", at("")),
        ("Dir::State::Lists", at("lists")),
        ("Dir::State::status", at("status")),
        ("Dir::State::extended_states", at("extended_states")),
        ("Dir::Cache::archives", at("archives")),
        ("Dir::Cache::pkgcache", at("pkgcache.bin")),
        ("Dir::Cache::srcpkgcache", at("srcpkgcache.bin")),
        ("Dir::Log", at("log")),
        ("APT::Architecture", architecture.into()),
        ("APT::Architectures::", architecture.into()),
        ("APT::Install-Recommends", "false".into()),
        ("APT::Sandbox::User", "root".into()),
        ("Acquire::Languages", "none".into()),
        ("Acquire::Retries", "3".into()),
    ];
    pairs.map(|(key, value)| format!("-o{key}={value}")).to_vec()
}

fn debs(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|e| e.path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "deb"));
    all.sort();
    Ok(all)
}

/// The Debian mirror that the system's apt is configured with. The origin is known only where lists have been
/// downloaded; without them the address has to end as a Debian mirror's does.
fn system_mirror() -> Result<String> {
    let format = "$(ORIGIN)|$(COMPONENT)|$(REPO_URI)";
    let mut ask = Command::new("apt-get");
    let text = process::output(ask.args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    mirror_of(&text).context("the system's apt configuration names no Debian mirror")
}

fn mirror_of(targets: &str) -> Option<String> {
    let rows = || targets.lines().filter_map(|l| l.rsplit_once('|'));
    let known = |(tags, uri): &(&str, &str)| *tags == "Debian|main" && !uri.contains("security");
    let likely = |(_, uri): &(&str, &str)| uri.trim_end_matches('/').ends_with("/debian");
    let (_, uri) = rows().find(known).or_else(|| rows().find(likely))?;
    Some(uri.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::mirror_of;

    #[test]
    fn mirror_is_found_by_origin_and_not_the_security_archive() {
        let text =
            "Other|main|http://x/debian/\nDebian|main|http://m/debian-security/\nDebian|main|http://m/d/\n";
        assert_eq!(mirror_of(text).as_deref(), Some("http://m/d"));
    }

    #[test]
    fn mirror_is_found_by_address_before_any_list_was_downloaded() {
        assert_eq!(
            mirror_of("|main|http://m/debian-security/\n|main|http://m/debian/\n").as_deref(),
            Some("http://m/debian")
        );
        assert_eq!(mirror_of("|main|http://m/ubuntu/\n"), None);
    }
}
