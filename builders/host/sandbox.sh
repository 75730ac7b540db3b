#!/bin/sh
# sandbox.sh build|boot HOSTNAME UMASK disk|memory WORK ROOT [SOURCE TARGET]... -- PROGRAM [ARGUMENT]...
# Started by sandbox.ts inside fresh mount, PID, network, IPC and UTS namespaces: makes ROOT the only file
# system, read-only, adds the named binds read-only, WORK as /w (or a tmpfs there with WORK's out and logs in it), and
# runs PROGRAM with the rights of a build (uid 0 with eight capabilities) or of a boot (uid 65532 with none), and no
# way to more.
# PROGRAM sees no network, no host path and no process but its own.
set -eu

rights=$1 hostname=$2 mask=$3 medium=$4 work=$5 root=$6
shift 6

mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o nosuid,noexec,mode=0755,size=64k tmpfs "$root/dev"
mknod -m 0666 "$root/dev/null" c 1 3
mknod -m 0666 "$root/dev/zero" c 1 5
mknod -m 0666 "$root/dev/full" c 1 7
mknod -m 0666 "$root/dev/random" c 1 8
mknod -m 0666 "$root/dev/urandom" c 1 9
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

# mount points for the binds: everything of ours lies below /imgrel and /in
for top in imgrel in; do
	mount -t tmpfs -o nosuid,nodev,mode=0755,size=64k tmpfs "$root/$top"
done
while [ "$1" != -- ]; do
	source=$1 target=$root$2
	shift 2
	if [ -d "$source" ]; then
		mkdir -p "$target"
	else
		mkdir -p "${target%/*}"
		: >"$target"
	fi
	mount --bind "$source" "$target"
	mount -o remount,bind,nosuid,nodev,ro "$target"
done
shift
for top in imgrel in; do
	mount -o remount,ro,nosuid,nodev "$root/$top"
done

if [ "$medium" = memory ]; then
	mount -t tmpfs -o nosuid,mode=0755 tmpfs "$root/w"
	chown --reference="$work" "$root/w"
	for part in out logs; do
		mkdir "$root/w/$part"
		mount --bind "$work/$part" "$root/w/$part"
	done
	mkdir "$root/w/tmp"
else
	mount --bind "$work" "$root/w"
	mount -o remount,bind,nosuid,dev,rw "$root/w"
fi

hostname "$hostname"
umask "$mask"
case $rights in
build) set -- --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+setgid,+setuid,+sys_chroot,+mknod "$@" ;;
boot) set -- --bounding-set=-all --reuid=65532 --regid=65532 "$@" ;;
*) exit 2 ;;
esac

# unshare has tied this process to itself, but a change of the user unties it (prctl(2), PR_SET_PDEATHSIG): tie it again
cd "$root"
pivot_root . mnt
exec chroot . /bin/sh -c '
	umount -l /mnt
	cd /w
	exec setpriv --pdeathsig KILL --no-new-privs --inh-caps=-all --ambient-caps=-all --clear-groups "$@"
' sandbox "$@"
