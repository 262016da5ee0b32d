"""The declaration as JSON Schema, for editors and for other tools."""

from typing import Any

from labdb.spec import Server


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one declared server, ``labdb_server``."""
    schema = Server.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "labdb_server",
        **{key: value for key, value in schema.items() if key != "title"},
    }
