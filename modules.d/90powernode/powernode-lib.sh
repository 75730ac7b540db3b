#!/bin/sh
# Functions of the Powernode initramfs. Sourced by the hooks; also by tests, so nothing here runs on its own.

POWERNODE_RUN=/run/powernode

# pn_say TEXT...: one line on the console
pn_say() {
	echo "powernode: $*" >/dev/console
}

# pn_fail TITLE [LINE]...: a banner with what failed, then dracut's emergency shell, whose end powers the machine
# off; the boot never goes on
pn_fail() {
	{
		echo
		echo "powernode: ============================================================"
		echo "powernode: BOOT REFUSED: $1"
		shift
		for pn_line; do
			echo "powernode:   $pn_line"
		done
		echo "powernode: The root was not mounted. This is the emergency shell."
		echo "powernode: ============================================================"
	} >/dev/console
	# not dracut's die: without rd.shell it ends init, and the kernel panics
	mkdir -p /run/initramfs
	: >/run/initramfs/.die # leaving the shell powers the machine off
	while :; do
		emergency_shell -n powernode "powernode: boot refused"
	done
}

# pn_is_digest TEXT: is it sha256: and 64 hexadecimal digits?
pn_is_digest() {
	case $1 in sha256:*) ;; *) return 1 ;; esac
	pn_hex=${1#sha256:}
	case $pn_hex in *[!0-9a-f]*) return 1 ;; esac
	[ ${#pn_hex} -eq 64 ]
}

# pn_uuid: prints the UUID on the first line of standard input in lower case, or fails
pn_uuid() {
	IFS= read -r pn_line || [ -n "$pn_line" ] || return 1
	echo "$pn_line" | tr 'A-F' 'a-f' |
		grep -E '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
}

# pn_claim_identity ROOT: writes instance_uuid and its source to $POWERNODE_RUN/identity. First success wins:
# virtio fw-cfg, then /etc/powernode/local-id of the initramfs, then that of the mounted root.
pn_claim_identity() {
	pn_fw=/sys/firmware/qemu_fw_cfg/by_name/opt/com.powernode/instance_uuid/raw
	for pn_source in "fw-cfg $pn_fw" "local-id /etc/powernode/local-id" "local-id $1/etc/powernode/local-id"; do
		pn_file=${pn_source#* }
		[ -r "$pn_file" ] || continue
		if pn_value=$(pn_uuid <"$pn_file"); then
			printf 'instance_uuid=%s\nidentity_source=%s\n' "$pn_value" "${pn_source%% *}" >"$POWERNODE_RUN/identity"
			pn_say "identity $pn_value from ${pn_source%% *}"
			return 0
		fi
		pn_say "no UUID on the first line of $pn_file: passed over"
	done
	printf 'instance_uuid=none\nidentity_source=none\n' >"$POWERNODE_RUN/identity"
	pn_say "no identity from fw-cfg or local-id: the agent claims its own"
}

# pn_verify FILE SIZE DIGEST: refuses to boot unless FILE has SIZE bytes and the fs-verity digest DIGEST (sha256,
# 4096-byte blocks, no salt); sets pn_computed to the digest found
pn_verify() {
	pn_actual_size=$(stat -c %s "$1")
	[ "$pn_actual_size" = "$2" ] || pn_fail "the root image has the wrong size" \
		"expected: $2 bytes (powernode.root.size)" "found:    $pn_actual_size bytes in $1"
	pn_computed=$(fsverity digest --compact --hash-alg=sha256 --block-size=4096 "$1") ||
		pn_fail "the root image cannot be read" "file: $1"
	pn_computed=sha256:$pn_computed
	[ "$pn_computed" = "$3" ] || pn_fail "the root image is not the one this boot was told to run" \
		"expected: $3 (powernode.root.fsverity)" "computed: $pn_computed over $2 bytes of $1"
}
