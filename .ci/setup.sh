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
		openssh-client   git signs commits of records, and checks them, with ssh-keygen
		util-linux       unshare and pivot_root make a sandbox
	TABLE
}
test_packages() {
	cat <<-'TABLE'
		openssl          makes the certificate of a test's registry
		shellcheck       lints the shell scripts
		shfmt            checks the format of the shell scripts
	TABLE
}

names=$(run_packages | cut -d ' ' -f 1)
[ "${1-}" != test ] || names="$names $(test_packages | cut -d ' ' -f 1)"
# shellcheck disable=SC2086 # a list of package names
sh .ci/packages.sh $names
sh .ci/node.sh
