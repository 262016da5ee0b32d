"""The figures as tables, and the goals that they meet or miss."""

import json
from pathlib import Path
from typing import Any

from bench.published import put

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "sky-speed.md"
OURS = "labdb.in_cone"
SMALL, WIDE = 1.0, 6.0
"""Milliseconds of 95 in a hundred cones, of 1 arcmin and of 1 degree."""
MATCHES = 150_000
"""Matches in a second."""
MEMBERS = 1.0
"""Seconds to find the members of all voids."""
LAB = 6_400_000
"""Rows that the goals are stated for."""


def goals(result: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return each goal, at the lab's size, with figure, limit and whether it is met."""
    lab = max(
        (size for size in result["sizes"] if size["rows"] <= LAB), key=lambda size: size["rows"]
    )
    small, wide = (lab["cones"][OURS][name][1] for name in ("1 arcmin", "1 degree"))
    rate = lab["matches"]["crossmatch_all"]
    search = lab["space"]["search"]
    return [
        ("cone of 1 arcmin, p95", f"{small:.2f} ms", f"at most {SMALL:.0f} ms", small <= SMALL),
        ("cone of 1 degree, p95", f"{wide:.2f} ms", f"at most {WIDE:.0f} ms", wide <= WIDE),
        (
            "cross-match",
            f"{rate / 1000:.0f} k/s",
            f"at least {MATCHES / 1000:.0f} k/s",
            rate >= MATCHES,
        ),
        (
            f"members of all voids among {lab['space']['searched']:,} galaxies, found",
            f"{search:.2f} s",
            f"at most {MEMBERS:.0f} s",
            search <= MEMBERS,
        ),
    ]


def page(result: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    lines = [
        f"Measured {result['date']} on {result['machine']}; load average {result['load']}.",
        "",
        "| Rows | Radius | "
        + " | ".join(f"{name} p50 | p95" for name in result["sizes"][0]["cones"])
        + " |",
        "|---:|---:|" + "---:|---:|" * len(result["sizes"][0]["cones"]),
    ]
    for size in result["sizes"]:
        for radius in size["cones"][OURS]:
            cells = (f"{v:.2f} ms" for found in size["cones"].values() for v in found[radius])
            lines.append(f"| {size['rows']:,} | {radius} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| Rows | Load | Sort | Index | crossmatch_all | crossmatch_best | bare q3c_join |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size in result["sizes"]:
        made = " | ".join(f"{size['made'][name]:.1f} s" for name in ("load", "sort", "index"))
        rates = " | ".join(f"{rate / 1000:.0f} k/s" for rate in size["matches"].values())
        lines.append(f"| {size['rows']:,} | {made} | {rates} |")
    lines += [
        "",
        (
            "| Searched | Pairs | Search alone | Galaxies | Voids | Members | All stored "
            "| Nothing new | One void | Densities |"
        ),
        "|---:" * 10 + "|",
    ]
    for size in result["sizes"]:
        space = size["space"]
        searched = f"{space['searched']:,} | {space['pairs']:,} | {space['search']:.2f} s"
        counts = " | ".join(f"{space[name]:,}" for name in ("galaxies", "voids", "members"))
        times = (f"{space[name]:.2f} s" for name in ("all voids", "nothing new", "one void"))
        rate = f"{space['densities in a second'] / 1000:.1f} k/s"
        lines.append(f"| {searched} | {counts} | {' | '.join(times)} | {rate} |")
    lines += ["", "| Goal | Figure | Limit | |", "|---|---:|---:|---|"]
    lines += [
        f"| {name} | {figure} | {limit} | {'met' if met else '**not met**'} |"
        for name, figure, limit, met in goals(result)
    ]
    return "\n".join([*lines, ""])


def write(result: dict[str, Any], path: Path) -> None:
    """Keep the figures, and put the tables into their page."""
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    put(PAGE, page(result))
