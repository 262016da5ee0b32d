"""Plots of a checked table as PNG: the sky in Mollweide's projection, and histograms."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from labdb.adapters.catalogue.distribution import ACROSS, ALONG, Counts, Sky
from labdb.spec.check import Histogram

# Okabe and Ito's colours: told apart by every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
STYLES = ("-", "--", "-.", ":")
DOTS = 144
FEW = 1000
"""Up to so many points are drawn large."""
CENTRE = 120.0
"""Right ascension in the middle of the map: the survey's caps lie whole on both sides."""
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": "#5b6470",
    "axes.labelcolor": "#1d2733",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9dee4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": "#3a4654",
    "ytick.color": "#3a4654",
    "legend.frameon": False,
    "text.parse_math": False,  # a name with dollar signs is a name
}
SQUARE_DEGREES = 360**2 / np.pi
"""The whole sky: 4 pi steradians."""


def sky(found: Sky, title: str) -> bytes:
    """Return the map of *found*, east to the left as one sees the sky."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 5.0), layout="constrained")
        axes = figure.add_subplot(projection="mollweide")
        if found.bins:
            _density(figure, axes, found)
        else:
            places = np.array(found.points or np.empty((0, 2)), dtype=float)
            size = 14.0 if len(places) < FEW else 3.0
            axes.scatter(
                _across(places[:, 0]), np.radians(places[:, 1]), s=size, c=COLOURS[0],
                alpha=0.65, linewidths=0, rasterized=True,
            )  # fmt: skip
        hours = np.arange(-150, 151, 30)
        axes.set_xticks(np.radians(hours), [f"{(CENTRE - hour) % 360:.0f}°" for hour in hours])
        axes.tick_params(axis="x", labelsize=8, colors="#3a4654")
        for text in axes.get_xticklabels():  # they stand in the map, on top of what it shows
            text.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1})
            text.set_zorder(5)
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(True, color="#9aa5b1", linewidth=0.4, alpha=0.7)
        axes.set_axisbelow(False)
        axes.set_xlabel("right ascension [deg], declination upwards")
        axes.set_title(title, pad=14)
        return _png(figure)


def _across(ra: np.ndarray) -> np.ndarray:
    turned: np.ndarray = np.radians((CENTRE - ra + 180) % 360 - 180)
    return turned


def _density(figure: Figure, axes: mpl.axes.Axes, found: Sky) -> None:
    counts = np.zeros((ACROSS, ALONG))
    for along, across, count in found.bins:
        counts[across, along] = count
    density = counts / (SQUARE_DEGREES / (ALONG * ACROSS))
    # Columns begin where the map does, at CENTRE + 180, and run against right ascension.
    first = round((CENTRE + 180) % 360 / 360 * ALONG)
    turned = np.roll(density, -first, axis=1)[:, ::-1]
    edges = np.radians(np.linspace(-180, 180, ALONG + 1))
    heights = np.arcsin(np.linspace(-1, 1, ACROSS + 1))
    shown = np.ma.masked_equal(turned, 0)
    smallest, largest = float(shown.min()), float(shown.max())
    mesh = axes.pcolormesh(
        edges, heights, shown, cmap="cividis", rasterized=True,
        norm=LogNorm(smallest, largest) if largest > 30 * smallest else None,
    )  # fmt: skip
    bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", shrink=0.6, aspect=40, pad=0.06)
    bar.set_label("rows per square degree")
    bar.ax.xaxis.set_major_formatter(FuncFormatter(_plain))
    bar.ax.xaxis.set_minor_formatter(NullFormatter())
    bar.outline.set_visible(False)


def histogram(plot: Histogram, counts: Sequence[Counts], label: str) -> bytes:
    """Return the histogram: one outline a group, filled where there is one alone."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        edges = np.linspace(plot.minimum, plot.maximum, plot.bins + 1)
        for place, one in enumerate(counts):
            height = np.array(one.bins, dtype=float)
            inside = int(height.sum())
            if plot.share and inside:
                height = height / inside * 100
            colour = COLOURS[place % len(COLOURS)]
            name = f"{one.group} ({inside:,})" if one.group else None
            axes.stairs(
                height, edges, color=colour, linewidth=1.8, label=name,
                linestyle=STYLES[place % len(STYLES)] if len(counts) > 1 else "-",
            )  # fmt: skip
            if len(counts) == 1:
                axes.stairs(height, edges, color=colour, fill=True, alpha=0.25)
        if plot.log and any(sum(one.bins) for one in counts):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(integer=not plot.share))
        axes.yaxis.set_major_formatter(FuncFormatter(_plain))
        axes.set_xlim(plot.minimum, plot.maximum)
        axes.set_xlabel(label)
        axes.set_ylabel("share of rows in a bin [%]" if plot.share else "rows in a bin")
        axes.set_title(plot.title)
        if any(one.group for one in counts):
            axes.legend(title=plot.by, alignment="left")
        if outside := sum(one.outside for one in counts):
            axes.annotate(
                f"{outside:,} rows lie outside of the axis", (1, 1.015), xycoords="axes fraction",
                ha="right", va="bottom", fontsize=8, color="#5b6470",
            )  # fmt: skip
        return _png(figure)


def _plain(value: float, _: object) -> str:
    return f"{value:,.6g}"


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS, metadata={"Software": "labdb"})
    return buffer.getvalue()
