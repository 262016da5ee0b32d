"""Write one more project into the text of a declaration, and touch nothing else in it.

The text is a person's, with comments; so lines are put in, and the result is read again: it must
say what it said before, and the new project besides.
"""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import yaml

from labdb.errors import RefusedError

TOP, KEY = "labdb_server", "projects"


def with_project(text: str, project: Mapping[str, Any]) -> str:
    """Return *text* with *project* as the last of its projects.

    Raises:
        RefusedError: the text is written in a way that nothing can be put into; the hint is what
            is to be written by hand.
    """
    before = yaml.safe_load(text)
    made = _inserted(text, project)
    if made is None or read(made) != _expected(before, project):
        raise RefusedError(
            "the project cannot be put into the declaration without touching what is there",
            why="it is not written one key a line, the way labdb init writes it",
            hint="write it by hand:\n" + _block(project, 2, key=True),
        )
    return made


def read(text: str) -> Any:
    """Return what *text* says; None where it says nothing that can be read."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _expected(before: Any, project: Mapping[str, Any]) -> Any:
    server = before[TOP]
    return before | {TOP: server | {KEY: [*(server.get(KEY) or ()), dict(project)]}}


def _inserted(text: str, project: Mapping[str, Any]) -> str | None:
    server = value(yaml.compose(text, yaml.SafeLoader), TOP)
    if not isinstance(server, yaml.MappingNode) or server.flow_style:
        return None
    column = server.start_mark.column
    key = next((key for key, _ in server.value if key.value == KEY), None)
    if key is None:
        return _ended(text) + _block(project, column, key=True)
    projects = value(server, KEY)
    if isinstance(projects, yaml.SequenceNode) and projects.value and not projects.flow_style:
        line = last_line(projects)
        return _after(text, line, _block(project, projects.start_mark.column, key=False))
    if projects is None or projects.value:
        return None
    # An empty list, or nothing: the key's line stays, with its comment.
    start, end = projects.start_mark.index, projects.end_mark.index
    emptied = text[:start].rstrip(" ") + text[end:]
    return _after(emptied, key.start_mark.line, _block(project, column + 2, key=False))


def value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the value of *key* in the mapping *node*; None where there is none."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def last_line(node: yaml.Node) -> int:
    """Return the line in which the last word of *node* stands; comments after it are not of it."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return last_line(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return last_line(node.value[-1])
    end = node.end_mark
    return int(end.line) if end.column else int(end.line) - 1


def _after(text: str, line: int, block: str) -> str:
    lines = _ended(text).splitlines(keepends=True)
    place = list(accumulate(map(len, lines)))[line]
    whole = "".join(lines)
    return whole[:place] + block + whole[place:]


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _block(project: Mapping[str, Any], column: int, *, key: bool) -> str:
    """Return the lines of *project*, with the key of all projects before them if *key*."""
    inner = column + 2 if key else column
    said = yaml.dump(dict(project), Dumper=_Dumper, sort_keys=False)
    first, *rest = said.splitlines()
    lines = [f"{' ' * inner}- {first}", *(f"{' ' * inner}  {line}" for line in rest)]
    return "\n".join([f"{' ' * column}{KEY}:", *lines] if key else lines) + "\n"


class _Dumper(yaml.SafeDumper):
    """As people write it: lists of words in one line, items of a list under its key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the items of a list too."""
        del indentless
        super().increase_indent(flow, False)

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        """Write a list of words in one line."""
        words = all(isinstance(item, str) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=words or flow_style)
