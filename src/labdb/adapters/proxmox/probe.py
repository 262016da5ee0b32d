"""Does something answer at an address? Asked only where that cannot reach a stranger."""

import ipaddress
import socket
import struct
from pathlib import Path

ROUTES = Path("/proc/net/route")
PORTS = (22, 5432)
SECONDS = 0.7
REJECT = 0x0200
LOOPBACK = ("127.", "localhost", "::1", "[::1]")


def answers(host: str, *, api_host: str) -> bool:
    """Tell whether *host* takes a TCP connection; False when it must not be asked.

    While the API is a loopback one (the embedded lab, a test), only an address with a
    route of its own on this machine is asked: anything else would leave by the default
    route, towards somebody else's network.
    """
    if api_host.startswith(LOOPBACK) and not is_on_link(host):
        return False
    return any(connects(host, port) for port in PORTS)


def connects(host: str, port: int, seconds: float = SECONDS) -> bool:
    """Tell whether a TCP connection opens within *seconds*; a refusal counts as a host."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def opens(host: str, port: int, seconds: float = SECONDS) -> bool:
    """Tell whether a TCP connection opens within *seconds*."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def is_on_link(host: str, routes: str | None = None) -> bool:
    """Tell whether the best route to *host* has no gateway (proc_net_route, Linux)."""
    if routes is None:
        if not ROUTES.is_file():
            return False
        routes = ROUTES.read_text(encoding="ascii")
    wanted = int(ipaddress.IPv4Address(host))
    best, on_link = -1, False
    for line in routes.splitlines()[1:]:
        fields = line.split()
        target, gateway, mask = (
            struct.unpack("<I", bytes.fromhex(fields[index]))[0] for index in (1, 2, 7)
        )
        if wanted & mask == target and mask > best:
            best, on_link = mask, not gateway and not int(fields[3], 16) & REJECT
    return on_link
