"""Figures as Prometheus reads them.

Source: Prometheus documentation, "Exposition formats", text-based format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure: its metric, what that means, its labels and its value."""

    name: str
    meaning: str
    labels: Mapping[str, str]
    value: float


def exposition(gauges: Sequence[Gauge]) -> str:
    r"""Return the text; the figures of a metric stand together, in the order of their first.

    >>> exposition([Gauge("up", "Whether it is up.", {"job": "node"}, 1)])
    '# HELP up Whether it is up.\n# TYPE up gauge\nup{job="node"} 1\n'
    """
    text = ""
    for name in dict.fromkeys(gauge.name for gauge in gauges):
        family = [gauge for gauge in gauges if gauge.name == name]
        text += f"# HELP {name} {family[0].meaning}\n# TYPE {name} gauge\n"
        for gauge in family:
            labels = ",".join(f'{key}="{_escaped(told)}"' for key, told in gauge.labels.items())
            text += f"{name}{{{labels}}} {float(gauge.value):.15g}\n"
    return text


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
