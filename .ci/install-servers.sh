#!/usr/bin/env bash
# nginx and systemd from Debian's packages, for tests that follow docs/runbooks. Does nothing where they are there.
set -euo pipefail
if [ -x /usr/sbin/nginx ] && [ -x /usr/bin/systemd-analyze ]; then
  exit 0
fi
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
# The package would serve a page of its own on port 80; nobody here needs that.
masked=/etc/systemd/system/nginx.service
[ -e "$masked" ] || "${as_root[@]}" ln -s /dev/null "$masked"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx systemd
