"""Which Debian mirror this machine uses, read from its own apt configuration."""

import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIRROR_VARIABLE = "LABDB_DEBIAN_MIRROR"
CARRIED_OVER = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One archive that apt is configured to read: ``deb URI SUITE COMPONENT...``."""

    uri: str
    suite: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """Debian's archive and, where the machine reads one, its security archive."""

    archive: str
    security: str = ""


def parse_list(text: str) -> Iterator[Source]:
    """Yield the sources of a one-line-style file (sources.list(5)).

    >>> list(parse_list("deb [arch=amd64] http://m.example/debian trixie main contrib"))
    [Source(uri='http://m.example/debian', suite='trixie', components=('main', 'contrib'))]
    """
    for line in text.splitlines():
        words = line.split("#", 1)[0].replace("[", " [ ", 1).replace("]", " ] ", 1).split()
        if len(words) < 3 or words[0] != "deb":  # noqa: PLR2004 - type, URI, suite
            continue
        if words[1] == "[":
            words[1 : words.index("]") + 1] = []
        uri, suite, *components = words[1:]
        yield Source(uri.rstrip("/"), suite, tuple(components))


def parse_deb822(text: str) -> Iterator[Source]:
    """Yield the sources of a deb822-style file (sources.list(5)), the disabled ones left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in "\n".join(lines).split("\n\n"):
        fields: dict[str, list[str]] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields.setdefault(name, []).extend(line.split())
            elif ":" in line:
                head, _, rest = line.partition(":")
                name = head.strip().lower()
                fields[name] = rest.split()
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield Source(uri.rstrip("/"), suite, tuple(fields.get("components", [])))


def sources(folder: Path) -> list[Source]:
    """Return every source configured below the apt folder *folder*."""
    found: list[Source] = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.is_file() and path.suffix == ".list":
            found += parse_list(path.read_text())
        elif path.is_file() and path.suffix == ".sources":
            found += parse_deb822(path.read_text())
    return found


def choose(found: list[Source], codename: str) -> Mirror | None:
    """Return the mirror that a Debian *codename* with the sources *found* reads, if any.

    A third party's archive may well be called by the same suite: Debian's own is the one
    that has the suite's updates too, or that is called ``debian``.
    """
    archives = [s.uri for s in found if s.suite == codename and "main" in s.components]
    updates = {s.uri for s in found if s.suite == f"{codename}-updates"}
    securities = [s.uri for s in found if s.suite == f"{codename}-security"]
    ranked = sorted(archives, key=lambda uri: (uri not in updates, not uri.endswith("/debian")))
    if not ranked or not (ranked[0] in updates or ranked[0].endswith("/debian")):
        return None
    return Mirror(_resolve(ranked[0]), _resolve(securities[0]) if securities else "")


def host_mirror(folder: Path = Path("/etc/apt")) -> Mirror | None:
    """Return the mirror of ``$LABDB_DEBIAN_MIRROR``, else the host's own.

    None where the host is no Debian: debootstrap then uses the one it knows.
    """
    if own := os.environ.get(MIRROR_VARIABLE):
        return Mirror(own.rstrip("/"))
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        return None
    return choose(sources(folder), release.get("VERSION_CODENAME", ""))


def host_apt_settings() -> str:
    """Return, as apt.conf lines, what the host says of proxies and of validity dates."""
    dump = subprocess.run(
        ["apt-config", "dump", *CARRIED_OVER], check=False, capture_output=True, text=True
    ).stdout
    kept = [line for line in dump.splitlines() if line.split(" ")[0] in CARRIED_OVER]
    for variable, name in (("http_proxy", "http"), ("https_proxy", "https")):
        proxy = os.environ.get(variable)
        setting = f"Acquire::{name}::Proxy"
        if proxy and not any(line.startswith(setting) for line in kept):
            kept.append(f'{setting} "{proxy}";')
    return "".join(f"{line}\n" for line in kept)


def _resolve(uri: str) -> str:
    """Follow apt's ``mirror+file:``, which cloud images use, to the first mirror it names."""
    scheme, _, rest = uri.partition(":")
    if scheme not in {"mirror", "mirror+file"} or not rest.lstrip("/").startswith("etc/"):
        return uri
    for line in Path("/", rest.lstrip("/")).read_text().splitlines():
        if line and not line.startswith("#"):
            return line.split()[0].rstrip("/")
    return uri
