# Wait until the instance has left recovery, and print what it answers then; or say why it ended.
#   wait.sh UNIT SECONDS QUESTION...
unit=$0
left=$1
shift
while [ "$left" -gt 0 ]; do
  case $(systemctl show --property=ActiveState --value "$unit") in
    active | activating | reloading) ;;
    *)
      journalctl --unit="$unit" --lines=50 --output=cat --no-pager |
        grep -E 'FATAL|PANIC|ERROR' | tail -n 3 >&2
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
