#!/bin/busybox sh
# The init of a host: says that it is up and does what it is told, in order. Kernel arguments:
#   droste.do=a,b,...   hotplug:N   switches every CPU but the first off and on, N times
#                       mem, idle   suspends to memory or to idle, with an alarm after two seconds
#                       kexec       starts the kernel again with what is left of the list
#                       reboot      resets the machine
#   droste.boot=N       how many kernels there were before this one
# When nothing is left, it powers off.
bb=/bin/busybox
$bb mkdir -p /bin /sbin /proc /sys /dev /tmp /run /mnt
$bb --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run

arg() { sed -n "s/.*\bdroste.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
seconds() { cut -d' ' -f1 /proc/uptime; }
boot=$(arg boot); boot=${boot:-0}
list=$(arg do)

echo "DROSTE-UP $boot $(seconds) $(uname -r) cpus=$(nproc)"
dmesg | grep -E 'CPU: All CPU|kvm ?\[|kvm:|psci: ' | cut -c1-110 | sed "s/^/DROSTE-DMESG $boot /"

hotplug() { # rounds
	failed=0 began=$(seconds)
	for round in $(seq "$1"); do
		for cpu in /sys/devices/system/cpu/cpu[1-9]*; do
			echo 0 >"$cpu/online" && echo 1 >"$cpu/online" || failed=$((failed + 1))
		done
	done
	echo "DROSTE-HOTPLUG $boot rounds=$1 failed=$failed cpus=$(nproc) took=$(echo "$(seconds) $began" | awk '{print $1-$2}')"
}

suspend() { # state of /sys/power/state
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	echo +2 >/sys/class/rtc/rtc0/wakealarm
	echo "$1" >/sys/power/state
	echo "DROSTE-SUSPEND $boot $1 status=$? succeeded=$(cat /sys/power/suspend_stats/success) cpus=$(nproc)"
}

again() { # what is left
	# The running archive is packed again, without what is mounted over it.
	mount --bind / /mnt
	(cd /mnt && find . | cpio -o -H newc) >/run/initrd 2>/dev/null
	append=$(sed "s/ *droste\.\(do\|boot\)=[^ ]*//g" /proc/cmdline)
	# Without the sum over what is loaded: the purgatory would make it with caches off.
	kexec -l --no-checks /next/Image --initrd=/run/initrd --append="$append droste.boot=$((boot + 1)) droste.do=$1"
	echo "DROSTE-KEXEC $boot status=$?"
	stty sane </dev/console
	kexec -e
	echo "DROSTE-KEXEC $boot came back with $?"
}

while [ -n "$list" ]; do
	word=${list%%,*}
	case $list in *,*) list=${list#*,} ;; *) list= ;; esac
	case $word in
	hotplug:*) hotplug "${word#*:}" ;;
	mem) suspend mem ;;
	idle) suspend freeze ;;
	kexec) again "$list" ;;
	reboot) stty sane </dev/console; reboot -f ;;
	sh) sh ;;
	*) echo "DROSTE-DO $word: unknown" ;;
	esac
done
stty sane </dev/console # returns when the console has sent everything
poweroff -f
