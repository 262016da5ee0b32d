"""Can a server open the buckets that keep its backups, as far as can be told beforehand?"""

from collections.abc import Collection
from pathlib import Path

from labdb.report import Finding
from labdb.spec import S3Repository, Server


def object_store_findings(
    server: Server, keys: Collection[str], files: Collection[str], vault: Path
) -> tuple[Finding, ...]:
    """Return a finding for each repository in a bucket.

    Args:
        server: the declaration.
        keys: the buckets whose key is in the vault.
        files: the declared certificates that are there.
        vault: the vault file of the server.
    """
    return tuple(
        _finding(number, repository, keys, files, vault)
        for number, repository in server.object_stores.items()
    )


def _finding(
    number: int,
    repository: S3Repository,
    keys: Collection[str],
    files: Collection[str],
    vault: Path,
) -> Finding:
    store, authority = repository.store, repository.ca_file
    if store not in keys:
        what = f"the vault holds no key of {store}"
        why = f"repository {number} is in that bucket, and whoever keeps it gives the key"
        return Finding("object store", "critical", what, why, _edit(store, vault))
    if authority is not None and authority not in files:
        what = f"{authority} does not exist"
        why = f"it is to be the CA of {store}, repository {number}"
        hint = f"put it there, or correct backup.repositories.{number - 2}.ca_file"
        return Finding("object store", "critical", what, why, hint)
    return Finding("object store", "ok", f"the vault holds a key of {store}")


def _edit(store: str, vault: Path) -> str:
    entry = f"s3_keys: {{{store}: {{key: ..., key_secret: ...}}}}"
    opened = f"ansible-vault edit {vault} (labdb secrets init makes it)"
    return f"{opened}, and write below labdb_secrets: {entry}"
