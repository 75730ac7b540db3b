#!/bin/sh
# enter.sh ROOT WORK PROGRAM [ARGUMENT]... - in fresh mount, PID and network namespaces: makes ROOT the only file system,
# WORK as /w, and runs PROGRAM in /w/conf with all rights, which mkosi needs to make sandboxes of its own.
set -eu
root=$1 work=$2
shift 2

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
for top in tmp run dev; do
	mount -t tmpfs -o mode=0755 tmpfs "$root/$top"
done
chmod 1777 "$root/tmp"
mkdir -m 1777 "$root/dev/shm"
for device in null zero full random urandom tty; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount --bind "$work" "$root/w"

cd "$root"
pivot_root . mnt
# shellcheck disable=SC2016 # the inner shell's words
exec chroot . /bin/sh -c '
	umount -l /mnt
	cd /w/conf
	exec "$@"
' enter "$@"
