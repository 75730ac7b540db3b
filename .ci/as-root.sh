#!/bin/sh
# as-root.sh COMMAND [ARGUMENT]... - runs a command as root, through sudo if need be: a sandbox needs namespaces and
# device nodes. The command keeps the variables named here; everything else of the caller's environment is sudo's choice.
set -eu

[ "$(id -u)" -ne 0 ] || exec "$@"
if ! command -v sudo >/dev/null; then
	echo 'imgrel: building needs root (namespaces, device nodes) and there is no sudo: run this as root' >&2
	exit 4
fi
printf 'imgrel: building needs root (namespaces, device nodes); under sudo: %s\n' "$*"
for name in ARCH VARIANT CI NO_COLOR FORCE_COLOR XDG_CACHE_HOME IMGREL_TALLY http_proxy https_proxy no_proxy \
	NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR GOPROXY GOSUMDB GONOSUMDB GOPRIVATE; do
	eval "value=\${$name-}"
	[ -z "$value" ] || set -- "$name=$value" "$@"
done
exec sudo env "$@"
