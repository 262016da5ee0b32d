"""Whatever goes wrong is told with what to do about it: read from the source, every place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import labdb.errors

PACKAGE = Path(labdb.errors.__file__).parent
ERRORS = {name for name in vars(labdb.errors) if name.endswith("Error")} | {"ControlError"}
WITHOUT_REMEDY = {
    "nothing was done: the plan was not accepted": "the operator's own decision",
    "not so: {sentence}": "a proof that fails says itself what is wrong",
}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _has_hint(call: ast.Call, position: int | None = None) -> bool:
    by_name = any(keyword.arg == "hint" for keyword in call.keywords)
    return by_name or (position is not None and len(call.args) > position)


def _without_hint() -> Iterator[str]:
    for place, call in _calls():
        if _name(call) in ERRORS and not _has_hint(call):
            yield f"{place} {ast.unparse(call)}"
        severity = call.args[1] if _name(call) == "Finding" and len(call.args) > 1 else None
        is_problem = isinstance(severity, ast.Constant) and severity.value in (
            "warning",
            "critical",
        )
        if is_problem and not _has_hint(call, 4):
            yield f"{place} {ast.unparse(call)}"


def test_every_error_and_every_finding_that_needs_somebody_says_what_to_do() -> None:
    loose = [text for text in _without_hint() if not any(known in text for known in WITHOUT_REMEDY)]
    assert loose == []


def test_the_exceptions_are_still_there() -> None:
    found = list(_without_hint())
    assert [known for known in WITHOUT_REMEDY if not any(known in text for text in found)] == []
