#!/bin/bash
# between.sh COMMAND...   stands before the commands that the archiver runs (--zfs "ssh://root@zfs-vm /root/guest/between.sh")
# and lets one thing happen, once, when a file of its name is in /root/happens:
#   send-dies      a zfs send is killed in the middle
#   send-stalls    a zfs send stops in the middle (after as many bytes as the file says) for some seconds, when the file
#                  /root/happens/stalled appears
#   receive-dies   a zfs receive is killed in the middle
#   received       the file is a script, run after a zfs receive has ended
H=/root/happens
once() { [ -e "$H/$1" ] && mv "$H/$1" "$H/last"; }
case "$1 $2" in
'zfs send')
  if once send-dies; then "$@" | { head -c 300000; pkill -f '^zfs send'; cat; }; exit "${PIPESTATUS[0]}"; fi
  if once send-stalls; then
    n=$(cat $H/last)
    "$@" | { head -c "${n:-300000}"; touch $H/stalled; sleep 5; cat; }; exit "${PIPESTATUS[0]}"
  fi ;;
'zfs receive')
  if once receive-dies; then { head -c 1500000; sleep 1; pkill -f '^zfs receive'; } | "$@"; exit "${PIPESTATUS[1]}"; fi
  "$@"; rc=$?
  [ "$3" != -A ] || exit $rc
  if once received; then bash -eu $H/last > $H/log 2>&1 || rc=99; fi
  exit $rc ;;
esac
exec "$@"
