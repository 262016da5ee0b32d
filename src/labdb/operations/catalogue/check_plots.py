"""Draw the plots of a checked table: the sky where it has positions, and what its model says."""

import base64
from collections.abc import Mapping

import psycopg

from labdb.adapters.catalogue import distribution, figures
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.table import Model, Table
from labdb.spec.check import Histogram


def pictures(
    connection: psycopg.Connection,
    target: Target,
    table: Table,
    model: Model,
    others: Mapping[str, Target],
) -> tuple[Mapping[str, str], ...]:
    """Return the plots: kind, title and the PNG in base64.

    *others* are the loaded tables of the *model*, by their names in it.
    """
    found = []
    if table.position:
        ra, dec = table.position
        where = distribution.sky(connection, target, ra, dec)
        title = f"{target} on the sky"
        found.append(_picture("sky", title, figures.sky(where, title)))
    beside = {one.name: one for one in model.tables}
    for plot in table.plots:
        places = [(target, table)]
        places += [(others[name], beside[name]) for name in plot.beside if name in others]
        counts = distribution.histogram(connection, plot, places)
        drawn = figures.histogram(plot, counts, label(plot, table))
        found.append(_picture("histogram", plot.title, drawn))
    return tuple(found)


def label(plot: Histogram, table: Table) -> str:
    """Return the label of the axis: what the plot says, else the column with its unit."""
    column = next((one for one in table.columns if one.name == plot.of), None)
    if plot.label or column is None:
        return plot.label or plot.of
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def _picture(kind: str, title: str, png: bytes) -> Mapping[str, str]:
    return {"kind": kind, "title": title, "png": base64.b64encode(png).decode("ascii")}
