#!/bin/sh
# prepare-target.sh ROOT OPTION... - mmdebstrap's hook between unpacking the essential packages and installing them.
# dpkg gets the options by a file: by mmdebstrap's --dpkgopt, each essential package would be unpacked through a Python
# program. What they exclude is removed, and dpkg makes anew what they include.
# /imgrel, which scripts of packages search first and which does not stay, has programs that save work done twice.
set -eu
root=$1
shift

printf '%s\n' "$@" >"$root/etc/dpkg/dpkg.cfg.d/imgrel"
for option; do
	pattern=${option#path-exclude=}
	# shellcheck disable=SC2086 # the shell knows the pattern as dpkg does
	[ "$pattern" = "$option" ] || rm -rf "$root"$pattern
done

# mmdebstrap has copied the builder's own: a pod has them, a sandbox has none, and a package may keep what it finds
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"

program() {
	mkdir -p "$root/imgrel"
	cat >"$root/imgrel/$1"
	chmod 755 "$root/imgrel/$1"
}

# early-depmod.ts runs it, beside the configuration
program depmod <<'SCRIPT'
#!/bin/sh
SCRIPT

# ca-certificates runs it without hooks when it is configured, and then as its own trigger, which does all
program update-ca-certificates <<'SCRIPT'
#!/bin/sh
[ "$1" = --hooksdir ] || exec /usr/sbin/update-ca-certificates "$@"
SCRIPT
