"""postgresql.conf is read as PostgreSQL reads it, and nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.conf_file import ConfFile, Line, parse, write

# What a line is made of, so that examples often mean something.
PIECES = st.sampled_from(
    ["work_mem", "a.b", "=", " ", "\t", "'", "''", "\\", "#", "4MB", "1.5", "-1", "x-y", "\n", "on"]
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)?", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def _only(text: str) -> Line:
    (line,) = parse(text).lines
    return line


@given(st.one_of(TEXT, st.lists(PIECES).map("".join)))
def test_any_text_is_read_and_comes_back_as_it_was(text: str) -> None:
    assert parse(text).text == text


@given(NAMES, TEXT, TEXT.filter(lambda text: "\n" not in text).map(str.strip))
def test_what_is_written_is_read_again(name: str, value: str, comment: str) -> None:
    line = _only(write(name, value, comment))
    assert (line.name, line.value, line.comment) == (name, value, comment)
    assert line.wrong == ""


@given(st.lists(st.tuples(NAMES, TEXT), max_size=8))
def test_the_last_setting_of_a_name_counts_in_whatever_case(given: list[tuple[str, str]]) -> None:
    text = "\n".join(
        write(name.upper() if odd % 2 else name, value) for odd, (name, value) in enumerate(given)
    )
    file = parse(text)
    assert len(file.settings) == len(given)
    expected = {name.lower(): value for name, value in given}
    assert {key: line.value for key, line in file.effective.items()} == expected


@pytest.mark.parametrize(
    ("text", "name", "value", "comment"),
    [
        ("work_mem = 4MB", "work_mem", "4MB", ""),
        ("work_mem 4MB", "work_mem", "4MB", ""),
        ("\twork_mem=4MB# each", "work_mem", "4MB", "each"),
        ("Work_Mem = '4 MB'\r", "Work_Mem", "4 MB", ""),
        ("search_path = '\"$user\", public'", "search_path", '"$user", public', ""),
        ("archive_command = 'cp ''%p'' x'", "archive_command", "cp '%p' x", ""),
        ("log_line_prefix = '\\t%m \\'\\101'", "log_line_prefix", "\t%m 'A", ""),
        ("log_line_prefix = '# %m'  # who", "log_line_prefix", "# %m", "who"),
        ("cluster_name ''", "cluster_name", "", ""),
        ("timezone = Europe/Berlin", "timezone", "Europe/Berlin", ""),
        ("checkpoint_completion_target = .9", "checkpoint_completion_target", ".9", ""),
        ("log_temp_files = -1", "log_temp_files", "-1", ""),
        ("pg_stat_statements.max = 0x10", "pg_stat_statements.max", "0x10", ""),
        ("work_mem'4MB'", "work_mem", "4MB", ""),
        ("# work_mem = 4MB", "", "", "work_mem = 4MB"),
        ("", "", "", ""),
    ],
)
def test_a_line_is_read(text: str, name: str, value: str, comment: str) -> None:
    line = _only(text)
    assert (line.name, line.value, line.comment, line.wrong) == (name, value, comment, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("work_mem = 1.5GB", "quotes lack"),
        ("work_mem =", "has no value"),
        ("work_mem", "has no value"),
        ("work_mem = '4MB", "nothing closes"),
        ("work_mem = 4MB 5MB", "quotes lack"),
        ("search_path = $user", "quotes lack"),
        ("4MB = work_mem", "no parameter's name"),
        ("x = a.b", "needs quotes"),
        ("x == 4", "needs quotes"),
        ("a.b.c = 1", "no parameter's name"),
    ],
)
def test_what_postgresql_cannot_read_is_told_with_the_reason(text: str, why: str) -> None:
    line = _only(text)
    assert why in line.wrong
    assert not line.is_setting


def test_a_file_that_is_included_is_no_setting() -> None:
    file = parse("include_dir = 'conf.d'\nINCLUDE 'x.conf'\ninclude_if_exists y\nport = 5433")
    assert [line.value for line in file.lines if line.is_include] == ["conf.d", "x.conf", "y"]
    assert [line.name for line in file.settings] == ["port"]


def test_lines_are_counted_from_one() -> None:
    assert [line.number for line in parse("a = 1\n\nb = 2\n").settings] == [1, 3]
    assert ConfFile(()).effective == {}
