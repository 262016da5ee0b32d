"""The emulated cluster as a file: nodes, bridges, storages, tokens and guests."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labdb.errors import DeclarationError

HERE = Path(__file__).parent
DEFAULT = HERE / "cluster.yml"
PRODUCTION_TODAY = HERE / "cluster-production-today.yml"

GIB = 1 << 30


class Part(BaseModel):
    """Frozen; refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(Part):
    """A Proxmox VE node: its processors and its memory in GiB."""

    cpus: int
    memory_gib: int
    model: str = "emulated"
    online: bool = True


class Bridge(Part):
    """A Linux bridge that every node has."""

    vlan_aware: bool = False
    ports: str = ""
    comment: str = ""


class Storage(Part):
    """A storage; sizes in GiB, ``nodes`` empty means every node."""

    type: Literal["dir", "lvm", "lvmthin"]
    content: tuple[str, ...]
    total_gib: float
    nodes: tuple[str, ...] = ()
    options: dict[str, str] = Field(default_factory=dict)
    files: dict[str, float] = Field(default_factory=dict)
    """Files that lie there already (``import/debian.qcow2``) and their size in GiB."""


class Token(Part):
    """An API token and what it may do, by path."""

    privileges: dict[str, tuple[str, ...]]


class Guest(Part):
    """A virtual machine that is there from the start.

    ``bookkeeping`` guests have no machine behind them whatever the lab runs on;
    ``address`` is what their agent reports.
    """

    vmid: Annotated[int, Field(ge=100)]
    name: str
    node: str
    config: dict[str, int | str]
    template: bool = False
    running: bool = False
    agent: bool = True
    bookkeeping: bool = False
    address: str = ""


class Cluster(Part):
    """The whole file."""

    name: str
    version: str
    nameservers: tuple[str, ...]
    searchdomain: str
    nodes: dict[str, Node]
    bridges: dict[str, Bridge]
    storages: dict[str, Storage]
    tokens: dict[str, Token]
    guests: tuple[Guest, ...]


def load(path: Path = DEFAULT) -> Cluster:
    """Return the cluster that *path* declares.

    ``198.18.`` in the text stands for the lab's own range (``LABDB_LAB_NETWORK``).

    Raises:
        DeclarationError: the file cannot be read or does not fit.
    """
    prefix = os.environ.get("LABDB_LAB_NETWORK", "198.18")
    try:
        text = path.read_text().replace("198.18.", f"{prefix}.")
        data: Any = yaml.safe_load(text)
        return Cluster.model_validate(data)
    except OSError as error:
        raise DeclarationError(
            f"cannot read the cluster file {path}",
            why=str(error),
            hint=f"begin with a copy of {DEFAULT}",
        ) from error
    except (yaml.YAMLError, ValidationError) as error:
        why = str(error).replace("\n", "; ")
        raise DeclarationError(
            f"the cluster file {path} is not usable", why=why, hint=f"compare it with {DEFAULT}"
        ) from error
