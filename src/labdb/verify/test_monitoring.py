"""The exporters answer with what the dashboards need."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from labdb.adapters.inventory import Declaration
from labdb.operations.connection import exporters

ANSWER_WITHIN_SECONDS = 20


SCRAPE = """
import json, sys, urllib.request
def scrape(url):
    try:
        return urllib.request.urlopen(url, timeout=10).read().decode()
    except OSError as error:
        return str(error)
print(json.dumps({url: scrape(url) for url in sys.argv[1:]}))
"""


def _scrape(host: Any, *urls: str) -> dict[str, str]:
    # From the guest itself: the firewall lets nobody else in but the monitoring host.
    words = " ".join(["%s"] * len(urls))
    told = host.check_output(f"python3 -c %s {words}", SCRAPE, *urls)
    answers: dict[str, str] = json.loads(told)
    return answers


@pytest.fixture(scope="module")
def scraped(host: Any, declaration: Declaration) -> dict[str, str]:
    """Return what all exporters say, by URL, asked at once."""
    return _scrape(host, *exporters(declaration).values())


@pytest.mark.parametrize(
    ("exporter", "line"),
    [
        ("node_exporter", "node_load1 "),
        ("postgres_exporter", "pg_up 1"),
        ("pgbackrest_exporter", "pgbackrest_backup_info"),
    ],
)
def test_the_exporter_answers(
    host: Any, declaration: Declaration, scraped: dict[str, str], exporter: str, line: str
) -> None:
    url = exporters(declaration)[exporter]
    deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
    text = scraped[url]
    while line not in text and time.monotonic() < deadline:
        time.sleep(1)  # the first scrape after a restart may say pg_up 0
        text = _scrape(host, url)[url]
    assert line in text, f"{url} never said {line!r}; last answer: {text[:200]!r}"


def test_only_the_monitoring_host_may_reach_the_exporters(
    opened: set[tuple[str, int]], declaration: Declaration
) -> None:
    for url in exporters(declaration).values():
        port = urlsplit(url).port
        sources = {source for source, at in opened if at == port}
        assert sources == {str(declaration.server.monitoring.address)}, url
