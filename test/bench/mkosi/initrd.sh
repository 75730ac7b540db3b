#!/bin/sh
# mkosi.postinst.chroot: puts an initrd where mkosi looks for one before it makes its own, by the target's dracut.
set -eu
mkdir -p "$ARTIFACTDIR/io.mkosi.initrd"
for modules in /usr/lib/modules/*; do
	dracut --force --conf /dev/null --confdir /work/src/dracut.conf.d --no-compress --kver "${modules##*/}" \
		"$ARTIFACTDIR/io.mkosi.initrd/initrd"
done
