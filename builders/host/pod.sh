#!/bin/sh
# pod.sh UMASK OWNER CPU|all PROGRAM [ARGUMENT]...
# Started in a build pod as uid 0 with a build's rights, where a sandbox would have done the same (sandbox.sh): empties
# what an attempt that was taken away left in the run's volume, makes the work folder, and runs PROGRAM with this umask
# and, if CPU is a number, on one CPU alone: the one that comes so many after the first that the pod may use.
set -eu

mask=$1 owner=$2 cpu=$3
shift 3
work=${IMGREL_WORK:-/w}

find "$work/out" "$work/logs" -mindepth 1 -delete
mkdir -p "$work/tmp"
for folder in "$work" "$work/tmp" "$work/out" "$work/logs"; do
	chown "$owner:$owner" "$folder"
	chmod 0755 "$folder"
done

if [ "$cpu" != all ]; then
	allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr ',' '\n' | while IFS=- read -r first last; do
		seq "$first" "${last:-$first}"
	done)
	count=$(echo "$allowed" | wc -l)
	chosen=$(echo "$allowed" | sed -n "$((cpu % count + 1))p")
	set -- taskset --cpu-list "$chosen" "$@"
fi

cd "$work"
umask "$mask"
exec "$@"
