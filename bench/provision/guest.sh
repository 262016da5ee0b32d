#!/bin/bash
# Baseline, part one: a guest by curl, with the API calls that labdb makes as well.
# In: API CA TOKEN_ID TOKEN_FILE NODE TEMPLATE VMID NAME ADDRESS GATEWAY VLAN DNS DOMAIN
#     STORAGE CORES MEMORY_MB SYSTEM_GB DATA_GB BACKUP_GB KEY KNOWN_HOSTS
set -euo pipefail

header=$(mktemp)
trap 'rm -f "$header"' EXIT
printf 'Authorization: PVEAPIToken=%s=%s\n' "$TOKEN_ID" "$(cat "$TOKEN_FILE")" > "$header"

call() { # METHOD PATH [curl options]: the answer's data as JSON
    local method=$1 path=$2
    shift 2
    curl --silent --show-error --fail-with-body --cacert "$CA" -H "@$header" \
        -X "$method" "$API/api2/json$path" "$@" |
        python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["data"]))'
}

field() { python3 -c 'import json, sys; print((json.load(sys.stdin) or {}).get(sys.argv[1], ""))' "$1"; }

finish() { # the task whose UPID is on standard input
    local upid state
    upid=$(tr -d '"')
    [[ $upid == UPID:* ]] || return 0
    while :; do
        state=$(call GET "/nodes/$NODE/tasks/$upid/status")
        [[ $(field status <<< "$state") == stopped ]] && break
        sleep 0.2
    done
    [[ $(field exitstatus <<< "$state") == OK ]] || { echo "$state" >&2; exit 1; }
}

qemu=/nodes/$NODE/qemu
call POST "$qemu/$TEMPLATE/clone" -d newid="$VMID" -d name="$NAME" -d full=1 \
    -d storage="$STORAGE" | finish

net0=$(call GET "$qemu/$VMID/config" | field net0)
mac=$(grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' <<< "$net0")
keys=$(python3 -c 'import sys, urllib.parse as u; print(u.quote(open(sys.argv[1]).read().strip(), ""))' "$KEY.pub")
call POST "$qemu/$VMID/config" \
    -d sockets=1 -d cores="$CORES" -d cpu=host -d memory="$MEMORY_MB" -d balloon="$MEMORY_MB" \
    -d onboot=1 -d agent=enabled=1 -d citype=nocloud -d ciuser=labdb -d ciupgrade=0 \
    --data-urlencode "sshkeys=$keys" --data-urlencode "ipconfig0=ip=$ADDRESS/24,gw=$GATEWAY" \
    --data-urlencode "nameserver=$DNS" --data-urlencode "searchdomain=$DOMAIN" \
    --data-urlencode "net0=virtio=$mac,bridge=vmbr1,tag=$VLAN,firewall=1" | finish
call PUT "$qemu/$VMID/resize" -d disk=scsi0 -d size="${SYSTEM_GB}G" | finish
call POST "$qemu/$VMID/config" \
    --data-urlencode "scsi1=$STORAGE:$DATA_GB,discard=on,iothread=1,serial=benchdata" \
    --data-urlencode "scsi2=$STORAGE:$BACKUP_GB,discard=on,iothread=1,serial=benchbackup" | finish
call PUT "$qemu/$VMID/cloudinit" > /dev/null
call POST "$qemu/$VMID/status/start" | finish

for _ in $(seq 120); do
    call POST "$qemu/$VMID/agent/ping" > /dev/null 2>&1 && break
    sleep 0.5
done
host_key=
for _ in $(seq 120); do
    host_key=$(call GET "$qemu/$VMID/agent/file-read?file=/etc/ssh/ssh_host_ed25519_key.pub" \
        2> /dev/null | field content 2> /dev/null) && [[ -n $host_key ]] && break
    sleep 0.5
done
printf '%s %s\n' "$ADDRESS" "$(cut -d' ' -f1,2 <<< "$host_key")" > "$KNOWN_HOSTS"
for _ in $(seq 120); do
    ssh -i "$KEY" -o UserKnownHostsFile="$KNOWN_HOSTS" -o StrictHostKeyChecking=yes \
        -o BatchMode=yes -o ConnectTimeout=2 "labdb@$ADDRESS" \
        'cloud-init status --wait > /dev/null || [ $? -eq 2 ]' 2> /dev/null && exit 0
    sleep 0.5
done
echo "no SSH on $ADDRESS" >&2
exit 1
