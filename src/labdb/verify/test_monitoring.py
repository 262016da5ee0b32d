"""The exporters answer with what the dashboards need."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from labdb.adapters.inventory import Declaration
from labdb.operations.provision import exporters

ANSWER_WITHIN_SECONDS = 20


def _scrape(host: Any, url: str) -> str:
    # From the guest itself: the firewall lets nobody else in but the monitoring host.
    answer = host.run(
        "python3 -c %s %s",
        "import sys,urllib.request as u;print(u.urlopen(sys.argv[1],timeout=10).read().decode())",
        url,
    )
    return str(answer.stdout) if answer.rc == 0 else ""


@pytest.mark.parametrize(
    ("exporter", "line"),
    [
        ("node_exporter", "node_load1 "),
        ("postgres_exporter", "pg_up 1"),
        ("pgbackrest_exporter", "pgbackrest_backup_info"),
    ],
)
def test_the_exporter_answers(
    host: Any, declaration: Declaration, exporter: str, line: str
) -> None:
    url = exporters(declaration)[exporter]
    deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
    text = ""
    while time.monotonic() < deadline:  # the first scrape after a restart may say pg_up 0
        text = _scrape(host, url)
        if line in text:
            return
        time.sleep(1)
    raise AssertionError(f"{url} never said {line!r}; last answer: {text[:200]!r}")


def test_only_the_monitoring_host_may_reach_the_exporters(
    opened: set[tuple[str, int]], declaration: Declaration
) -> None:
    for url in exporters(declaration).values():
        port = urlsplit(url).port
        sources = {source for source, at in opened if at == port}
        assert sources == {str(declaration.server.monitoring.address)}, url
