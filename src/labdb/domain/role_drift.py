"""Declared roles and databases against what the server has.

Settings are compared as text, because role postgresql_access compares them so: what is no
difference here is no change there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from labdb.domain.connections import (
    MONITORING_CONNECTIONS,
    MONITORING_ROLE,
    UNLIMITED,
    connection_limits,
)
from labdb.domain.database_settings import PLACED, database_settings
from labdb.domain.everybody import all_databases, all_roles
from labdb.domain.masked import masked
from labdb.domain.projects.apart import groups
from labdb.domain.projects.limits import settings_by_role
from labdb.domain.tuning import Inputs, tune
from labdb.facts import AccessState, DatabaseState, RoleState, StoredSetting
from labdb.report import Difference, Effect, Finding
from labdb.spec import RoleKind, Server

SUPERUSER = "postgres"
ALWAYS_THERE = ("postgres", "template1")
"""Databases that nobody declares, and that settings of a database may still be set for."""
EVERYBODY = "every role"
GROUP: Final = "group"


@dataclass(frozen=True, slots=True)
class DeclaredRole:
    """A role as it shall be: attributes by PostgreSQL's words, settings as text."""

    name: str
    kind: RoleKind | Literal["group"]
    connection_limit: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def attributes(self) -> Mapping[str, bool]:
        """What role postgresql_access gives to a role of this kind (its files/roles.sql)."""
        admin = self.kind == "admin"
        return {
            "LOGIN": self.kind != GROUP,
            "INHERIT": True,
            "SUPERUSER": False,
            "REPLICATION": False,
            "BYPASSRLS": False,
            "CREATEDB": admin,
            "CREATEROLE": admin,
        }


def declared_roles(server: Server) -> tuple[DeclaredRole, ...]:
    """Return the roles of *server*, its projects' groups, and the exporter's."""
    tuned = tune(Inputs.of(server)).roles
    settings = settings_by_role(server, tuned)
    roles = [DeclaredRole(group.name, GROUP, UNLIMITED) for group in groups(server)]
    roles += [
        DeclaredRole(role.name, role.kind, limit.connections, settings[role.name])
        for role, limit in zip(all_roles(server), connection_limits(server), strict=True)
    ]
    if MONITORING_ROLE not in {role.name for role in roles}:
        monitoring = tuned["monitoring"]
        roles.append(
            DeclaredRole(MONITORING_ROLE, "monitoring", MONITORING_CONNECTIONS, monitoring)
        )
    return tuple(roles)


def access_differences(server: Server, access: AccessState) -> tuple[Difference, ...]:
    """Return what of the declared roles and databases is not as declared."""
    return (
        *role_differences(declared_roles(server), access.roles, access.stored),
        *database_differences(server, access.databases, access.stored),
    )


def role_differences(
    wanted: Iterable[DeclaredRole], roles: Iterable[RoleState], stored: Iterable[StoredSetting]
) -> tuple[Difference, ...]:
    """Return what of the declared roles is not as declared.

    Settings that a role has in one database only are not here: see :func:`beyond`.
    """
    live = {role.name: role for role in roles}
    own: dict[str, dict[str, str]] = {}
    for item in stored:
        if item.role and item.database is None:
            own.setdefault(item.role, {})[item.name] = item.value
    found: list[Difference] = []
    for role in wanted:
        subject = f"role {role.name}"
        if role.name not in live:
            found.append(Difference(subject, "role", Effect.CREATE, declared=role.kind))
            continue
        found += _attributes(subject, role, live[role.name])
        if role.kind == GROUP:
            continue  # nobody logs in as a group: what is set for one has no effect
        has = own.get(role.name, {})
        found += [
            Difference(
                subject,
                name,
                Effect.NEXT_SESSION,
                declared=role.settings.get(name),
                running=masked(has[name]) if name in has else None,
                reason="ALTER ROLE",
            )
            for name in sorted({*role.settings, *has})
            if role.settings.get(name) != has.get(name)
        ]
    return tuple(found)


def _attributes(subject: str, wanted: DeclaredRole, live: RoleState) -> list[Difference]:
    found = [
        Difference(
            subject, name, Effect.LIVE, declared=_word(value), running=_word(live.attributes[name])
        )
        for name, value in wanted.attributes.items()
        if live.attributes[name] is not value
    ]
    if wanted.connection_limit != live.connection_limit:
        found.append(
            Difference(
                subject,
                "CONNECTION LIMIT",
                Effect.NEXT_SESSION,
                declared=_limit(wanted.connection_limit),
                running=_limit(live.connection_limit),
            )
        )
    return found


def beyond(server: Server, stored: Iterable[StoredSetting]) -> tuple[StoredSetting, ...]:
    """Return what ``ALTER`` set and the declaration has no place for.

    That is what it cannot set for a database of ours, and everything for every role, for the
    superuser, and for a declared role in one database. Roles and databases that are not
    declared are their makers' matter.
    """
    declared = {item.name for item in all_databases(server)}
    databases = declared | {server.access.template, *ALWAYS_THERE}
    roles = {role.name for role in all_roles(server)} | {MONITORING_ROLE, SUPERUSER}
    found = []
    for item in stored:
        everywhere = item.role is None and item.database is None
        is_roles_own = item.database is None and item.role in roles - {SUPERUSER}
        is_databases_own = item.role is None and item.database in declared and item.name in PLACED
        ours = item.role in roles or item.database in databases
        if (ours or everywhere) and not (is_roles_own or is_databases_own):
            found.append(item)
    return tuple(found)


def beyond_differences(items: Iterable[StoredSetting]) -> tuple[Difference, ...]:
    """Return a row for each of :func:`beyond`."""
    return tuple(
        Difference(
            _whose(item),
            item.name,
            Effect.NEXT_SESSION,
            running=masked(item.value),
            reason=f"ALTER {_kind(item)}; not declared",
        )
        for item in items
    )


def _kind(item: StoredSetting) -> str:
    return "DATABASE" if item.database and not item.role else "ROLE"


def _whose(item: StoredSetting) -> str:
    if item.role and item.database:
        return f"role {item.role} in {item.database}"
    if item.role:
        return f"role {item.role}"
    return f"database {item.database}" if item.database else EVERYBODY


def others(server: Server, stored: Iterable[StoredSetting]) -> tuple[Finding, ...]:
    """Return a finding that names what is not declared and has settings."""
    ours = set(beyond(server, stored))
    declared = {role.name for role in all_roles(server)} | {MONITORING_ROLE}
    names = sorted(
        {_whose(item) for item in stored if item not in ours and item.role not in declared}
    )
    if not names:
        return ()
    what = f"settings of what is not declared: {', '.join(names)}"
    return (Finding("settings", "info", what, "they are their makers' matter"),)


def database_differences(
    server: Server, databases: Iterable[DatabaseState], stored: Iterable[StoredSetting] = ()
) -> tuple[Difference, ...]:
    """Return what of the declared databases is not as declared."""
    live = {database.name: database for database in databases}
    own: dict[str, dict[str, str]] = {}
    for item in stored:
        if item.database and item.role is None and item.name in PLACED:
            own.setdefault(item.database, {})[item.name] = item.value.replace('"', "")
    found: list[Difference] = []
    for database in all_databases(server):
        subject, has = f"database {database.name}", live.get(database.name)
        if has is None:
            found.append(Difference(subject, "database", Effect.CREATE, declared=database.owner))
            continue
        if has.owner != database.owner:
            found.append(
                Difference(
                    subject, "owner", Effect.LIVE, declared=database.owner, running=has.owner
                )
            )
        # Below UNLIMITED: an interrupted DROP DATABASE left it.
        if UNLIMITED <= has.connection_limit != database.connection_limit:
            found.append(
                Difference(
                    subject,
                    "CONNECTION LIMIT",
                    Effect.NEXT_SESSION,
                    declared=_limit(database.connection_limit),
                    running=_limit(has.connection_limit),
                )
            )
        wanted, stands = database_settings(database.settings), own.get(database.name, {})
        found += [
            Difference(
                subject,
                name,
                Effect.NEXT_SESSION,
                declared=wanted.get(name),
                running=masked(stands[name]) if name in stands else None,
                reason="ALTER DATABASE",
            )
            for name in PLACED
            if wanted.get(name) != stands.get(name)
        ]
    return tuple(found)


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _limit(number: int) -> str:
    return "none" if number == UNLIMITED else str(number)
