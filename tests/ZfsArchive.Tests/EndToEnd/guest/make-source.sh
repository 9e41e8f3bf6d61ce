#!/bin/bash
# make-source.sh - the source of the end-to-end test. Makes, with no snapshot yet:
#   pool tank on the file /tank.img (512 MiB, sparse)
#   tank/enc        encrypted, passphrase in $E2E/pass1 (keylocation file:///root/e2e/pass1)
#   tank/enc/child  inherits the key; small records, zstd, xattrs in directories
#   tank/enc/vol    16 MiB sparse zvol, inherits the key
#   tank/plain      not encrypted (for the archiver's refusal or its non-raw way)
# tank/enc/clone is made by step 2, from tank/enc/child@s2.
# Again from nothing: make-source.sh --again (destroys pool tank on /tank.img)
. "$(dirname "$0")/lib.sh"
IMG=${IMG:-/tank.img}
if [ "${1:-}" = --again ]; then zpool destroy -f "$POOL" 2>/dev/null || true; rm -f "$IMG" "$E2E"/facts/* "$E2E"/timings.tsv; fi
zpool list -H "$POOL" >/dev/null 2>&1 && die "pool $POOL is there already (use --again)"
printf %s 'correct horse battery staple' > "$E2E/pass1"
printf %s 'an entirely different phrase' > "$E2E/pass2"
chmod 600 "$E2E"/pass?
pool() { truncate -s 512M "$IMG"; zpool create -O mountpoint=/"$POOL" -O atime=off "$POOL" "$IMG"; }
enc() { zfs create -o encryption=aes-256-gcm -o keyformat=passphrase -o keylocation="file://$E2E/pass1" -o pbkdf2iters=100000 \
          -o compression=lz4 -o xattr=sa -o dnodesize=auto -o acltype=posix "$ENC"; }
timed 'zpool create' pool
timed 'create enc' enc
timed 'create enc/child' zfs create -o compression=zstd -o recordsize=16K -o xattr=dir -o e2e:note='a user property' "$ENC/child"
timed 'create enc/vol' zfs create -s -V 16M "$ENC/vol"
timed 'create plain' zfs create "$POOL/plain"
dev /dev/zvol/"$ENC"/vol >/dev/null
zfs list -r -o name,type,encryption,encryptionroot,keystatus,mountpoint "$POOL"
