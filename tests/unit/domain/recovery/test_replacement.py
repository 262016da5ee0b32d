"""What a restore in place left is told with what to do about it, however far it came."""

from pathlib import Path

import pytest

from labdb.adapters.inventory import load
from labdb.domain.recovery.replacement import left, places

SERVER = load(Path(__file__).parents[4] / "inventories" / "lab", "proj-pg01").server
DATA = "/mnt/data/pg01"


def test_where_nothing_is_left_nothing_is_said() -> None:
    assert left(SERVER, {path: path == DATA for path in places(SERVER)}) is None


@pytest.mark.parametrize(
    ("there", "what", "remedies"),
    [
        # The files are not all there, or all there and nothing exchanged.
        (["", ".restored", ".restore"], "files for a restore in place stand in", ["--forget"]),
        (["", ".restored"], "files for a restore in place stand in", ["--forget"]),
        # Between the two moves; before the start; after it.
        ([".restored", ".before"], "a restore in place was cut short", ["--resume", "--undo"]),
        (["", "/labdb-replacement.json", ".before"], "was cut short", ["--resume", "--undo"]),
        # Done.
        (["", ".before"], "/mnt/data/pg01.before is kept", ["--undo", "--forget"]),
        # Taking back: between the moves, and before the end.
        ([".undone", ".before"], "taking back", ["--undo"]),
        (["", "/labdb-taken-back", ".undone"], "taking back", ["--undo"]),
        (["", "/labdb-taken-back", ".before"], "taking back", ["--undo"]),
    ],
)
def test_what_is_left_is_named_with_its_remedies(
    there: list[str], what: str, remedies: list[str]
) -> None:
    found = left(SERVER, {path: path.removeprefix(DATA) in there for path in places(SERVER)})
    assert found is not None
    assert what in found.what
    assert [word for word in found.hint.split() if word.startswith("--")] == remedies


def test_what_was_cut_short_is_a_problem_and_what_is_kept_is_none() -> None:
    def is_problem(*there: str) -> bool:
        found = left(SERVER, {f"{DATA}{end}": True for end in there})
        return found is not None and found.is_problem

    assert is_problem("", "/labdb-replacement.json", ".before")
    assert is_problem("", "/labdb-taken-back", ".before")
    assert is_problem("", ".restored")
    assert not is_problem("", ".before")
