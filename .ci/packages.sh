#!/bin/sh
# packages.sh NAME... - makes sure that these Debian packages are installed. Silent if they are.
set -eu

fail() {
	printf 'imgrel: %s\n' "$1" >&2
	exit 4
}

missing=
for name in "$@"; do
	status=$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) || status=unknown
	[ "$status" = installed ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || fail "these Debian packages are missing and there is no apt-get:$missing"
if [ "$(id -u)" -eq 0 ]; then
	set -- env
elif command -v sudo >/dev/null; then
	set -- sudo env
else
	fail "these Debian packages are missing; as root, run: apt-get install$missing"
fi
set -- "$@" DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get -q -y -o DPkg::Lock::Timeout=300

printf '+ apt-get install%s\n' "$missing"
"$@" update >/dev/null || fail "apt-get update failed: repair this machine's package sources and run it again"
# shellcheck disable=SC2086 # a list of package names
"$@" install --no-install-recommends $missing >/dev/null </dev/null ||
	fail "apt-get could not install$missing: if a package is unknown, enable the archive component that has it"
