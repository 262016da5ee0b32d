"""The declarations as JSON Schema, for editors and for other tools."""

from typing import Any

from labdb.spec import Machine, RepositoryHost, Server

DECLARATIONS: dict[str, type[Machine]] = {
    "labdb_server": Server,
    "labdb_repository_host": RepositoryHost,
}
"""What can be declared, by the variable that holds it."""


def json_schema(name: str = "labdb_server") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what the variable *name* holds."""
    schema = DECLARATIONS[name].model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        **{key: value for key, value in schema.items() if key != "title"},
    }
