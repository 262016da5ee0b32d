"""The steps that a guest plan is made of: one request each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a step asks of the API."""

    CLONE = "clone"
    CONFIGURE = "configure"
    RESIZE = "resize"
    CLOUD_INIT = "cloud-init"
    START = "start"
    RESTART = "restart"
    AWAIT = "await"
    ADD_RULE = "add rule"
    DELETE_RULE = "delete rule"
    FIREWALL = "firewall"
    CREATE_BACKUP = "create backup job"
    UPDATE_BACKUP = "update backup job"
    DELETE_BACKUP = "delete backup job"


@dataclass(frozen=True, slots=True)
class Step:
    """One request and its *parameters*; *what* is a sentence for the operator."""

    action: Action
    what: str
    parameters: Mapping[str, str] = field(default_factory=dict)
