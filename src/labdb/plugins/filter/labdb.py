"""Ansible face of :mod:`labdb.domain.variables`: the declaration becomes role variables."""

import json
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from pydantic import BaseModel, ValidationError

from labdb.domain.mistakes import mistakes
from labdb.domain.variables import role_variables
from labdb.errors import LabdbError
from labdb.spec import Environment, Server

Model = TypeVar("Model", bound=BaseModel)


def labdb_role_variables(server: Any, environment: Any) -> dict[str, Any]:
    """Return the variables of every role for the declared *server* in *environment*.

    Raises:
        AnsibleFilterError: the declaration is wrong; names key, reason and remedy.
    """
    try:
        return role_variables(
            _validated(Server, server, "labdb_server"),
            _validated(Environment, environment, "labdb_environment"),
        )
    except LabdbError as error:
        raise AnsibleFilterError(str(error)) from error


def _validated(model: type[Model], given: Any, name: str) -> Model:
    # Ansible hands over tagged and lazy values; JSON makes them plain.
    plain = json.loads(json.dumps(given))
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        lines = [f"{name}.{item.key}: {item.what} {item.hint}" for item in mistakes(error, model)]
        raise AnsibleFilterError("\n".join(line.strip() for line in lines)) from error


class FilterModule:
    """Filter ``labdb_role_variables``."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"labdb_role_variables": labdb_role_variables}
