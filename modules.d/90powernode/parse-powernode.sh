#!/bin/sh
# dracut cmdline hook, sourced: the root is ours to find, whatever root= says; waits for its disk if it is on one.
# root and rootok are read by dracut's init.
# shellcheck disable=SC2034
root=powernode
# shellcheck disable=SC2034
rootok=1

if [ ! -f /powernode/root.erofs ]; then
	# shellcheck source=modules.d/90powernode/powernode-lib.sh
	. /usr/lib/powernode/lib.sh
	# shellcheck source=modules.d/90powernode/powernode-disk.sh
	. /usr/lib/powernode/disk.sh
	pn_partuuid=$(getarg powernode.root.partuuid=)
	case $pn_partuuid in *[!0-9a-f-]*) pn_partuuid=invalid ;; esac
	# hookdir is dracut's
	# shellcheck disable=SC2154
	printf '. /usr/lib/powernode/disk.sh\npn_root_appeared %s "%s"\n' \
		$(($(pn_uptime) + POWERNODE_DISK_SECONDS)) "$pn_partuuid" >"$hookdir/initqueue/finished/powernode.sh"
fi
