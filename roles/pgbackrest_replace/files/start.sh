# Start a server, and say so when it ends meanwhile. A postmaster that ends before pg_ctlcluster does
# writes no PID file any more, and where systemd is not told that nobody is left it goes on waiting.
#   start.sh UNIT
systemctl start "$0" &
while sleep 1 && kill -0 $! 2>/dev/null; do
  case $(systemctl show --property=ActiveState,ControlPID,MainPID "$0") in
    *PID=[1-9]*) ;;
    *ActiveState=activating*)
      systemctl stop "$0"
      echo "the server ended while it started" >&2
      exit 1
      ;;
  esac
done
wait $!
