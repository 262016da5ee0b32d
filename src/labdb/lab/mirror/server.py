"""The mirror's HTTP server: read-only, one folder, one address."""

import contextlib
import http.server
import socket
from functools import partial
from pathlib import Path

from labdb.errors import RefusedError


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and no listing of folders."""

    protocol_version = "HTTP/1.1"
    server_version = "labdb-mirror"
    timeout = 30

    def list_directory(self, path: object) -> None:  # noqa: ARG002 - the base class gives it
        self.send_error(http.HTTPStatus.FORBIDDEN)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # No look-up of our own name: a lab need not have a resolver.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def serve(folder: Path, address: str, port: int) -> None:
    """Serve *folder* at *address* and *port* until the process is told to end.

    Raises:
        RefusedError: the port is taken, or the address is not this machine's.
    """
    try:
        server = _Server((address, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise RefusedError(
            f"the mirror cannot listen at {address}:{port}",
            why=str(error.strerror),
            hint="is another mirror running there? ss -tlnp shows who listens",
        ) from error
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"serving {folder} at http://{address}:{server.server_port}", flush=True)  # noqa: T201 - the ready line
        server.serve_forever()
