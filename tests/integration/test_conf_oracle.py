"""A real PostgreSQL 16 reads a postgresql.conf exactly as labdb's own reader does."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgres16 import Postgres16

from labdb.domain.conf_file import parse
from labdb.domain.conf_lint import lint
from labdb.domain.conf_values import Against
from labdb.domain.parameters import catalogue
from labdb.domain.retired_parameters import OLD_VALUES, RETIRED

pytestmark = pytest.mark.postgres
QUERY = """
SELECT sourceline, name, setting, error
  FROM pg_file_settings
 WHERE sourcefile LIKE '%/postgresql.conf'
 ORDER BY seqno
"""
Row = tuple[int, str | None, str | None, str | None]
Read = Callable[[str], list[Row]]
PIECES = st.sampled_from(
    ["work_mem", "a.b", "=", " ", "\t", "'", "''", "\\", "\\n", "\\101", "#", "4MB", "0x1F", "1.5",
     "-1", "x-y", "on", "é", "$", "/", ".", "jit"]
)  # fmt: skip


@pytest.fixture(scope="module")
def read(postgres16: Postgres16) -> Iterator[Read]:
    """Return a way to let the server read a file without taking it over."""
    folder = postgres16.initialise("oracle")
    conf = folder / "postgresql.conf"
    before = conf.read_text(encoding="utf-8")
    postgres16.start(folder)
    with psycopg.connect(postgres16.conninfo, autocommit=True) as connection:

        def ask(text: str) -> list[Row]:
            conf.write_text(text, encoding="utf-8")
            return connection.execute(QUERY).fetchall()

        yield ask
    conf.write_text(before, encoding="utf-8")
    postgres16.stop(folder)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(PIECES, max_size=7).map("".join), max_size=4).map("\n".join))
def test_every_line_is_read_as_the_server_reads_it(read: Read, text: str) -> None:
    theirs = read(text)
    ours = parse(text)
    # Which line it was the server does not always count right: a line's end is a token too.
    refused = any(name is None and error for _, name, _, error in theirs)
    assert refused is any(line.wrong for line in ours.lines)
    if refused:
        return
    assert [(line.number, line.name, line.value) for line in ours.settings] == [
        (number, name, setting) for number, name, setting, _ in theirs
    ]


def test_the_sample_file_makes_no_claims_and_breaks_no_rule(postgres16: Postgres16) -> None:
    (sample,) = postgres16.bin.parent.rglob("postgresql.conf.sample")
    remarks = lint(parse(sample.read_text(encoding="utf-8")), Against(memory=8 << 30, cores=8))
    assert {item.parameter for item in remarks if item.finding.is_problem} == {"ssl"}


def test_what_is_called_retired_is_refused_unless_its_old_name_is_read(read: Read) -> None:
    gone = {name: item for name, item in RETIRED.items() if float(item.since) <= 16}
    rows = read("\n".join(f"{name} = ''" for name in gone))
    refused = {name for _, name, _, error in rows if error and "unrecognized" in error}
    assert refused == {name for name, item in gone.items() if not item.read}


def test_old_values_are_taken(read: Read) -> None:
    rows = read("\n".join(f"{name} = {value}" for name, value in OLD_VALUES))
    # A restart is what they need; a value that is none would be told as such.
    assert {error for _, _, _, error in rows} <= {None, "setting could not be applied"}


@pytest.mark.parametrize(
    "text",
    ["t", "of", "yes", "N", "1", "o", "2", "TRUE", "'on '", "enable"],
)
@pytest.mark.parametrize("name", ["enable_seqscan", "huge_pages"])
def test_a_switch_takes_the_words_that_the_server_takes(read: Read, name: str, text: str) -> None:
    ((_, _, value, error),) = read(f"{name} = {text}")
    assert value is not None
    try:
        catalogue(16)[name].parse(value)
    except ValueError:
        assert error is not None
    else:
        assert error in (None, "setting could not be applied")
