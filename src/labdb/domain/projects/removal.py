"""Take a project out of the text of a declaration, and touch nothing else in it."""

from typing import Any

import yaml

from labdb.domain.projects.insertion import KEY, TOP, last_line, read, value
from labdb.errors import RefusedError


def without_project(text: str, name: str) -> str:
    """Return *text* without the project called *name*; comments outside of it stay.

    Raises:
        RefusedError: the text is written in a way that nothing can be taken out of.
    """
    before = yaml.safe_load(text)
    made = _removed(text, name)
    if made is None or read(made) != _expected(before, name):
        raise RefusedError(
            f"project {name} cannot be taken out of the declaration without touching the rest",
            why="it is not written one key a line, the way labdb init writes it",
            hint=f"take {name} out of {TOP}.{KEY} by hand",
        )
    return made


def _expected(before: Any, name: str) -> Any:
    server = dict(before[TOP])
    left = [item for item in server.pop(KEY, ()) if item["name"] != name]
    return before | {TOP: server | ({KEY: left} if left else {})}


def _removed(text: str, name: str) -> str | None:
    server = value(yaml.compose(text, yaml.SafeLoader), TOP)
    projects = value(server, KEY)
    if not isinstance(projects, yaml.SequenceNode) or projects.flow_style:
        return None
    lines = text.splitlines(keepends=True)
    for item in projects.value:
        found = value(item, "name")
        if found is not None and found.value == name:
            first, last = item.start_mark.line, last_line(item)
            break
    else:
        return None
    if len(projects.value) == 1 and isinstance(server, yaml.MappingNode):
        # The key goes with its last item, as it came with its first.
        key = next(key for key, _ in server.value if key.value == KEY)
        return "".join(
            line
            for number, line in enumerate(lines)
            if number != key.start_mark.line and not first <= number <= last
        )
    return "".join(lines[:first] + lines[last + 1 :])
