# lib.sh - sourced by the scripts of this directory (inside the guest)
set -euo pipefail
export LC_ALL=C
E2E=${E2E:-/root/e2e}                      # keys, facts, timings
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
POOL=${POOL:-tank}
ENC=$POOL/enc
mkdir -p "$E2E/facts"

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
exists() { zfs list -H -o name "$1" >/dev/null 2>&1; }
has_snap() { zfs list -H -t snapshot -o name "$1" >/dev/null 2>&1; }
child() { if exists $ENC/kid; then echo $ENC/kid; else echo $ENC/child; fi; }      # child until step 5, then kid

# timed NAME COMMAND...: runs it, writes "script  name  seconds" to timings.tsv and stderr
timed() {
  local name=$1 t0 t1 rc=0; shift
  t0=${EPOCHREALTIME/./}; "$@" || rc=$?; t1=${EPOCHREALTIME/./}
  local us=$((t1 - t0)); local s; s=$(printf '%d.%03d' $((us / 1000000)) $((us / 1000 % 1000)))
  printf '%s\t%s\t%s\n' "$(basename "$0")${STEP:+ $STEP}" "$name" "$s" >> "$E2E/timings.tsv"
  say "  $s s  $name"
  return $rc
}

# dev PATH: waits until udev has made the node
dev() {
  local i; for i in $(seq 100); do [ -b "$1" ] && { echo "$1"; return 0; }; [ $((i % 20)) = 0 ] && udevadm trigger --subsystem-match=block 2>/dev/null || true; sleep 0.1; done
  die "no device $1"
}
