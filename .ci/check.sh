#!/bin/sh
# npm run check - sets up this machine, then every static check, all of them even if one fails. Ends with a plain line of counts.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh test
export PATH="$PWD/node_modules/.bin:$PATH" NO_COLOR=1

passed=0 failed=0
check() {
	printf '+ %s\n' "$*"
	if "$@"; then
		passed=$((passed + 1))
	else
		printf 'imgrel: check failed: %s\n' "$1" >&2
		failed=$((failed + 1))
	fi
}

scripts=$(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)

check tsc --noEmit -p .
check oxlint
check biome ci --colors=off .
check knip --no-config-hints
# shellcheck disable=SC2086 # a list of paths without blanks
check shellcheck $scripts
# shellcheck disable=SC2086 # the same list
check shfmt -d $scripts

[ -z "${IMGREL_TALLY-}" ] || echo "$passed $failed 0" >"$IMGREL_TALLY"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
