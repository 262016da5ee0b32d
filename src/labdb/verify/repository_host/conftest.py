"""What the proofs of a repository host may ask for besides."""

import os
from pathlib import Path

import pytest

from labdb.adapters import inventory
from labdb.adapters.inventory import RepositoryHostDeclaration


@pytest.fixture(scope="session")
def declaration() -> RepositoryHostDeclaration:
    """Return the declared repository host."""
    folder = Path(os.environ["LABDB_VERIFY_INVENTORY"])
    found = inventory.load_machine(folder, os.environ["LABDB_VERIFY_SERVER"])
    assert isinstance(found, RepositoryHostDeclaration)
    return found
