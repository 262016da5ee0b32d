"""The declared clients against the rows of pg_hba.conf, as the server reads them now."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from labdb.domain.access import HbaRow, hba_rows
from labdb.domain.masked import masked
from labdb.facts import ClientRule
from labdb.report import Difference, Effect, Finding
from labdb.spec import Server


def client_differences(server: Server, rules: Sequence[ClientRule]) -> tuple[Difference, ...]:
    """Return the rows of pg_hba.conf that are not declared, and the declared ones that lack."""
    declared = [_declared_rule(row) for row in hba_rows(server)]
    live = {_rule(rule): rule for rule in rules if not rule.error}
    found = [
        Difference("client", text, Effect.RELOAD, declared="in pg_hba.conf", file=None)
        for text in declared
        if text not in live
    ]
    found += [
        Difference(
            "client", masked(text), Effect.RELOAD, file=f"line {rule.line}", reason="not declared"
        )
        for text, rule in live.items()
        if text not in declared
    ]
    if not found and list(live) != declared:
        found.append(
            Difference(
                "client",
                "order of pg_hba.conf",
                Effect.RELOAD,
                declared="the client table's",
                file="another",
                reason="the first row that matches decides",
            )
        )
    return tuple(found)


def client_findings(rules: Iterable[ClientRule]) -> tuple[Finding, ...]:
    """Return the rows of pg_hba.conf that the server cannot read."""
    return tuple(
        Finding(
            "client",
            "critical",
            f"pg_hba.conf line {rule.line}: {rule.error}",
            "the server keeps the rows that it has, and lets nobody in after a restart",
            "labdb drift --fix writes the file anew",
        )
        for rule in rules
        if rule.error
    )


def _declared_rule(row: HbaRow) -> str:
    words = (row.type, row.database, row.user, _network(row.address), row.method)
    return " ".join(word for word in words if word)


def _rule(rule: ClientRule) -> str:
    words = (rule.type, rule.database, rule.user, _network(rule.address), rule.method)
    return " ".join(word for word in words if word)


def _network(text: str) -> str:
    """Return address and mask as a network; what is no network stays as it is."""
    address, slash, mask = text.partition("/")
    if not slash:
        return text
    bits = mask if mask.isdigit() else int(ip_address(mask)).bit_count()
    return str(ip_network(f"{address}/{bits}", strict=False))
