"""Which table of which model a catalogue in a database is."""

from labdb.adapters.catalogue import models
from labdb.adapters.catalogue.loaded import Loaded
from labdb.domain.catalogue.table import Table
from labdb.errors import LabdbError


def table_of(one: Loaded, model: str | None = None) -> Table | None:
    """Return the model's table that *one* was loaded by; None where labdb has no such model.

    *model* is the path of a user's own, whose files are not where labdb would look.

    Raises:
        LabdbError: there is no model *model*, or it is none.
    """
    try:
        found = models.load(model or one.model)
    except LabdbError:
        if model:
            raise
        return None
    return next((table for table in found.tables if table.name == one.model_table), None)
