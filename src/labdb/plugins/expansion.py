"""The declaration as Ansible hands it over becomes role variables, or a clean error."""

import json
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from pydantic import BaseModel, ValidationError

from labdb.domain.mistakes import Mistake, mistakes
from labdb.domain.schema import DECLARATIONS
from labdb.domain.variables import role_variables
from labdb.errors import LabdbError
from labdb.spec import Environment

Model = TypeVar("Model", bound=BaseModel)


def expand(machine: Any, environment: Any, kind: str) -> dict[str, Any]:
    """Return the variables of every role for the declared *machine* in *environment*.

    Args:
        machine: the declared mapping.
        environment: what the machines of an inventory share.
        kind: the name of the variable that held the mapping.

    Raises:
        AnsibleFilterError: the declaration is wrong; names key, reason and remedy.
    """
    try:
        return role_variables(
            _validated(DECLARATIONS[kind], machine, kind),
            _validated(Environment, environment, "labdb_environment"),
        )
    except LabdbError as error:
        raise AnsibleFilterError(str(error)) from None  # Ansible prints causes too


def _validated(model: type[Model], given: Any, name: str) -> Model:
    # Ansible hands over tagged and lazy values; JSON makes them plain.
    try:
        plain = json.loads(json.dumps(given))
    except TypeError:
        raise AnsibleFilterError(f"{name}: holds something that is no plain value") from None
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        lines = [_said(name, item) for item in mistakes(error, model)]
        raise AnsibleFilterError("\n".join(lines)) from None


def _said(name: str, mistake: Mistake) -> str:
    key = f"{name}.{mistake.key}" if mistake.key else name
    return f"{key}: {mistake.what}" + (f"; {mistake.hint}" if mistake.hint else "")
