"""Parameters that the declaration sets by hand: known, in range, and nobody else's business."""

from collections.abc import Mapping

from labdb.domain.parameters import lookup
from labdb.errors import DeclarationError
from labdb.spec import Server

DECLARED_ELSEWHERE = {
    "port": "postgresql.port",
    "data_directory": "postgresql.data_directory",
    "TimeZone": "postgresql.timezone",
    "log_timezone": "postgresql.timezone",
    "listen_addresses": "guest.network.address",
    "max_connections": "workload.max_connections",
    "archive_timeout": "backup.archive_timeout_seconds",
}
LABDBS_OWN = {
    "archive_mode": "backups depend on it",
    "archive_command": "backups depend on it",
    "archive_library": "archive_command is in use",
    "config_file": "the Debian cluster's layout is kept",
    "hba_file": "pg_hba.conf is made from access.clients",
    "ident_file": "the Debian cluster's layout is kept",
    "ssl_cert_file": "the certificate is postgresql.tls' matter",
    "ssl_key_file": "the certificate is postgresql.tls' matter",
}
UNSAFE = {
    "ssl": {"off": "passwords and data would cross the network in the clear"},
    "ssl_min_protocol_version": {
        "": "protocols older than TLS 1.2 are broken",
        "tlsv1": "protocols older than TLS 1.2 are broken",
        "tlsv1.1": "protocols older than TLS 1.2 are broken",
    },
    "password_encryption": {"md5": "pg_hba.conf accepts scram-sha-256 alone"},
    "fsync": {"off": "a crash would destroy the cluster"},
    "full_page_writes": {"off": "a crash would tear pages"},
    "wal_level": {"minimal": "archiving and backups need replica"},
}


def overrides(server: Server) -> Mapping[str, str]:
    """Return the declared parameters as text, by PostgreSQL's own spelling of the name.

    Raises:
        DeclarationError: see :func:`checked`.
    """
    return checked(server.postgresql.parameters, server.postgresql.major)


def checked(parameters: Mapping[str, str | int | float | bool], major: int) -> Mapping[str, str]:
    """Return *parameters* set by hand as text, by PostgreSQL's own spelling of the name.

    Raises:
        DeclarationError: this major version has no such parameter, it does not take the
            value, the value is unsafe, or the parameter is declared elsewhere.
    """
    found: dict[str, str] = {}
    for name, given in parameters.items():
        key = f"postgresql.parameters.{name}"
        parameter = lookup(name, major)
        text = ("on" if given else "off") if isinstance(given, bool) else str(given)
        if place := DECLARED_ELSEWHERE.get(parameter.name):
            raise DeclarationError(f"{key}: this is declared elsewhere", hint=f"declare {place}")
        if why := LABDBS_OWN.get(parameter.name):
            raise DeclarationError(f"{key}: labdb sets this itself", why=why, hint="remove the key")
        try:
            value = parameter.parse(text)
        except ValueError as error:
            hint = f"its type is {parameter.type}" + (
                f", its unit {parameter.unit}" if parameter.unit else ""
            )
            raise DeclarationError(f"{key}: {error}", hint=hint) from error
        if why := UNSAFE.get(parameter.name, {}).get(str(value)):
            raise DeclarationError(f"{key}: {text!r} is refused", why=why, hint="remove the key")
        found[parameter.name] = text
    return found
