#!/bin/sh
# dracut mount hook, sourced: verify the root image, mount it read-only under a writable layer in memory.

# shellcheck source=modules.d/90powernode/powernode-lib.sh
. /usr/lib/powernode/lib.sh

pn_image=/powernode/root.erofs
pn_size=$(getarg powernode.root.size=)
pn_digest=$(getarg powernode.root.fsverity=)

case $pn_size in
'' | *[!0-9]*) pn_fail "the kernel command line has no usable powernode.root.size" "found: '$pn_size'" ;;
esac
pn_is_digest "$pn_digest" || pn_fail "the kernel command line has no usable powernode.root.fsverity" "found: '$pn_digest'"
[ -f "$pn_image" ] || pn_fail "there is no root image" "expected: $pn_image in the initramfs"

pn_say "verifying $pn_image, $pn_size bytes"
pn_verify "$pn_image" "$pn_size" "$pn_digest"
pn_say "root image verified: $pn_computed"

# a tmpfs of its own: the writable layer must not share /run's size limit
mkdir -p "$POWERNODE_RUN"
mount -t tmpfs -o mode=0755,nosuid,nodev powernode "$POWERNODE_RUN"
mkdir -p "$POWERNODE_RUN/lower" "$POWERNODE_RUN/upper" "$POWERNODE_RUN/work"
mount -t erofs -o ro,loop "$pn_image" "$POWERNODE_RUN/lower" ||
	pn_fail "the root image cannot be mounted" "file: $pn_image"
# NEWROOT is dracut's
# shellcheck disable=SC2154
mount -t overlay \
	-o "lowerdir=$POWERNODE_RUN/lower,upperdir=$POWERNODE_RUN/upper,workdir=$POWERNODE_RUN/work" \
	powernode-root "$NEWROOT" || pn_fail "the overlay root cannot be mounted"

printf 'root_fsverity=%s\nroot_size=%s\nroot_backing=embedded:%s\n' \
	"$pn_computed" "$pn_size" "$pn_image" >"$POWERNODE_RUN/root"

if getargbool 1 powernode.boot; then
	pn_claim_identity "$NEWROOT"
else
	pn_say "powernode.boot=0: recovery, no identity is claimed and the agent does not start"
fi
