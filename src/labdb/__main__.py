"""Entry point of the ``labdb`` command: the only place that ends the process."""

import sys

from labdb.cli.app import run


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
