"""An answer as a picture: points and circles on a map, or lines; one colour for each group."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from labdb.spec.research_query import Plot, ResearchQuery

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
        for number, (name, members) in enumerate(_groups(plot, rows).items()):
            _group(axes, plot, members, name, COLOURS[number % len(COLOURS)])
        axes.set_xlabel(_label(about, plot.x))
        axes.set_ylabel(_label(about, plot.y))
        axes.set_title(about.title)
        if plot.log:
            axes.set_yscale("log")
        if plot.radius:
            axes.set_aspect("equal", adjustable="datalim")
        if plot.group and rows:
            axes.legend(frameon=False, markerscale=2)
        figure.savefig(path, dpi=DOTS)


def _groups(plot: Plot, rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row[plot.x] is not None and row[plot.y] is not None:
            groups.setdefault(str(row[plot.group]) if plot.group else "", []).append(row)
    return dict(sorted(groups.items()))


def _group(axes: Axes, plot: Plot, rows: Rows, name: str, colour: str) -> None:
    circles = [row for row in rows if plot.radius and row[plot.radius] is not None]
    if circles:
        shapes = [Circle((row[plot.x], row[plot.y]), row[str(plot.radius)]) for row in circles]
        axes.add_collection(
            PatchCollection(shapes, facecolor="none", edgecolor=colour, linewidth=0.8)
        )
        axes.plot([], [], color=colour, linewidth=0.8, label=name)
        axes.autoscale_view()
        return
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
