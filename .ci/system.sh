#!/bin/sh
# npm run test:system [-- --all] [-- --budget SECONDS] - the system tests, shard by shard (docs/CONTRIBUTING.md).
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh test
node=node_modules/.bin/node
needed=$("$node" test/system/run.ts --packages)
# shellcheck disable=SC2086 # a list of package names
sh .ci/packages.sh $needed
exec sh .ci/as-root.sh "$node" test/system/run.ts "$@"
