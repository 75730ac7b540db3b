#!/bin/sh
# npm start [-- OPTION...] - sets up this machine, then releases specs/demo on it: lock, fetch, build, boot.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh
set -- controller/main.ts run --spec specs/demo --class deploy/local/class.yaml \
	--source deploy/local/source.yaml --state-dir .imgrel "$@"
exec sh .ci/as-root.sh node_modules/.bin/node "$@"
