#!/bin/bash
# step.sh N   N = 1..6, in order. Between them the archiver runs (marked ARCHIVE).
#   1  fills everything                                                    snapshot s1   ARCHIVE
#   2  changes; s2; clone tank/enc/clone of tank/enc/child@s2              snapshot s2   ARCHIVE
#   3  changes (clone too); s3, a few bytes, s4 in the same second         s3 and s4     ARCHIVE
#   4  no snapshot: bookmark #s4 kept, base s4 (and s1) destroyed; tank/enc/child -> tank/enc/kid
#                                                                          (ARCHIVE must say: nothing new)
#   5  changes, kid with recordsize=1M from here                           snapshot s5   ARCHIVE (base is a bookmark)
#   6  zfs change-key (pass1 -> pass2), changes                            snapshot s6   ARCHIVE
# Facts of every data set at every snapshot go to $E2E/facts/<enc|child|vol|clone>@sN, before the first of them is destroyed and at the end.
# Times go to $E2E/timings.tsv
. "$(dirname "$0")/lib.sh"
STEP=${1:?step number}
VOL=/dev/zvol/$ENC/vol

change() {   # in all file systems and the zvol
  timed "change enc" python3 "$HERE/mutate.py" fs "/$ENC" enc "$1"
  timed "change child" python3 "$HERE/mutate.py" fs "/$(child)" child "$1"
  if exists $ENC/clone; then timed "change clone" python3 "$HERE/mutate.py" fs "/$ENC/clone" clone "$1"; fi
  timed "change vol" python3 "$HERE/mutate.py" vol "$(dev $VOL)" "$1"
}
snap() { timed "snapshot -r @$1" zfs snapshot -r "$ENC@$1"; }
facts() { timed "facts $*" "$HERE/facts.py" save "$E2E/facts" "$ENC" "$@"; }
need() { has_snap "$ENC@$1" || exists_bm "$ENC" "$1" || die "step $STEP needs $1 first"; }
exists_bm() { zfs list -H -t bookmark -o name "$1#$2" >/dev/null 2>&1; }

case $STEP in
1) has_snap $ENC@s1 && die "done already"; change 1; snap s1 ;;
2) need s1; has_snap $ENC@s2 && die "done already"; change 2; snap s2
   timed 'clone' zfs clone $ENC/child@s2 $ENC/clone ;;
3) need s2; has_snap $ENC@s3 && die "done already"; change 3; zpool sync $POOL
   # s3 and s4 in one second: begin just after a full second, try again when a data set fell out of it
   pair() {
     local try
     for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
       while us=${EPOCHREALTIME#*.}; [ "$us" \> 060000 ]; do sleep 0.02; done
       zfs snapshot -r $ENC@s3
       for d in $ENC $ENC/child $ENC/clone; do printf 'between s3 and s4\n' > /$d/s4-only; done
       printf 'between' | dd of=$VOL bs=4096 seek=3 conv=notrunc,sync,fsync status=none
       zfs snapshot -r $ENC@s4
       [ "$(zfs list -H -p -r -t snapshot -o name,creation $ENC | grep '@s[34]' | cut -f2 | sort -u | wc -l)" = 1 ] && { say "  s3 and s4 in one second (try $try)"; return 0; }
       zfs destroy -r $ENC@s4; zfs destroy -r $ENC@s3; for d in $ENC $ENC/child $ENC/clone; do rm /$d/s4-only; done
     done
     die 'the guest is too slow for two snapshots in one second'
   }
   timed 's3 and s4' pair ;;
4) need s4; exists_bm $ENC s4 && die "done already"
   base() {   # an archiver may have held its base: the holds are shown and released, as an administrator would
     local d h
     for d in $ENC $ENC/child $ENC/vol $ENC/clone; do
       zfs bookmark $d@s4 $d#s4
       for s in s4 s1; do
         has_snap $d@$s || continue
         zfs holds -H $d@$s | cut -f2 | while read -r h; do say "  releasing hold $h on $d@$s"; zfs release "$h" $d@$s; done
         zfs destroy $d@$s
       done
     done; }
   facts s1 s2 s3 s4
   timed 'bookmark #s4, destroy s4, s1' base
   timed 'rename child kid' zfs rename $ENC/child $ENC/kid ;;
5) exists_bm $ENC s4 || die "step 5 needs step 4"; has_snap $ENC@s5 && die "done already"
   zfs set recordsize=1M $ENC/kid; change 5; snap s5 ;;
6) need s5; has_snap $ENC@s6 && die "done already"
   timed 'change-key' zfs change-key -o keylocation="file://$E2E/pass2" $ENC
   change 6; snap s6; facts s5 s6 ;;
*) die "step 1..6" ;;
esac
zfs list -H -p -r -t snapshot,bookmark -o name,guid,createtxg,creation $ENC
