#!/bin/busybox sh
# The init of every level: says that this level is up, starts the next one, powers off.
# Kernel arguments:
#   droste.level=N         what this level calls itself (default 0)
#   droste.chain=a,b,...   how each level starts the next: kvm | nested | sh
#   droste.more=ARG        one more kernel argument for the next level
#   droste.suspend=N       suspend to RAM N times, with a wake-up alarm
#   droste.mem=MIB, droste.smp=N, droste.verbose=1
#                          memory and CPUs of the next level; its kernel logs to the console
bb=/bin/busybox
$bb mkdir -p /bin /sbin /proc /sys /dev /tmp /run
$bb --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null

arg() { sed -n "s/.*\bdroste.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
seconds() { cut -d' ' -f1 /proc/uptime; }
level=$(arg level); level=${level:-0}
chain=$(arg chain)
mem=$(arg mem); mem=${mem:-1024}
smp=$(arg smp); smp=${smp:-1}
verbose=$(arg verbose)
more=$(arg more)

echo "DROSTE-UP $level $(seconds) $(uname -r) cpus=$(nproc)"
# Few lines: each character on a nested guest's PL011 costs many traps in the levels below.
dmesg | grep -E 'CPU: All CPU|CPU features: .*(Nested|KVM)|kvm ?\[|kvm:|GIC: Using|smccc: KVM' |
	cut -c1-110 | sed "s/^/DROSTE-DMESG $level /"
[ "$level" = 0 ] && grep -m1 ^Features /proc/cpuinfo | sed "s/^/DROSTE-CPU $level /"

# Suspends until the alarm of the real-time clock, which counts whole seconds.
suspend() { # number
	rtc=/sys/class/rtc/rtc0
	before=$(cat $rtc/since_epoch)
	echo 0 >$rtc/wakealarm
	echo $((before + 2)) >$rtc/wakealarm && echo mem >/sys/power/state &&
		echo "DROSTE-SUSPEND $1 slept $(($(cat $rtc/since_epoch) - before)) s, cpus=$(nproc)"
}
times=$(arg suspend); n=1
while [ $n -le "${times:-0}" ]; do suspend $n; n=$((n + 1)); done

how=${chain%%,*}
rest=; case $chain in *,*) rest=${chain#*,} ;; esac
quiet="quiet loglevel=4"; [ "$verbose" = 1 ] && quiet=earlycon
case ${rest%%,*} in nested) more="$more kvm-arm.mode=nested" ;; esac
append="console=ttyAMA0 panic=-1 $quiet $more droste.level=$((level + 1)) droste.chain=$rest"
append="$append droste.smp=$smp droste.mem=$((mem / 2)) droste.verbose=$verbose"
initrd=/next/tiny.cpio; [ -n "$rest" ] && initrd=/next/big.cpio
next() { # machine
	qemu-system-aarch64 -M "$1,gic-version=3" -accel kvm -cpu host -smp "$smp" -m "$mem" \
		-nodefaults -display none -serial stdio -no-reboot \
		-kernel /next/Image -initrd $initrd -append "$append" </dev/null
}
began=$(seconds)
case $how in
kvm) next virt ;;
nested) next virt,virtualization=on ;;
sh) exec sh ;;
esac
status=$?
[ -n "$how" ] && echo "DROSTE-END $level $how status=$status took=$(echo "$(seconds) $began" | awk '{print $1-$2}')"
stty sane </dev/console # returns when the console has sent everything
poweroff -f
