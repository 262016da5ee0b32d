"""Look whether a server has what opens the buckets that are to keep its backups."""

from labdb.adapters import vault
from labdb.adapters.inventory import Declaration
from labdb.domain.object_store_findings import object_store_findings
from labdb.errors import DeclarationError
from labdb.paths import expand
from labdb.report import Finding


def object_stores(declaration: Declaration) -> tuple[Finding, ...]:
    """Return a finding for each declared bucket, or one that says why nobody could look.

    Whoever only plans may be without the vault key. A run is not: it opens the same file.
    """
    stores = declaration.server.object_stores
    if not stores:
        return ()
    try:
        keys = vault.s3_keys(declaration)
    except DeclarationError as error:
        what = "nobody looked whether the vault holds the keys of the buckets"
        return (Finding("object store", "warning", what, error.what, error.hint),)
    named = {item.ca_file for item in stores.values() if item.ca_file}
    files = {name for name in named if expand(name, relative_to=declaration.inventory).is_file()}
    return object_store_findings(declaration.server, keys, files, declaration.server_vault)
