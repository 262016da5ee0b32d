"""Ask whether the package repository answers, and whether its signing key is the declared one."""

import hashlib
from urllib.parse import urlsplit

import requests

from labdb.adapters.shell import must_be_local
from labdb.errors import UnreachableError
from labdb.report import Finding
from labdb.spec import Repository

SECONDS = 3
LONGEST = 2 * SECONDS + 1.0
"""Key and packages may come from two servers, one of which may be silent."""
SUITES = ("trixie-pgdg", "bookworm-pgdg", "noble-pgdg")
"""Of the distributions that the roles know; a mirror need not have all of them."""
HINT = "check postgresql.repository, or bring the mirror up"


def check(repository: Repository) -> Finding:
    """Fetch the signing key and look for a suite: both must be there, and the key the right one."""
    url = repository.key_url
    try:
        key = _ask("GET", url).content
        url = repository.url
        suites = [suite for suite in SUITES if _holds(url, suite)]
    except (requests.RequestException, UnreachableError) as error:
        what = f"the package repository does not answer: {url}"
        return Finding("repository", "critical", what, _reason(error), HINT)
    found = hashlib.sha256(key).hexdigest()
    if repository.key_sha256 and found != repository.key_sha256:
        return Finding(
            "repository",
            "critical",
            "the repository's signing key is not the declared one",
            f"{repository.key_url} has SHA-256 {found}",
            "do not install from it; find out who changed the key",
        )
    if not suites:
        what = f"the package repository holds no packages: {url}"
        return Finding("repository", "critical", what, f"none of {', '.join(SUITES)}", HINT)
    return Finding("repository", "ok", f"{repository.url} has {', '.join(suites)}")


def _holds(url: str, suite: str) -> bool:
    try:
        _ask("HEAD", f"{url.rstrip('/')}/dists/{suite}/InRelease")
    except requests.HTTPError as error:
        if error.response.status_code < requests.codes.server_error:
            return False
        raise
    return True


def _ask(method: str, url: str) -> requests.Response:
    host = urlsplit(url).hostname or ""
    if host.replace(".", "").isdigit():
        must_be_local(host)
    answer = requests.request(method, url, timeout=SECONDS, allow_redirects=True)
    answer.raise_for_status()
    return answer


def _reason(error: Exception) -> str:
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return str(inner).partition("\n")[0]
