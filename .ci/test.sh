#!/bin/sh
# npm test - sets up this machine; static checks, unit and integration tests, then one real build and boot.
# Ends with a plain line: checks and tests added up.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh test

tally=$(mktemp -d)
trap 'rm -rf "$tally"' EXIT

# part NAME COMMAND... : the command leaves its counts in $tally/NAME; no counts, or none that tell of its failure,
# are one failure
part() {
	export IMGREL_TALLY="$tally/$1"
	shift
	printf '+ %s\n' "$*"
	result=0
	"$@" || result=$?
	read -r passed failed skipped 2>/dev/null <"$IMGREL_TALLY" || passed=0 failed=0 skipped=0
	[ "$result" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	rm -f "$IMGREL_TALLY" # root may have written it
	echo "$passed $failed $skipped" >"$IMGREL_TALLY"
}

part checks sh .ci/check.sh
# the native loader reads vitest.config.ts without leaving a compiled copy in node_modules
set -- node_modules/.bin/node node_modules/vitest/vitest.mjs run --configLoader native --project
part unit "$@" unit
part integration sh .ci/as-root.sh "$@" integration
part smoke sh .ci/as-root.sh "$@" smoke

cat "$tally"/* | awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }'
