#!/bin/busybox sh
# The init of the archive of programs: prepares one piece of work, does it between two lines on the console, powers off.
# Kernel arguments:
#   droste.program=NAME    which one: there is a /bench/NAME.prepare and a /bench/NAME.run
bb=/bin/busybox
$bb mkdir -p /busybox /proc /sys /dev /tmp /run
$bb --install -s /busybox
export PATH=/usr/bin:/usr/sbin:/bin:/busybox HOME=/tmp LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ip link set lo up

# Says it, and returns when the console has sent everything; then nothing happens for a moment, so that who listens
# may be late.
say() {
	echo "DROSTE-BENCH $*"
	stty sane </dev/console
	sleep 0.3
}
name=$(sed -n 's/.*\bdroste.program=\([^ ]*\).*/\1/p' /proc/cmdline)
cd /tmp || exit
sh -e "/bench/$name.prepare" >/tmp/log 2>&1 || say "prepare $name: status=$?"
say "begin $name"
sh -e "/bench/$name.run" >/tmp/log 2>&1 </dev/null
status=$?
say "end $name status=$status"
[ $status = 0 ] || tail -n 20 /tmp/log
poweroff -f
