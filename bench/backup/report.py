"""The figures as tables: seconds, ratios, goals, and what they mean for larger databases."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.published import put

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "backup-speed.md"
GB = 1 << 30
SIZES = (30, 60, 250)
DAY_OF_WAL = 0.05
"""WAL between two backups, as a share of the data: what a differential set is planned with."""
FASTER, SLOWER = 1.5, 1.5
FULL, BASE = "pgbackrest full", "pg_basebackup"
VARIANT = "full: "
PITR_MINUTES, FULL_MINUTES, AT = 30, 60, 30
"""The lab's targets: a restore to a moment, a restore of everything, at so many GB."""


OTHERS = ("restore", "drill", VARIANT)


def median(result: dict[str, Any], name: str) -> float:
    """Return the middle one of the seconds of all rounds."""
    seconds: list[float] = result["seconds"][name]
    return statistics.median(seconds)


def processor(result: dict[str, Any], name: str) -> float:
    """Return the middle one of the processor seconds of all rounds."""
    seconds: list[float] = result["processor"][name]
    return statistics.median(seconds)


def limit(result: dict[str, Any]) -> float:
    """Return how many times pg_basebackup's rate a full set could reach on these cores.

    As if every core worked on it all the time, and nothing had to be waited for.
    """
    cores: int = result["cores"]
    least = processor(result, FULL) / cores
    return median(result, BASE) / least


def goals(result: dict[str, Any]) -> list[tuple[str, float, str, bool]]:
    """Return each goal with its figure, its limit, and whether it is met."""
    faster = median(result, BASE) / median(result, FULL)
    drilled = median(result, "drill: RTO") / median(result, "restore: copy back")
    return [
        ("full backup, rate against pg_basebackup", faster, f"at least {FASTER}", faster >= FASTER),
        ("drill, restore against copy back", drilled, f"at most {SLOWER}", drilled <= SLOWER),
    ]


def projection(result: dict[str, Any]) -> Iterator[tuple[int, float, float, float]]:
    """Yield for each size in GB the minutes of a full set, a restore, and a restore to a moment.

    A restore copies at the measured rate; replay goes at the rate of the measured one. Both are
    straight lines through the measured point, so a slower disk or network makes them longer.
    """
    size = result["size"]
    restored = median(result, "restore: pgbackrest")
    replay = max(median(result, "restore: pgbackrest to a moment") - restored, 0.1)
    for wanted in SIZES:
        data = wanted * GB
        full = median(result, "pgbackrest full") * data / size
        back = restored * data / size
        wal = replay * DAY_OF_WAL * data / result["wal"]
        yield wanted, full / 60, back / 60, (back + wal) / 60


def page(result: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    size = result["size"]
    base, copied = median(result, "pg_basebackup"), median(result, "restore: copy back")
    rounds = len(result["seconds"]["pg_basebackup"])
    measured = (
        f"Measured {result['date']} on {result['machine']}; {size / GB:.2f} GB in all databases, "
        f"{rounds} rounds, medians; load average {result['load']}.\n"
    )
    lines = [
        measured,
        "| Backup | Seconds | MB/s of data | Times pg_basebackup's rate | Stored |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in (item for item in result["seconds"] if not item.startswith(OTHERS)):
        seconds = median(result, name)
        rate = "" if "differential" in name else f"{size / seconds / (1 << 20):.0f}"
        ratio = "" if "differential" in name else f"{base / seconds:.2f}"
        stored = result["stored"].get(name)
        lines.append(
            f"| {name} | {seconds:.1f} | {rate} | {ratio} | "
            f"{f'{stored / GB:.2f} GB' if stored else ''} |"
        )
    lines += ["", *_parts(result)]
    lines += ["", "| Way back | Seconds | Times copy back |", "|---|---:|---:|"]
    for name in (item for item in result["seconds"] if item.startswith(("restore", "drill"))):
        seconds = median(result, name)
        lines.append(
            f"| {name.removeprefix('restore: ')} | {seconds:.1f} | {seconds / copied:.2f} |"
        )
    lines += ["", "| Goal | Figure | Limit | |", "|---|---:|---:|---|"]
    lines += [
        f"| {name} | {figure:.2f} | {limit} | {'met' if met else '**not met**'} |"
        for name, figure, limit, met in goals(result)
    ]
    lines += [
        "",
        "| Data | Full set | Restore of everything | Restore to a moment |",
        "|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {wanted} GB | {full:.1f} min | {back:.1f} min | {moment:.1f} min |"
        for wanted, full, back, moment in projection(result)
    ]
    at = next(row for row in projection(result) if row[0] == AT)
    said = (
        f"The lab's targets at {AT} GB: {PITR_MINUTES} minutes to a moment "
        f"({'met' if at[3] <= PITR_MINUTES else 'not met'}), {FULL_MINUTES} minutes for everything "
        f"({'met' if at[2] <= FULL_MINUTES else 'not met'})."
    )
    return "\n".join([*lines, "", said, ""])


def _parts(result: dict[str, Any]) -> Iterator[str]:
    """Yield the table of what a full set takes, and the limit that follows from it."""
    yield "| Full set | Seconds | Processor seconds | for each GB |"
    yield "|---|---:|---:|---:|"
    for name in (FULL, *(item for item in result["seconds"] if item.startswith(VARIANT)), BASE):
        spent = processor(result, name)
        shown = name.removeprefix(VARIANT)
        each = spent * GB / result["size"]
        yield f"| {shown} | {median(result, name):.1f} | {spent:.1f} | {each:.1f} |"
    yield ""
    yield (
        f"With {result['cores']} cores at work all the time a full set would take "
        f"{processor(result, FULL) / result['cores']:.1f} s, {limit(result):.2f} times the rate of "
        f"`pg_basebackup` as it was measured: the limit of this machine."
    )


def write(result: dict[str, Any], path: Path) -> None:
    """Keep the figures, and put the tables into their page."""
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    put(PAGE, page(result))
