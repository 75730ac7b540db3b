#!/bin/sh
# npm run cluster:up | cluster:down - sets up this machine, then starts or ends a test cluster (docs/test-cluster.md).
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh test
exec sh .ci/as-root.sh node_modules/.bin/node test/system/cluster/main.ts "$@"
