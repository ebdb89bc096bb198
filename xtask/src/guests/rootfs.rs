//! A Debian root file system with systemd, as a raw disk image: packages unpacked, and configured by hand in place of
//! their maintainer scripts, which would have to run on arm64 and as root.

use super::Unavailable;
use crate::{debian, process, say};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed, with everything that it depends on. Essential packages have to be named: nothing depends on them.
pub(crate) const PACKAGES: [&str; 27] = [
    "base-files",
    "base-passwd",
    "bash",
    "bsdutils",
    "ca-certificates",
    "coreutils",
    "curl",
    "dash",
    "dbus",
    "debianutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "iproute2",
    "iputils-ping",
    "libc-bin",
    "libpam-runtime",
    "login",
    "mount",
    "ncurses-base",
    "passwd",
    "sed",
    "systemd-sysv",
    "udev",
    "util-linux",
];

const SIZE: &str = "1200M";

/// Unpacks the packages and configures them.
pub(crate) fn fill(debs: &[PathBuf], root: &Path) -> Result<()> {
    debian::merged_usr(root)?;
    debs.iter().try_for_each(|deb| debian::unpack(deb, root))?;
    for (path, text) in FILES {
        write(&root.join(path.trim_start_matches('/')), text)?;
    }
    for (link, target) in LINKS {
        let link = root.join(link.trim_start_matches('/'));
        fs::create_dir_all(link.parent().context("no parent")?)?;
        let _ = fs::remove_file(&link);
        symlink(target, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    for (kind, name) in [("passwd", "passwd"), ("group", "group")] {
        let master = fs::read_to_string(root.join(format!("usr/share/base-passwd/{kind}.master")))?;
        // No password for root: this machine has no way in but its console.
        fs::write(root.join("etc").join(name), master.replace("root:*:", "root::"))?;
    }
    let _ = fs::remove_dir_all(root.join("usr/share/doc"));
    let _ = fs::remove_dir_all(root.join("usr/share/locale"));
    let _ = fs::remove_dir_all(root.join("usr/share/man"));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("no parent")?)?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes an ext4 image of a tree, owned by root whoever owns the tree.
pub(crate) fn pack(root: &Path, image: &Path) -> Result<()> {
    let missing = |tool: &str| anyhow!("{tool} is missing (e2fsprogs)").context(Unavailable);
    let mke2fs = tool("mke2fs").ok_or_else(|| missing("mke2fs"))?;
    let debugfs = tool("debugfs").ok_or_else(|| missing("debugfs"))?;
    say::working("packing debian.img", || {
        let part = image.with_extension("part");
        let _ = fs::remove_file(&part);
        let mut make = Command::new(mke2fs);
        make.args(["-q", "-F", "-t", "ext4", "-L", "droste", "-E", "root_owner=0:0,lazy_itable_init=0"]);
        make.args(["-U", "d2057e00-0000-4000-8000-000000000001", "-d"]).arg(root).arg(&part).arg(SIZE);
        process::output(&mut make)?;
        let mut owners = String::new();
        own(root, "", &mut owners)?;
        let script = image.with_extension("owners");
        fs::write(&script, owners)?;
        let owned = process::output(Command::new(debugfs).arg("-w").arg("-f").arg(&script).arg(&part));
        let _ = fs::remove_file(&script);
        owned?;
        fs::rename(&part, image).with_context(|| format!("cannot write {}", image.display()))
    })
}

/// Commands that give every file to root. Nothing when the tree is root's already.
fn own(dir: &Path, at: &str, script: &mut String) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    for entry in fs::read_dir(dir)?.flatten() {
        let data = entry.path().symlink_metadata()?;
        let path = format!("{at}/{}", entry.file_name().to_string_lossy());
        if data.uid() != 0 {
            script.push_str(&format!("sif \"{path}\" uid 0\n"));
        }
        if data.gid() != 0 {
            script.push_str(&format!("sif \"{path}\" gid 0\n"));
        }
        if data.is_dir() {
            own(&entry.path(), &path, script)?;
        }
    }
    Ok(())
}

fn tool(name: &str) -> Option<PathBuf> {
    let dirs = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    dirs.iter().map(|d| Path::new(d).join(name)).find(|p| p.is_file())
}

const FILES: &[(&str, &str)] = &[
    ("/etc/hostname", "droste\n"),
    ("/etc/hosts", "127.0.0.1 localhost droste\n"),
    ("/etc/fstab", "/dev/vda / ext4 defaults 0 0\n"),
    ("/etc/machine-id", "d2057ed2057ed2057ed2057ed2057ed2\n"),
    ("/etc/resolv.conf", "nameserver 10.0.2.3\n"),
    ("/etc/shadow", "root::20000:0:99999:7:::\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    // An emulated machine may be slow, and a status line that moves costs it much.
    (
        "/etc/systemd/system.conf.d/10-slow.conf",
        "[Manager]\nShowStatus=no\nDefaultTimeoutStartSec=1800\nDefaultDeviceTimeoutSec=1800\n",
    ),
    ("/etc/systemd/network/10-any.network", "[Match]\nName=e*\n\n[Network]\nDHCP=ipv4\n"),
    ("/etc/pam.d/common-auth", "auth sufficient pam_unix.so nullok\nauth required pam_deny.so\n"),
    ("/etc/pam.d/common-account", "account required pam_unix.so\n"),
    ("/etc/pam.d/common-password", "password required pam_unix.so nullok\n"),
    ("/etc/pam.d/common-session", "session required pam_unix.so\nsession optional pam_systemd.so\n"),
    ("/etc/pam.d/common-session-noninteractive", "session required pam_unix.so\n"),
    ("/usr/local/sbin/droste-report", include_str!("report.sh")),
    (
        "/etc/systemd/system/droste-report.service",
        "[Unit]
Description=Says that this machine is up
After=getty.target systemd-networkd.service
Wants=systemd-networkd.service

[Service]
Type=oneshot
ExecStart=/bin/sh /usr/local/sbin/droste-report
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
",
    ),
];

const LINKS: &[(&str, &str)] = &[
    ("/etc/systemd/system/multi-user.target.wants/droste-report.service", "../droste-report.service"),
    (
        "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/usr/lib/systemd/system/systemd-networkd.service",
    ),
    ("/etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target"),
    // They wait for what this machine does not have, or change from run to run.
    ("/etc/systemd/system/systemd-networkd-wait-online.service", "/dev/null"),
    // They bring up to date what nobody reads here, and take long.
    ("/etc/systemd/system/systemd-hwdb-update.service", "/dev/null"),
    ("/etc/systemd/system/systemd-journal-catalog-update.service", "/dev/null"),
    ("/etc/systemd/system/ldconfig.service", "/dev/null"),
    ("/etc/systemd/system/apt-daily.timer", "/dev/null"),
    ("/etc/systemd/system/e2scrub_all.timer", "/dev/null"),
    ("/etc/systemd/system/fstrim.timer", "/dev/null"),
    ("/usr/bin/sh", "dash"),
    ("/usr/bin/awk", "mawk"),
    ("/usr/bin/pager", "more"),
];
