#!/bin/sh
# npm run images [-- OPTION...] - sets up this machine, then makes the images of controller, builder and boot.
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh
exec sh .ci/as-root.sh node_modules/.bin/node controller/main.ts images "$@"
