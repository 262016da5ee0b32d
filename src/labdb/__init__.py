"""labdb: one declared server becomes a running, tuned, backed-up and proven PostgreSQL."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("astro-labdb")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
