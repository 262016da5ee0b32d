#!/bin/sh
# Makes a fresh Debian 12, Debian 13 or Ubuntu 24.04 ready for the embedded lab, step by step;
# what is there already stays as it is. Called by the Makefile, from the top of the checkout.
#
#   host.sh packages   install what is missing, with apt
#   host.sh docker     start the Docker daemon when it does not answer
#   host.sh venv       make .venv with labdb in it
#   host.sh root CMD   run CMD as root, with labdb's own variables
set -eu

PASSED_ON=LABDB_STATE,LABDB_CACHE,LABDB_LAB_NETWORK,LABDB_LAB_API_PORT,LABDB_DEBIAN_MIRROR
PASSED_ON=$PASSED_ON,LABDB_E2E_QEMU,LABDB_PITR_TARGETS,LABDB_LONG,CI,http_proxy,https_proxy,no_proxy

# An ordinary user's PATH lacks what only root may run.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf 'labdb: %s\n' "$*" >&2; }

fail() {
    say "$1"
    printf '       %s\n' "$2" >&2
    exit 6
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -H --preserve-env="$PASSED_ON" "$@"
    else
        fail "this needs root: $*" "run make as root, or install sudo"
    fi
}

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

offered() { apt-cache show "$1" >/dev/null 2>&1; }

packages() {
    command -v apt-get >/dev/null ||
        fail "this is no Debian or Ubuntu" "install Docker, debootstrap, gnupg, dpkg and a Python venv by hand"
    wanted="ca-certificates debian-archive-keyring debootstrap git gnupg iproute2 iptables"
    wanted="$wanted openssh-client python3-venv util-linux xfsprogs"
    # Only the test of the declared server as a virtual machine needs an emulator of machines.
    [ "${LABDB_E2E_QEMU:-}" != 1 ] || wanted="$wanted e2fsprogs qemu-system-x86"
    missing=
    for package in $wanted; do
        installed "$package" || missing="$missing $package"
    done
    command -v psql >/dev/null || missing="$missing postgresql-client"
    command -v dockerd >/dev/null || missing="$missing docker.io"
    if [ -n "$missing" ]; then
        say "installing:$missing"
        as_root apt-get -q update
        # Debian 13 has Docker's command in a package of its own.
        case $missing in *docker.io*) offered docker-cli && missing="$missing docker-cli" ;; esac
        # shellcheck disable=SC2086 # a list of words
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y --no-install-recommends install $missing
    fi
}

answers() {
    as_root python3 - <<'PYTHON'
import socket, sys
docker = socket.socket(socket.AF_UNIX)
docker.settimeout(5)
try:
    docker.connect("/var/run/docker.sock")
    docker.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
    sys.exit(b"200" not in docker.recv(64))
except OSError:
    sys.exit(1)
PYTHON
}

docker_daemon() {
    answers && return
    say "starting the Docker daemon"
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker
    else
        as_root sh -c 'setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &'
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        answers && return
        sleep 1
    done
    fail "the Docker daemon does not answer" "read /var/log/dockerd.log, or journalctl -u docker"
}

venv() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "python3 is $(python3 --version), too old" "labdb needs Python 3.11 or later"
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv"
        python3 -m venv --clear .venv
    fi
    if [ ! -e .venv/labdb-installed ] || [ pyproject.toml -nt .venv/labdb-installed ]; then
        say "installing labdb and its tools into .venv"
        .venv/bin/python -m pip install --quiet --prefer-binary --editable '.[lab,test]'
        touch .venv/labdb-installed
    fi
}

for step in "$@"; do
    case $step in
        packages) packages ;;
        docker) docker_daemon ;;
        venv) venv ;;
        root)
            shift
            as_root "$@"
            exit
            ;;
        *) fail "unknown step: $step" "one of packages, docker, venv, root" ;;
    esac
    shift
done
