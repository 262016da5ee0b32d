# Put what is kept back in its place, and keep the other in turn; go on where that was cut.
#   back.sh DATA_DIRECTORY
set -e
# There already; what is left is to start it.
test ! -e "$0/labdb-taken-back" || test -e "$0.undone" || exit 0
# A restored directory that never opened holds nothing of its own: it is put aside, not kept.
if test -e "$0/labdb-replacement.json" && test -e "$0/recovery.signal"; then
  mv -T "$0" "$0.restored"
fi
test -e "$0.before" || test -e "$0.undone" || exit 0
test ! -e "$0" || test -e "$0.undone" || mv -T "$0" "$0.undone"
test -e "$0" || mv -T "$0.before" "$0"
test ! -e "$0.undone" || mv -T "$0.undone" "$0.before"
