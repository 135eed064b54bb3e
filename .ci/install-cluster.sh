#!/usr/bin/env bash
# What a test cluster needs of Debian's packages (docs/test-cluster.md). Does nothing where it is there.
set -euo pipefail
needed=(/usr/bin/etcd /usr/bin/containerd /usr/sbin/runc /usr/lib/cni/bridge /sbin/ip)
missing=false
for file in "${needed[@]}"; do [ -e "$file" ] || missing=true; done
$missing || exit 0
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
# The packages would start an etcd and a containerd of their own; nobody here needs those.
for service in etcd containerd; do
  masked=/etc/systemd/system/$service.service
  [ -e "$masked" ] || "${as_root[@]}" ln -s /dev/null "$masked"
done
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
  etcd-server iproute2 containerd runc containernetworking-plugins
