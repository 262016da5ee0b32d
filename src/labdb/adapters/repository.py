"""Ask whether the package repository answers, and whether its signing key is the declared one."""

import hashlib
from urllib.parse import urlsplit

import requests

from labdb.adapters.shell import must_be_local
from labdb.errors import UnreachableError
from labdb.report import Finding
from labdb.spec import Repository

SECONDS = 3


def check(repository: Repository) -> Finding:
    """Fetch the signing key, which proves that the repository is there and is the right one."""
    url = repository.key_url
    try:
        host = urlsplit(url).hostname or ""
        if host.replace(".", "").isdigit():
            must_be_local(host)
        answer = requests.get(url, timeout=SECONDS)
        answer.raise_for_status()
    except (requests.RequestException, UnreachableError) as error:
        return Finding(
            "repository",
            "critical",
            f"the package repository does not answer: {url}",
            _reason(error),
            "check postgresql.repository, or bring the mirror up",
        )
    found = hashlib.sha256(answer.content).hexdigest()
    if repository.key_sha256 and found != repository.key_sha256:
        return Finding(
            "repository",
            "critical",
            "the repository's signing key is not the declared one",
            f"{url} has SHA-256 {found}",
            "do not install from it; find out who changed the key",
        )
    return Finding("repository", "ok", f"{repository.url} answers")


def _reason(error: Exception) -> str:
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return str(inner).partition("\n")[0]
