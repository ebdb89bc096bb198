#!/bin/busybox sh
# The init of the disk initramfs: loads the modules that the disk needs and goes on with its init.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs dev /dev
for module in $($bb cat /modules/order); do
	$bb insmod "/modules/$module" || echo "DROSTE-DISK insmod $module: failed"
done
tries=0
until [ -b /dev/vda ] || [ $tries = 100 ]; do
	$bb sleep 0.1
	tries=$((tries + 1))
done
if ! $bb mount -t ext4 /dev/vda /root; then
	echo "DROSTE-DISK no root file system on /dev/vda"
	$bb poweroff -f
fi
echo "DROSTE-DISK root is mounted"
$bb mount --move /dev /root/dev
$bb umount /sys
$bb umount /proc
exec $bb switch_root /root /sbin/init
