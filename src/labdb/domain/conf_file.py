"""Read and write postgresql.conf the way PostgreSQL's own scanner does (guc-file.l).

Every line is kept with its number, its text and its comment; nothing is looked up and nothing
is followed. Source: PostgreSQL 16 documentation, section 20.1.2 "Parameter Interaction via the
Configuration File".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

INCLUDES = frozenset({"include", "include_dir", "include_if_exists"})
"""Names of directives that read other files."""

_LETTER = r"[A-Za-z_\x80-\U0010ffff]"
_LETTER_OR_DIGIT = r"[A-Za-z_0-9\x80-\U0010ffff]"
_IDENTIFIER = f"{_LETTER}{_LETTER_OR_DIGIT}*"
_TOKENS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("comment", r"#.*"),
        ("name", _IDENTIFIER),
        ("qualified", rf"{_IDENTIFIER}\.{_IDENTIFIER}"),
        ("quoted", r"'(?:[^'\\\n]|\\.|'')*'"),
        ("word", rf"{_LETTER}(?:{_LETTER_OR_DIGIT}|[-._:/])*"),
        ("integer", r"[-+]?(?:0x[0-9a-fA-F]+|[0-9]+)[A-Za-z]*"),
        ("real", r"[-+]?[0-9]*\.[0-9]*(?:[Ee][-+]?[0-9]+)?"),
        ("equals", "="),
    )
)
"""What a line may be made of; the longest match counts, the first of several that are as long."""
_NAMES = ("name", "qualified")
_VALUES = ("name", "quoted", "word", "integer", "real")
_SPACE = re.compile(r"[ \t\r]+")
_ESCAPED = re.compile(r"\\([0-7]{1,3}|.)|''")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line: *name* and *value* of what it sets, or *wrong*, why PostgreSQL cannot read it.

    *value* is without quotes and escapes, *comment* without its sign and the space around it.
    A line that only comments, or is empty, has no name.
    """

    number: int
    text: str
    name: str = ""
    value: str = ""
    comment: str = ""
    wrong: str = ""

    @property
    def key(self) -> str:
        """The name as PostgreSQL compares it: case does not count."""
        return self.name.lower()

    @property
    def is_include(self) -> bool:
        """Tell whether the line reads other files."""
        return self.key in INCLUDES

    @property
    def is_setting(self) -> bool:
        """Tell whether the line sets a parameter."""
        return bool(self.name) and not self.wrong and not self.is_include


@dataclass(frozen=True, slots=True)
class ConfFile:
    """A whole file, line by line."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The file as it was read."""
        return "\n".join(line.text for line in self.lines)

    @property
    def settings(self) -> tuple[Line, ...]:
        """The lines that set parameters, those that a later one overrules among them."""
        return tuple(line for line in self.lines if line.is_setting)

    @property
    def effective(self) -> dict[str, Line]:
        """The line that counts for each parameter, by :attr:`Line.key`: the last one."""
        return {line.key: line for line in self.settings}


def parse(text: str) -> ConfFile:
    """Return *text* line by line; nothing is refused, what is wrong is told by its line.

    >>> parse("work_mem = 4MB  # each").lines[0].value
    '4MB'
    """
    numbered = enumerate(text.split("\n"), start=1)
    return ConfFile(tuple(_line(number, line) for number, line in numbered))


def write(name: str, value: str, comment: str = "") -> str:
    """Return the line that sets *name* to *value*; reading it gives the same three again.

    >>> write("archive_command", "cp '%p' x", "a copy")
    "archive_command = 'cp ''%p'' x'  # a copy"
    """
    quoted = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"{name} = '{quoted}'" + (f"  # {comment}" if comment else "")


class _UnreadableError(ValueError):
    """A line that PostgreSQL's scanner or grammar refuses."""


def _line(number: int, text: str) -> Line:
    tokens: list[tuple[str, str]] = []
    try:
        tokens.extend(_tokens(text))
        comment = tokens.pop()[1][1:].strip() if tokens and tokens[-1][0] == "comment" else ""
        name, value = _setting(tokens) if tokens else ("", "")
    except _UnreadableError as error:
        return Line(number, text, wrong=str(error))
    return Line(number, text, name, value, comment)


def _setting(tokens: list[tuple[str, str]]) -> tuple[str, str]:
    """Return name and value; the sign between the two may be absent."""
    (kind, name), *rest = tokens
    if kind not in _NAMES:
        raise _UnreadableError(f"{name} is no parameter's name")
    if rest and rest[0][0] == "equals":
        del rest[0]
    if not rest:
        raise _UnreadableError(f"{name} has no value")
    (kind, value), *rest = rest
    if kind not in _VALUES:
        raise _UnreadableError(f"the value {value} of {name} needs quotes")
    if rest:
        more = " ".join(token for _, token in rest)
        raise _UnreadableError(f"{name} has the value {value}, and {more} after it: quotes lack")
    return name, _unquoted(value) if kind == "quoted" else value


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each token."""
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        found = [(kind, match) for kind, token in _TOKENS if (match := token.match(text, place))]
        if not found:
            what = "a quote that nothing closes" if text[place] == "'" else "quotes lack"
            raise _UnreadableError(f"{text[place:].strip()} cannot be read: {what}")
        kind, match = max(found, key=lambda item: item[1].end())
        yield kind, match.group()
        place = match.end()


def _unquoted(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        escaped = match[1]
        if escaped is None:
            return "'"
        if escaped[0] in "01234567":
            return chr(int(escaped, 8) & 0xFF)
        return _LETTERS.get(escaped, escaped)

    return _ESCAPED.sub(plain, text[1:-1])
