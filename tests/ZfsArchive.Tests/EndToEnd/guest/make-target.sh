#!/bin/bash
# make-target.sh [--again]   pool vault on the file /vault.img (512 MiB, sparse), nothing in it
. "$(dirname "$0")/lib.sh"
IMG=${VAULT_IMG:-/vault.img}
if [ "${1:-}" = --again ]; then zpool destroy -f vault 2>/dev/null || true; rm -f "$IMG"; fi
mk() { truncate -s 512M "$IMG"; zpool create -O mountpoint=/vault vault "$IMG"; }
timed 'zpool create vault' mk
