# Wait until the cluster has left recovery, and print what it answers then; or say why it ended.
#   wait.sh UNIT SECONDS DATA_DIRECTORY QUESTION...
unit=$0
left=$1
data=$2
shift 2
while [ "$left" -gt 0 ]; do
  case $(systemctl show --property=ActiveState --value "$unit") in
    active | activating | reloading) ;;
    *)
      cat "$data"/log/* 2>/dev/null | grep -E 'FATAL|PANIC' | tail -n 3 >&2
      exit 1
      ;;
  esac
  answer=$("$@" 2>/dev/null) && [ -n "$answer" ] && break
  answer=
  sleep 1
  left=$((left - 1))
done
[ -n "$answer" ] || {
  echo "recovery has not ended in time" >&2
  exit 1
}
printf '%s\n' "$answer"
