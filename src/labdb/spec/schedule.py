"""When backups are made."""

from pydantic import Field

from labdb.spec.base import CALENDAR, Declared


class Schedule(Declared):
    """When backups are made."""

    full: str = Field(default="Sun *-*-* 02:00:00", description=f"Full backup: {CALENDAR}.")
    differential: str = Field(
        default="Mon..Sat *-*-* 02:00:00", description=f"Differential backup: {CALENDAR}."
    )


class OffHostSchedule(Schedule):
    """When backups go to a repository off the host: by default not when repository 1 is written."""

    full: str = Field(default="Wed *-*-* 02:00:00", description=f"Full backup: {CALENDAR}.")
    differential: str = Field(
        default="Mon,Tue,Thu..Sun *-*-* 03:00:00", description=f"Differential backup: {CALENDAR}."
    )
