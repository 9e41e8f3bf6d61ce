#!/bin/bash
# systemd.sh start          starts a real systemd in the guest, whose own init is busybox: PID 1 of a process namespace,
#                           with /run and the cgroups to itself, and with the guest's root, devices and ZFS
# systemd.sh COMMAND...     runs a command in there: systemctl, journalctl, systemd-analyze
set -euo pipefail
export LC_ALL=C
pid() { pgrep -x -P "$(cat /root/systemd.pid)" systemd; }
if [ "${1:-}" != start ]; then exec nsenter -t "$(pid)" -m -p -C -- "$@"; fi

mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
# what is mounted later in the guest is seen in there too
mount --make-rshared /
# the guest has its udev, and its device nodes stay as they are
# shellcheck disable=SC2016
setsid env -i container=zfsarchive PATH=/usr/sbin:/usr/bin unshare --pid --fork --mount --propagation slave --cgroup sh -euc '
    mount -t proc proc /proc
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /run/systemd/system
    for unit in systemd-udevd systemd-udev-trigger systemd-tmpfiles-setup-dev systemd-tmpfiles-setup-dev-early kmod-static-nodes ldconfig systemd-journal-catalog-update; do ln -s /dev/null /run/systemd/system/$unit.service; done
    exec /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=0' < /dev/null > /root/systemd.log 2>&1 &
echo $! > /root/systemd.pid
for _ in $(seq 120); do
  if "$0" systemctl is-system-running 2> /dev/null | grep -q -x -e running -e degraded; then exit 0; fi
  sleep 0.5
done
cat /root/systemd.log >&2
exit 1
