#!/bin/bash
# night-pools.sh make      pool tank: an encrypted tree with a child and a volume (tank/home), and one that is not (tank/pub);
#                          pool vault, mounted at /mnt/backup: the disk of the repository
# night-pools.sh change    writes, overwrites and removes something in all of them
# night-pools.sh hashes    SHA-256 of every file and of the volume
set -euo pipefail
export LC_ALL=C
volume=/dev/zvol/tank/home/vol
ready() { for _ in $(seq 100); do [ -b $volume ] && return; udevadm trigger --subsystem-match=block; sleep 0.2; done; echo "no $volume" >&2; exit 1; }
case $1 in
make)
  for p in tank vault; do while zpool list $p > /dev/null 2>&1 && ! zpool destroy -f $p; do sleep 0.5; done; rm -f /$p.img; truncate -s 512M /$p.img; done
  zpool create -O atime=off tank /tank.img
  zpool create -O mountpoint=/mnt/backup vault /vault.img
  printf 'correct horse battery' > /root/pass
  chmod 600 /root/pass
  zfs create -o encryption=on -o keyformat=passphrase -o keylocation=file:///root/pass -o pbkdf2iters=100000 tank/home
  zfs create -o compression=off -o recordsize=16K tank/home/kid
  zfs create -s -V 8M tank/home/vol
  zfs create tank/pub
  ready
  mkdir -p "/tank/home/a folder/below" /tank/home/kid/many
  head -c 3000000 /dev/urandom > /tank/home/large
  for i in $(seq 20); do head -c $((i * 3777)) /dev/urandom > "/tank/home/kid/many/$i"; done
  echo 'sparse' > /tank/home/sparse; truncate -s 5M /tank/home/sparse
  echo 'a line' > "/tank/home/a folder/below/$(printf 'new\nline')"
  seq 100000 > /tank/pub/numbers
  head -c 200000 /dev/urandom | dd of=$volume bs=4096 conv=notrunc,fsync status=none ;;
change)
  ready
  head -c 50000 /dev/urandom | dd of=/tank/home/large bs=1000 seek=777 conv=notrunc status=none
  head -c 123456 /dev/urandom > "/tank/home/a folder/$(date +%s%N)"
  rm "$(find /tank/home/kid/many -type f | sort | head -n 1)"
  date +%s%N >> /tank/home/kid/log
  date +%s%N >> /tank/pub/numbers
  head -c 40000 /dev/urandom | dd of=$volume bs=4096 seek=100 conv=notrunc,fsync status=none ;;
hashes)
  ready
  cd /tank
  find home pub -type f -print0 | sort -z | xargs -0 sha256sum
  sha256sum $volume ;;
esac
