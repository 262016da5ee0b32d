"""The results as pictures: ratios to stock by class, and peak memory against the machine's."""

from collections.abc import Sequence
from math import log2
from pathlib import Path

import matplotlib as mpl
from bench.tuning import figures
from bench.tuning.figures import CLASSES
from bench.tuning.results import Record
from matplotlib.figure import Figure

GIGABYTE = 1 << 30
FASTEST = 2.0
"""log2 of the ratio where the colours end: four times as fast, or as slow."""
mpl.use("Agg")


def draw(records: Sequence[Record], contenders: Sequence[str], folder: Path, stem: str) -> None:
    """Write ``STEM-ratios.png`` and ``STEM-memory.png`` into *folder*."""
    _ratios(records, contenders).savefig(folder / f"{stem}-ratios.png", dpi=110)
    _memory(records, contenders).savefig(folder / f"{stem}-memory.png", dpi=110)


def _ratios(records: Sequence[Record], contenders: Sequence[str]) -> Figure:
    found = figures.by_class(figures.measurements(records))
    shown = [kind for kind in CLASSES if any(kind in kinds for kinds in found.values())]
    figure = Figure(figsize=(1.5 + 1.05 * len(shown), 1.5 + 0.42 * len(contenders)))
    axes = figure.add_subplot()
    ratios = [[found.get(one, {}).get(kind, 0.0) for kind in shown] for one in contenders]
    colours = [[log2(ratio) if ratio else float("nan") for ratio in row] for row in ratios]
    axes.imshow(colours, cmap="RdYlGn", vmin=-FASTEST, vmax=FASTEST, aspect="auto")
    for row, values in enumerate(ratios):
        for column, ratio in enumerate(values):
            said = f"{ratio:.2f}" if ratio else "-"
            axes.text(column, row, said, ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(shown)), shown, rotation=30, ha="right")
    axes.set_yticks(range(len(contenders)), contenders)
    axes.set_title("Times as fast as PostgreSQL's defaults (geometric mean of the class)")
    figure.tight_layout()
    return figure


def _memory(records: Sequence[Record], contenders: Sequence[str]) -> Figure:
    health = [figures.health(records, one) for one in contenders]
    figure = Figure(figsize=(8, 1.3 + 0.42 * len(contenders)))
    axes = figure.add_subplot()
    left = [0.0] * len(contenders)
    for name in ("private", "shared", "kernel"):
        widths = [getattr(one.peak, name) / GIGABYTE for one in health]
        axes.barh(contenders, widths, left=left, label=name)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for row, one in enumerate(health):
        if one.failures or one.oom_kills:
            said = f" {len(one.failures)} failed, {one.oom_kills} OOM kills"
            axes.text(left[row], row, said, va="center", fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("GB at the peak, page cache left out")
    axes.legend()
    figure.tight_layout()
    return figure
