#!/bin/sh
# exec.sh [--name NAME] [--] COMMAND [ARGUMENT]... - runs a command of this machine in the network of a test cluster,
# with kubectl in its PATH and KUBECONFIG set. The cluster's end is its end too.
set -eu

fail() {
	printf 'error: %s\n  → %s\n' "$1" "$2" >&2
	exit "$3"
}

name=default
case ${1-} in
--help)
	echo 'usage: npm run cluster:exec -- [--name NAME] [--] COMMAND [ARGUMENT]...'
	exit 0
	;;
--name)
	name=${2-}
	[ $# -lt 2 ] || shift 2
	;;
esac
[ "${1-}" != -- ] || shift
[ $# -gt 0 ] || fail 'there is no command to run' 'write: npm run cluster:exec -- kubectl get pods' 2

state=${XDG_CACHE_HOME:-$HOME/.cache}/imgrel/clusters/$name
pid=$(cat "$state/init.pid" 2>/dev/null) || pid=none
grep -qsz "^IMGREL_CLUSTER=$state\$" "/proc/$pid/environ" ||
	fail "there is no test cluster '$name'" "start it: npm run cluster:up -- --name $name" 4

export IMGREL_CLUSTER="$state" KUBECONFIG="$state/etc/admin.kubeconfig" PATH="$state/bin:$PATH"
exec nsenter --net="/proc/$pid/ns/net" -- "$@"
