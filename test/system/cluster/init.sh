#!/bin/sh
# init.sh PID HOSTNAME - goes on where node.sh has made the node's root: kernel settings, control groups and network.
# Then it starts each part that /run/cluster/start is told of, and again when it ends: /run/cluster/parts/NAME holds the
# program and its arguments, one a line. PID is what the outside knows this process by.
set -eu
pid=$1 hostname=$2
state=/run/cluster

umount -l /mnt
mount --make-rshared /

# the same hierarchies again, from the top of this namespace
cgroups=/sys/fs/cgroup
grep -q " \.$" "$state/cgroups" || mount -t tmpfs -o mode=0755 cgroup "$cgroups"
while read -r _ type options folder; do
	mkdir -p "$cgroups/$folder"
	mount -t "$type" -o "$options" "$type" "$cgroups/$folder"
	[ "$type" = cgroup ] || tr ' ' '\n' <"$cgroups/$folder/cgroup.controllers" | while read -r controller; do
		echo "+$controller" >"$cgroups/$folder/cgroup.subtree_control"
	done
	for node in node node-2; do # what a kubelet must find (cgroupRoot)
		mkdir "$cgroups/$folder/$node"
		[ "$type" = cgroup2 ] || [ ! -e "$cgroups/$folder/cpuset.cpus" ] || for file in cpuset.cpus cpuset.mems; do
			cat "$cgroups/$folder/$file" >"$cgroups/$folder/$node/$file"
		done
	done
done <"$state/cgroups"

# a kubelet sets these for the whole machine; it is shown the values it wants and sets nothing
mkdir /run/sysctl
for value in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	name=${value%=*}
	echo "${value#*=}" >"/run/sysctl/${name##*/}"
	mount --bind "/run/sysctl/${name##*/}" "/proc/sys/$name"
done

hostname "$hostname"
sh "$state/network.sh"
mkfifo "$state/start"
echo "$pid" >"$state/init.pid"

supervise() {
	name=$1
	set --
	while IFS= read -r argument; do
		set -- "$@" "$argument"
	done <"$state/parts/$name"
	while :; do
		"$@" >>"/var/log/$name.log" 2>&1 </dev/null &
		echo $! >"$state/parts/$name.pid"
		status=0
		wait $! || status=$?
		echo "node: $name ended with $status and is started again" >>"/var/log/$name.log"
		sleep 0.3
	done
}
# open for both, or there would be an end of file whenever nobody writes
while IFS= read -r name; do
	supervise "$name" &
done <>"$state/start" &
wait # for ever; whatever is left behind by others is reaped meanwhile
