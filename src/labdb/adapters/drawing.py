"""An answer as a picture: points and circles on a map, or lines; one colour for each group."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from labdb.spec.research_query import Plot, ResearchQuery

OUTLINE = "#303030"
COLOURS = ("#3b6fb6", "#b0b0b0", "#d1495b", "#edae49", "#00798c", "#8d5a97")
SIZE = (8.0, 6.0)
DOTS = 150
FEW = 5000
"""Up to here points are large enough to be seen one by one."""
Rows = Sequence[Mapping[str, Any]]


def draw(about: ResearchQuery, rows: Rows, path: Path) -> None:
    """Draw *rows* as *about* says, and write the picture to *path*; its ending is the format.

    Raises:
        OSError: the file cannot be written.
        ValueError: matplotlib knows no such format, or the query has no plot.
    """
    plot = about.plot
    if plot is None:
        raise ValueError("this query has no plot")
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "labdb"}):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        colours = cycle(COLOURS)
        for name, members in _groups(plot, rows).items():
            if plot.radius and members[0][plot.radius] is not None:
                _circles(axes, plot, members, name)
            else:
                _group(axes, plot, members, name, next(colours))
        axes.set_xlabel(_label(about, plot.x))
        axes.set_ylabel(_label(about, plot.y))
        axes.set_title(about.title)
        if plot.log:
            axes.set_yscale("log")
        if plot.radius:
            axes.set_aspect("equal", adjustable="box")
        if plot.group and rows:
            scale = 1 if plot.kind == "lines" else 2
            beside = (1.01, 1)
            axes.legend(loc="upper left", bbox_to_anchor=beside, frameon=False, markerscale=scale)
        figure.savefig(path, dpi=DOTS, bbox_inches="tight")


def _groups(plot: Plot, rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row[plot.x] is not None and row[plot.y] is not None:
            groups.setdefault(str(row[plot.group]) if plot.group else "", []).append(row)
    return dict(sorted(groups.items()))


def _circles(axes: Axes, plot: Plot, rows: Rows, name: str) -> None:
    shapes = [Circle((row[plot.x], row[plot.y]), row[str(plot.radius)]) for row in rows]
    axes.add_collection(
        PatchCollection(shapes, facecolor="none", edgecolor=OUTLINE, linewidth=1.2, zorder=3)
    )
    axes.plot([], [], color=OUTLINE, linewidth=1.2, label=name)
    axes.autoscale_view()


def _group(axes: Axes, plot: Plot, rows: Rows, name: str, colour: str) -> None:
    x, y = [row[plot.x] for row in rows], [row[plot.y] for row in rows]
    if plot.kind == "lines":
        bars = [row[plot.error] for row in rows] if plot.error else None
        axes.errorbar(x, y, bars, color=colour, marker="o", markersize=3, capsize=2, label=name)
    else:
        size = 4 if len(rows) < FEW else 0.5
        axes.scatter(x, y, s=size, color=colour, linewidths=0, label=name)


def _label(about: ResearchQuery, name: str) -> str:
    unit = about.columns[name].unit
    return f"{name} [{unit}]" if unit else name
