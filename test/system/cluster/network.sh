#!/bin/sh
# network.sh - the network of a node, inside its namespaces. Each pod has a wire of its own to the node, which routes
# between them, so that it sees and may filter every packet; there is no way out.
set -eu

# nothing here needs IPv6, and link-local addresses would lead around what filters IPv4
for scope in default all; do
	[ ! -e /proc/sys/net/ipv6 ] || echo 1 >"/proc/sys/net/ipv6/conf/$scope/disable_ipv6"
	echo 1 >"/proc/sys/net/ipv4/conf/$scope/rp_filter" # no pod sends with the address of another
done
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
ip address add 10.96.0.1/32 dev lo # the service "kubernetes": the API server itself listens there
ip link add node type bridge
ip address add 10.244.0.1/32 dev node
ip address add 10.244.0.2/32 dev node # of the second node, if there is one
ip link set node up
ip route add default dev node # the kubelet wants a default route; this one leads nowhere
