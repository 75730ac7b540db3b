#!/bin/sh
# nowhere - a CNI plugin (CNI spec 0.4.0) for pods of the RuntimeClass nonet. Both ends of the pod's only interface are
# inside the pod, so it leads nowhere, whatever is sent: there is an address, as the runtime demands, but no peer, no
# route and no link-local neighbour.
set -eu
address=192.0.2.1/32

case $CNI_COMMAND in
ADD)
	cat >/dev/null # the network's configuration, in which nothing is open
	# shellcheck disable=SC2016 # expanded by the inner shell
	nsenter --net="$CNI_NETNS" sh -euc '
		ip link add "$1" type veth peer name nowhere
		ip address add "$2" dev "$1"
		ip link set nowhere up
		ip link set "$1" up
	' sh "$CNI_IFNAME" "$address"
	cat <<-RESULT
		{"cniVersion": "0.4.0",
		 "interfaces": [{"name": "$CNI_IFNAME", "sandbox": "$CNI_NETNS"}],
		 "ips": [{"version": "4", "address": "$address", "interface": 0}]}
	RESULT
	;;
DEL | CHECK) ;; # the interface ends with the pod's network namespace
VERSION) echo '{"cniVersion": "0.4.0", "supportedVersions": ["0.4.0"]}' ;;
*)
	echo '{"cniVersion": "0.4.0", "code": 4, "msg": "CNI_COMMAND is none of the specification"}'
	exit 1
	;;
esac
