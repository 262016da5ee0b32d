"""Editors and other tools judge a declaration as labdb does."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from labdb.domain.schema import json_schema

TOP = Path(__file__).parents[3]


def _declared(environment: str) -> dict[str, Any]:
    path = TOP / "inventories" / environment / "host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_shipped_declarations_pass(environment: str) -> None:
    assert list(Draft202012Validator(json_schema()).iter_errors(_declared(environment))) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("workload", "max_conections", 5),
        ("guest", "memory", 8),
        ("guest", "memory", "8gb"),
        ("backup", "retention_days", 0),
        ("storage", "kind", "tape"),
    ],
)
def test_a_wrong_key_or_value_fails(section: str, key: str, value: object) -> None:
    server = _declared("lab")
    server.setdefault(section, {})[key] = value
    assert list(Draft202012Validator(json_schema()).iter_errors(server))
