"""The exporters answer with what the dashboards need."""

from urllib.parse import urlsplit

import pytest

from labdb.adapters.inventory import Declaration
from labdb.operations.connection import exporters
from labdb.verify.conftest import Says


@pytest.mark.parametrize(
    ("exporter", "line"),
    [
        ("node_exporter", "node_load1 "),
        ("postgres_exporter", "pg_up 1"),
        ("pgbackrest_exporter", "pgbackrest_backup_info"),
    ],
)
def test_the_exporter_answers(
    says: Says, declaration: Declaration, exporter: str, line: str
) -> None:
    says(exporters(declaration)[exporter], line)


def test_only_the_monitoring_host_may_reach_the_exporters(
    opened: set[tuple[str, int]], declaration: Declaration
) -> None:
    for url in exporters(declaration).values():
        port = urlsplit(url).port
        sources = {source for source, at in opened if at == port}
        assert sources == {str(declaration.server.monitoring.address)}, url
