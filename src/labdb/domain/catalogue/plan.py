"""A query plan as EXPLAIN (FORMAT JSON) tells it: what was scanned, by what, and how many pages.

Source: PostgreSQL 16 documentation, section 14.1 "Using EXPLAIN". Rows and pages of a node that
runs several times are those of one run on average; *loops* says how often it ran.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SEQUENTIAL = frozenset({"Seq Scan", "Sample Scan"})
BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Index Scan"})


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a plan, with the steps that it takes its rows from."""

    kind: str
    relation: str = ""
    schema: str = ""
    alias: str = ""
    index: str = ""
    planned_rows: float = 0
    rows: float = 0
    loops: float = 1
    buffers: int = 0
    conditional: bool = False
    children: tuple["Node", ...] = ()

    def is_of(self, alias: str) -> bool:
        """Tell whether the node scans what the query calls *alias*, or a partition of it."""
        return self.alias == alias or self.alias.startswith(f"{alias}_")

    def walk(self) -> Iterator["Node"]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read(explained: Any) -> Node:
    """Return the plan in the answer of EXPLAIN (FORMAT JSON); without ANALYZE nothing has run."""
    return _node(explained[0]["Plan"])


def _node(plan: Mapping[str, Any]) -> Node:
    return Node(
        kind=plan["Node Type"],
        relation=plan.get("Relation Name", ""),
        schema=plan.get("Schema", ""),
        alias=plan.get("Alias", ""),
        index=plan.get("Index Name", ""),
        planned_rows=plan.get("Plan Rows", 0),
        rows=plan.get("Actual Rows", 0),
        loops=plan.get("Actual Loops", 1),
        buffers=plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0),
        conditional="Index Cond" in plan or "Recheck Cond" in plan,
        children=tuple(_node(child) for child in plan.get("Plans", ())),
    )


def read_whole(plan: Node, relations: frozenset[str]) -> tuple[str, ...]:
    """Return which of *relations* are read from end to end."""
    found = {
        node.relation
        for node in plan.walk()
        if node.kind.removeprefix("Parallel ") in SEQUENTIAL and node.relation in relations
    }
    return tuple(sorted(found))


def relations(plan: Node) -> frozenset[str]:
    """Return the names of the tables and partitions that the plan has not left out."""
    return frozenset(node.relation for node in plan.walk() if node.relation)


def indexes(plan: Node) -> frozenset[str]:
    """Return the names of the indexes that are asked."""
    return frozenset(node.index for node in plan.walk() if node.index)


def compared(plan: Node) -> float:
    """Return how many pairs of rows the plan means to compare one by one.

    That is the product of both sides of a nested loop whose inner side asks no index. The
    planner's own costs do not tell such a plan: q3c makes it expect a tenth of the table for
    each row of a cross-match, so that the good plan seems as dear as the bad one.
    """
    return max(
        (
            node.children[0].planned_rows * node.children[1].planned_rows
            for node in plan.walk()
            if node.kind == "Nested Loop"
            and len(node.children) == 2  # noqa: PLR2004 - outer and inner
            and not any(below.kind in BY_INDEX for below in node.children[1].walk())
        ),
        default=0,
    )


def looked_up(plan: Node, alias: str) -> float:
    """Return the rows that indexes named for table *alias*, those too that were no hit."""
    total = 0.0
    for node in plan.walk():
        if not node.is_of(alias):
            continue
        below = [one for one in node.walk() if one.kind in BY_INDEX]
        total += sum(one.rows * one.loops for one in below)
    return total


def repeated(plan: Node, alias: str) -> float:
    """Return how often table *alias* was asked."""
    return max((node.loops for node in plan.walk() if node.is_of(alias)), default=0)
