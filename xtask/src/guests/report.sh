# Run by systemd when the machine is up. Kernel arguments: droste.url=URL is downloaded and its sum said;
# droste.poweroff=1 switches the machine off afterwards.
arg() { sed -n "s/.*\bdroste.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
echo
echo "DROSTE-SYSTEMD up $(uname -r) cpus=$(nproc) $(systemctl --version | head -n1 | cut -d' ' -f1,2)"
echo "DROSTE-SYSTEMD root on $(findmnt -n -o SOURCE,FSTYPE /)"
url=$(arg url)
if [ -n "$url" ]; then
	tries=0
	until ip -4 route | grep -q ^default || [ $tries = 300 ]; do
		sleep 0.2
		tries=$((tries + 1))
	done
	echo "DROSTE-NET $(ip -4 -o addr show scope global | awk '{print $2, $4}')"
	echo "DROSTE-NET sum $(curl -s --max-time 60 "$url" | sha256sum | cut -d' ' -f1)"
fi
# The login prompt comes last, when nothing else is to be started, or after five seconds.
tries=0
until systemctl -q is-active serial-getty@ttyAMA0.service || [ $tries = 60 ]; do
	sleep 1
	tries=$((tries + 1))
done
failed=$(systemctl --failed --no-legend --plain | cut -d' ' -f1 | tr '\n' ' ')
echo "DROSTE-SYSTEMD login: $(systemctl is-active serial-getty@ttyAMA0.service) failed: $failed"
[ "$(arg poweroff)" = 1 ] && systemctl poweroff --no-block
exit 0
