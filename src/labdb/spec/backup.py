"""When backups are made, how long they are kept, and how they are proven."""

from typing import Self

from pydantic import Field, model_validator

from labdb.spec.base import CALENDAR, NAME, Declared
from labdb.spec.repositories import OffHostRepository
from labdb.spec.schedule import Schedule


class Invariant(Declared):
    """Something that holds in a database as long as its data are whole."""

    name: str = Field(min_length=1, description="What it is called in the verdict.")
    database: str = Field(pattern=NAME, description="Where it is asked.")
    sql: str = Field(
        min_length=1,
        description="An expression that answers true, for example "
        "`(SELECT count(*) >= 6445927 FROM galaxies)`.",
    )


class Drill(Declared):
    """Backups that are restored on a schedule to prove them."""

    schedule: str = Field(
        default="Sun *-*-* 06:00:00", description=f"When a drill is made: {CALENDAR}."
    )
    cpu_percent: int = Field(
        default=100, ge=10, description="Time of one core that a drill may take, in percent."
    )
    invariants: tuple[Invariant, ...] = Field(
        default=(), description="What must hold in the restored data."
    )


class Export(Declared):
    """Logical exports of every declared database, each restored to prove it."""

    schedule: str = Field(
        default="Sun *-*-* 04:00:00", description=f"When exports are made: {CALENDAR}."
    )
    retention_days: int = Field(default=90, ge=1, description="Days that exports are kept.")
    jobs: int = Field(default=2, ge=1, le=32, description="Tables at the same time.")


class Backup(Declared):
    """pgBackRest."""

    stanza: str | None = Field(
        default=None, pattern=NAME, description="Stanza; the server's name when absent."
    )
    schedule: Schedule = Schedule()
    retention_days: int = Field(default=30, ge=1, description="Days that full backups are kept.")
    recovery_window_days: int = Field(
        default=7, ge=1, description="Days back to which every moment must be restorable."
    )
    repositories: tuple[OffHostRepository, ...] = Field(
        default=(),
        max_length=3,
        description="Repositories off the host: 2, 3 and so on; 1 is the backup volume.",
    )
    archive_timeout_seconds: int = Field(
        default=300, ge=30, le=900, description="Longest age of unarchived WAL (RPO when idle)."
    )
    processes: int = Field(default=2, ge=1, le=32, description="process-max for backups.")
    drill: Drill = Field(
        default=Drill(),
        description="Restore drills; written down, they must find room at the expected size.",
    )
    export: Export | None = Field(default=None, description="Logical exports, none when absent.")

    @property
    def drill_is_declared(self) -> bool:
        """Tell whether somebody wrote drills down; without a word they are made where they fit."""
        return "drill" in self.model_fields_set

    @model_validator(mode="after")
    def _places_differ(self) -> Self:
        places = [repository.place for repository in self.repositories]
        for place in places:
            if places.count(place) > 1:
                raise ValueError(
                    f"repositories: {place} stands there twice; a second copy in one place saves "
                    "nothing"
                )
        return self
