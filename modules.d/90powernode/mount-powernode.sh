#!/bin/sh
# dracut mount hook, sourced: verify the root image, mount it read-only under a writable layer in memory.

# shellcheck source=modules.d/90powernode/powernode-lib.sh
. /usr/lib/powernode/lib.sh
# shellcheck source=modules.d/90powernode/powernode-disk.sh
. /usr/lib/powernode/disk.sh

pn_image=/powernode/root.erofs
pn_size=$(getarg powernode.root.size=)
pn_digest=$(getarg powernode.root.fsverity=)
pn_persist=

case $pn_size in
'' | 0* | *[!0-9]*) pn_fail "the kernel command line has no usable powernode.root.size" "found: '$pn_size'" ;;
esac
pn_is_digest "$pn_digest" || pn_fail "the kernel command line has no usable powernode.root.fsverity" "found: '$pn_digest'"

# a tmpfs of its own: the writable layer must not share /run's size limit
mkdir -p "$POWERNODE_RUN"
mount -t tmpfs -o mode=0755,nosuid,nodev powernode "$POWERNODE_RUN"
mkdir -p "$POWERNODE_RUN/lower" "$POWERNODE_RUN/upper" "$POWERNODE_RUN/work"

if [ -f "$pn_image" ]; then
	pn_say "verifying $pn_image, $pn_size bytes"
	pn_verify "$pn_image" "$pn_size" "$pn_digest"
	pn_source=$pn_image
	pn_options=ro,loop
	pn_backing=embedded:$pn_image
else
	pn_find_root "$pn_size" "$pn_digest" "$(getarg powernode.root.partuuid=)"
	pn_source=$pn_node
	pn_options=ro
	pn_backing=partition:$(pn_partuuid "$pn_device")
	pn_persist=$(pn_persist_beside "$pn_device")
	[ -n "$pn_persist" ] || pn_say "the disk of $pn_node has no partition persist: nothing outlives this boot"
	blockdev --setro "$pn_node"
fi
pn_say "root image verified: $pn_computed"

mount -t erofs -o "$pn_options" "$pn_source" "$POWERNODE_RUN/lower" ||
	pn_fail "the root image cannot be mounted" "from: $pn_source"
# NEWROOT is dracut's
# shellcheck disable=SC2154
mount -t overlay \
	-o "lowerdir=$POWERNODE_RUN/lower,upperdir=$POWERNODE_RUN/upper,workdir=$POWERNODE_RUN/work" \
	powernode-root "$NEWROOT" || pn_fail "the overlay root cannot be mounted"

printf 'root_fsverity=%s\nroot_size=%s\nroot_backing=%s\npersist_device=%s\n' \
	"$pn_computed" "$pn_size" "$pn_backing" "$pn_persist" >"$POWERNODE_RUN/root"
# the overlay forgets this with the boot: only now is it known which disk this is
if [ -n "$pn_persist" ]; then
	echo "/dev/$pn_persist /persist ext4 nodev,nosuid,noatime,x-systemd.growfs 0 2" >>"$NEWROOT/etc/fstab"
fi

if getargbool 1 powernode.boot; then
	pn_claim_identity "$NEWROOT"
else
	pn_say "powernode.boot=0: recovery, no identity is claimed and the agent does not start"
fi
