"""``python -m labdb.lab.mirror ensure|serve``: make the mirror, or serve it."""

import argparse
import logging
import signal
import sys
from types import FrameType

from labdb.errors import LabdbError
from labdb.lab import mirror
from labdb.lab.mirror.server import serve


def main(arguments: list[str]) -> int:
    """Do what *arguments* say and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labdb.lab.mirror", description=mirror.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("ensure", help="make the repository and print its folder")
    serving = verbs.add_parser("serve", help="make the repository and serve it over HTTP")
    serving.add_argument("--address", default="127.0.0.1", help="address to listen at")
    serving.add_argument("--port", type=int, default=8480, help="TCP port to listen at")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, _stop)
    try:
        root = mirror.ensure()
        if given.verb == "ensure":
            print(root)  # noqa: T201 - the answer
        else:
            serve(mirror.document_root(), given.address, given.port)
    except LabdbError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program of its own
        return error.exit_code
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
