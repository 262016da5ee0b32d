"""What a captured plan tells: its shape, what it spilled, which workers it got."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

PAGE = 8192
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan in a few words; *spilled* in bytes written to temporary files."""

    shape: str
    seconds: float
    planning: float
    spilled: int
    batches: int
    workers_planned: int
    workers_launched: int
    read: int
    misjudged: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures for the results."""
        return asdict(self)


def summarise(explained: Mapping[str, Any]) -> PlanSummary:
    """Return the summary of one result of EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)."""
    top = explained["Plan"]
    nodes = list(walk(top))
    return PlanSummary(
        shape=shape(top),
        seconds=explained["Execution Time"] / 1000,
        planning=explained["Planning Time"] / 1000,
        spilled=top.get("Temp Written Blocks", 0) * PAGE,
        batches=max((node.get("Hash Batches", 1) for node in nodes), default=1),
        workers_planned=sum(node.get("Workers Planned", 0) for node in nodes),
        workers_launched=sum(node.get("Workers Launched", 0) for node in nodes),
        read=(top.get("Shared Read Blocks", 0)) * PAGE,
        misjudged=max(_misjudged(node) for node in nodes),
    )


def walk(node: Node) -> Iterator[Node]:
    """Yield *node* and everything below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


def shape(node: Node) -> str:
    """Return the plan as nested node names, tables where they are read.

    >>> shape({"Node Type": "Sort", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "t"}]})
    'Sort(Seq Scan t)'
    """
    name = node["Node Type"]
    if name == "Aggregate":
        name = f"{node.get('Partial Mode', 'Simple')} {node.get('Strategy', '')} Aggregate"
        name = name.replace("Simple ", "")
    if node.get("Parallel Aware"):
        name = f"Parallel {name}"
    detail = node.get("Index Name") or node.get("Relation Name") or ""
    inner = ", ".join(shape(child) for child in node.get("Plans", ()))
    return f"{name}{f' {detail}' if detail else ''}{f'({inner})' if inner else ''}"


def _misjudged(node: Node) -> float:
    """Return by what factor the planner was wrong about the rows of *node*."""
    found, thought = max(1, node.get("Actual Rows", 1)), max(1, node["Plan Rows"])
    return max(found / thought, thought / found) if node.get("Actual Loops", 1) else 1.0
