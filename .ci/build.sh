#!/bin/sh
# ARCH=amd64 VARIANT=kernel-initrd npm run build [-- OPTION...] - sets up this machine, then builds one artifact.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh
exec sh .ci/as-root.sh node_modules/.bin/node controller/main.ts build "$@"
