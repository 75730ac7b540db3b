#!/bin/sh
# launch.sh STATE ROOT BIN HOSTNAME - starts a node (node.sh) in namespaces of its own and comes back at once.
# Enters the groups that STATE/cgroups names first, so that they are the top of the node's cgroup namespace.
set -eu
state=$1

while read -r group _; do
	echo $$ >"$group/cgroup.procs"
done <"$state/cgroups"

# in v2 a group with processes cannot hand controllers down: once the namespace has its top, its processes go to a leaf
# shellcheck disable=SC2016 # expanded by the inner shell
exec setsid --fork unshare --cgroup sh -euc '
	while read -r group type _; do
		[ "$type" = cgroup ] || echo $$ >"$group/init/cgroup.procs"
	done <"$1/cgroups"
	exec unshare --mount --net --pid --uts --ipc --fork sh "$0" "$@" >"$1/log/node.log" 2>&1 </dev/null
' "${0%/*}/node.sh" "$@" >/dev/null 2>&1 </dev/null
