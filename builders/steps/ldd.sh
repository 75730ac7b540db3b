#!/bin/sh
# Stands in for ldd(1) where the target's programs cannot or must not be run: prints what library-closures.ts found out
# beforehand. dracut-install calls it through DRACUT_LDD with one path, the sysroot's folder included.
#   LDD_ROOT   the sysroot     LDD_INDEX   the index folder
set -eu
: "${LDD_ROOT:?is not set: name the target root}" "${LDD_INDEX:?is not set: name the library index}"
index=$LDD_INDEX${1#"$LDD_ROOT"}.ldd
if [ -f "$index" ]; then
	exec cat "$index"
fi
printf '\tnot a dynamic executable\n'
exit 1
