"""WAL reaches every repository, backups are there, and the next ones are armed."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters.inventory import Declaration, load
from labdb.domain.health import timers
from labdb.domain.recovery.choice import in_short
from labdb.verify.conftest import Sql

ARCHIVED_WITHIN_SECONDS = 60
POLL_SECONDS = 0.1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Prove each declared repository by itself."""
    if "repository" in metafunc.fixturenames:
        folder, server = (os.environ[f"LABDB_VERIFY_{name}"] for name in ("INVENTORY", "SERVER"))
        metafunc.parametrize("repository", load(Path(folder), server).server.schedules)


def _info(host: Any, stanza: str) -> dict[str, Any]:
    text = host.check_output(
        "runuser -u postgres -- pgbackrest --stanza=%s info --output=json", stanza
    )
    (found,) = json.loads(text)
    info: dict[str, Any] = found
    return info


def _of(repository: int, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["database"]["repo-key"] == repository]


@pytest.fixture(scope="module")
def info(host: Any, declaration: Declaration) -> dict[str, Any]:
    """Return what pgBackRest says of the stanza."""
    return _info(host, declaration.server.stanza)


@pytest.fixture
def state(info: dict[str, Any], repository: int) -> dict[str, Any]:
    """Return what pgBackRest says of a repository; fails where it cannot be read."""
    (found,) = (item for item in info["repo"] if item["key"] == repository)
    assert found["status"]["code"] == 0, in_short(found["status"]["message"])
    state: dict[str, Any] = found
    return state


@pytest.mark.usefixtures("state")
def test_a_switched_wal_segment_reaches_the_repository(
    host: Any, sql: Sql, declaration: Declaration, repository: int
) -> None:
    (row,) = sql(
        "SELECT pg_walfile_name(pg_switch_wal()) AS segment "
        "FROM pg_logical_emit_message(true, 'labdb', 'verify')"
    )
    deadline = time.monotonic() + ARCHIVED_WITHIN_SECONDS
    newest = ""
    while time.monotonic() < deadline:
        newest = str(_of(repository, _info(host, declaration.server.stanza)["archive"])[-1]["max"])
        if newest >= row["segment"]:
            return
        time.sleep(POLL_SECONDS)
    (archiver,) = sql("SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver")
    raise AssertionError(f"{row['segment']} was not archived; newest {newest}; {archiver}")


@pytest.mark.usefixtures("state")
def test_a_backup_is_restorable_in_its_info(info: dict[str, Any], repository: int) -> None:
    sets = _of(repository, info["backup"])
    full = [item for item in sets if item["type"] == "full" and not item["error"]]
    assert full
    newest = _of(repository, info["archive"])[-1]
    assert newest["min"] <= full[-1]["archive"]["stop"] <= newest["max"]


def test_the_repository_is_encrypted(state: dict[str, Any]) -> None:
    assert state["cipher"] == "aes-256-cbc"


def test_the_repository_is_on_its_own_volume(host: Any, declaration: Declaration) -> None:
    mount = declaration.server.storage.backup.mount
    assert host.check_output("findmnt -no TARGET --target %s", f"{mount}/pgbackrest") == mount


def test_the_timers_are_armed(host: Any, declaration: Declaration) -> None:
    wanted = timers(declaration.server)
    asked = "ActiveState,UnitFileState,NextElapseUSecRealtime"
    shown = host.check_output(f"systemctl show -p {asked} {' '.join(wanted)}")
    armed = [dict(line.split("=", 1) for line in unit.splitlines()) for unit in shown.split("\n\n")]
    assert len(armed) == len(wanted)
    for timer in armed:
        assert timer["ActiveState"] == "active"
        assert timer["UnitFileState"] == "enabled"
        assert timer["NextElapseUSecRealtime"]


def test_nothing_is_stuck_in_the_archiver(sql: Sql) -> None:
    (row,) = sql(
        "SELECT failed_count, last_failed_time > coalesce(last_archived_time, '-infinity') "
        "AS failing FROM pg_stat_archiver"
    )
    assert not row["failing"]
