#!/bin/sh
# Functions of the Powernode initramfs for a root image that lies on a partition. Sourced after powernode-lib.sh.

POWERNODE_SYS_BLOCK=/sys/class/block
POWERNODE_DEV=/dev
# how long a disk may take to appear: spinning disks and slow firmware included
POWERNODE_DISK_SECONDS=90

# pn_uptime: whole seconds since the kernel started
pn_uptime() {
	read -r pn_up _ </proc/uptime
	echo "${pn_up%%.*}"
}

# pn_partitions GLOB NAME: kernel names of the partitions below GLOB whose GPT name is NAME, one a line
pn_partitions() {
	# the glob is to be expanded
	# shellcheck disable=SC2231
	for pn_uevent in $1/uevent; do
		grep -qxF "PARTNAME=$2" "$pn_uevent" 2>/dev/null || continue
		pn_folder=${pn_uevent%/uevent}
		echo "${pn_folder##*/}"
	done
}

# pn_partuuid DEVICE: GUID of a partition, in lower case, read from its disk's table
pn_partuuid() {
	blkid -p -s PART_ENTRY_UUID -o value "$POWERNODE_DEV/$1"
}

# pn_root_partitions PARTUUID: kernel names of the partitions that may hold the root image: called powernode-root, and
# with this GUID if one is given. Several are copies of one disk.
pn_root_partitions() {
	pn_partitions "$POWERNODE_SYS_BLOCK/*" powernode-root | while read -r pn_name; do
		if [ -z "$1" ] || [ "$(pn_partuuid "$pn_name")" = "$1" ]; then
			echo "$pn_name"
		fi
	done
}

# pn_root_appeared DEADLINE PARTUUID: is there something to verify, or no time left to wait for it?
pn_root_appeared() {
	[ -n "$(pn_root_partitions "$2")" ] || [ "$(pn_uptime)" -ge "$1" ]
}

# pn_octal_le64 NUMBER: 8 bytes, least significant first, as octal escapes of printf
pn_octal_le64() {
	pn_number=$1
	for _ in 1 2 3 4 5 6 7 8; do
		printf '\\%03o' $((pn_number & 255))
		pn_number=$((pn_number >> 8))
	done
}

# pn_octal_hex HEX: the bytes of an even number of hexadecimal digits as octal escapes of printf
pn_octal_hex() {
	pn_hex=$1
	while [ -n "$pn_hex" ]; do
		pn_rest=${pn_hex#??}
		printf '\\%03o' "0x${pn_hex%"$pn_rest"}"
		pn_hex=$pn_rest
	done
}

# pn_descriptor SIZE ROOT_HASH: struct fsverity_descriptor (kernel Documentation/filesystems/fsverity.rst): version 1,
# SHA-256, 2^12-byte blocks, no salt, no signature; 256 bytes
pn_descriptor() {
	printf '\001\001\014\000\000\000\000\000'
	# both are octal escapes, meant to be read as a format
	# shellcheck disable=SC2059
	printf "$(pn_octal_le64 "$1")$(pn_octal_hex "$2")"
	head -c 208 /dev/zero
}

# pn_measure DEVICE SIZE: sets pn_computed to the fs-verity digest of the first SIZE bytes, a multiple of 4096.
# fsverity takes the size of a device for 0; dm-verity's tree without a salt is the same tree (docs/adr/0005).
pn_measure() {
	pn_tree=$POWERNODE_RUN/tree
	rm -f "$pn_tree" "$pn_tree.root"
	veritysetup format --no-superblock --format=1 --hash=sha256 --salt=- \
		--data-block-size=4096 --hash-block-size=4096 --data-blocks=$(($2 / 4096)) \
		--root-hash-file="$pn_tree.root" "$1" "$pn_tree" >/dev/null || return 1
	pn_root_hash=$(cat "$pn_tree.root")
	rm -f "$pn_tree" "$pn_tree.root"
	pn_is_digest "sha256:$pn_root_hash" || return 1
	pn_computed=$(pn_descriptor "$2" "$pn_root_hash" | sha256sum)
	pn_computed=sha256:${pn_computed%% *}
}

# pn_find_root SIZE DIGEST PARTUUID: refuses to boot unless a root partition holds SIZE bytes with the fs-verity digest
# DIGEST; sets pn_device to its kernel name and pn_computed to the digest found
pn_find_root() {
	[ $(($1 % 4096)) -eq 0 ] || pn_fail "powernode.root.size is no multiple of 4096" "found: $1"
	pn_found=$(pn_root_partitions "$3")
	[ -n "$pn_found" ] || pn_fail "no disk has the root image" \
		"expected: a GPT partition powernode-root${3:+ with PARTUUID $3}, within $POWERNODE_DISK_SECONDS s" \
		"found:    $(pn_root_partitions '' | tr '\n' ' ')"
	pn_seen=
	for pn_device in $pn_found; do
		pn_node=$POWERNODE_DEV/$pn_device
		pn_say "verifying $pn_node, $1 bytes"
		pn_capacity=$(($(cat "$POWERNODE_SYS_BLOCK/$pn_device/size") * 512))
		if [ "$pn_capacity" -lt "$1" ]; then
			pn_seen="$pn_seen; $pn_node has only $pn_capacity bytes"
		elif ! pn_measure "$pn_node" "$1"; then
			pn_seen="$pn_seen; $pn_node cannot be read"
		elif [ "$pn_computed" = "$2" ]; then
			return 0
		else
			pn_seen="$pn_seen; $pn_computed over $1 bytes of $pn_node"
		fi
	done
	pn_fail "the root image is not the one this boot was told to run" \
		"expected: $2 (powernode.root.fsverity)" "computed: ${pn_seen#; }"
}

# pn_persist_beside DEVICE: kernel name of the partition persist on the same disk as the partition DEVICE
pn_persist_beside() {
	pn_partitions "$(readlink -f "$POWERNODE_SYS_BLOCK/$1/..")/*" persist | head -n 1
}
