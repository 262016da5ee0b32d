"""What the machine finds behind its gateway: Debian's packages, and the lab's PostgreSQL.

QEMU starts this program for each connection (``guestfwd=...-cmd:``) with the connection as
its standard input: ``packages.py FOLDER NAME=URL...``. Below ``/NAME/`` lies what *URL* has,
fetched as the host fetches; everything else is *FOLDER*. The machine itself reaches nothing.
"""

import http.server
import shutil
import socket
import sys
import urllib.error
import urllib.request
from functools import partial
from http import HTTPStatus

SECONDS = 120.0
PASSED_ON = ("Content-Length", "Content-Type", "Last-Modified")


class Gateway(http.server.SimpleHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    upstream: dict[str, str]

    def do_GET(self) -> None:
        name, _, path = self.path.removeprefix("/").partition("/")
        if name in self.upstream:
            self._fetch(f"{self.upstream[name]}/{path}")
        else:
            super().do_GET()

    def _fetch(self, url: str) -> None:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as answer:
                self.send_response(HTTPStatus.OK)
                for header in PASSED_ON:
                    if value := answer.headers.get(header):
                        self.send_header(header, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Connection", "close")
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)
        except urllib.error.HTTPError as error:
            self.send_error(error.code, error.reason)
        except OSError as error:
            self.send_error(HTTPStatus.BAD_GATEWAY, str(error))

    def log_message(self, *_: object) -> None:
        """Stay silent: standard error is the connection, too."""


if __name__ == "__main__":
    folder, *named = sys.argv[1:]
    Gateway.upstream = dict(word.split("=", 1) for word in named)
    with socket.socket(fileno=0) as connection:
        partial(Gateway, directory=folder)(connection, ("machine", 0), None)  # type: ignore[arg-type] # no server stands behind it
