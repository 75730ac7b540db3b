#!/bin/sh
# mkosi.finalize: compresses the initrd as imgrel does. The target has no zstd; this runs with mkosi's own tools.
set -eu
zstd -q -3 -T1 --rm "$ARTIFACTDIR/io.mkosi.initrd/initrd"
