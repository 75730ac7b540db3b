#!/bin/sh
# node.sh STATE ROOT BIN HOSTNAME - a node, as first process of fresh mount, network, PID, UTS, IPC and cgroup
# namespaces (launch.sh). ROOT becomes its read-only root, BIN its /usr/local/bin, STATE its /run/cluster; STATE/lib and
# STATE/log are its /var/lib and /var/log, and STATE/init.sh goes on.
set -eu
state=$1 root=$2 bin=$3 hostname=$4

# the /proc of the outside, whose number for this process is the one that nsenter needs
read -r pid _ </proc/self/stat

mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mkdir "$root/run/cluster" "$root/run/lock"
mount --bind "$state" "$root/run/cluster"
mount --bind "$state/lib" "$root/var/lib"
mount --bind "$state/log" "$root/var/log"
mount --bind "$bin" "$root/usr/local/bin"
cd "$root"
pivot_root . mnt
exec chroot . /bin/sh /run/cluster/init.sh "$pid" "$hostname"
