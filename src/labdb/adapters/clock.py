"""The clock of this machine, and its own time zone with all of its rules."""

from datetime import UTC, datetime, timedelta, tzinfo


def now() -> datetime:
    """Return the present."""
    return datetime.now(tz=UTC)


class LocalZone(tzinfo):
    """The zone that this machine's clocks show, in summer and in winter."""

    def utcoffset(self, moment: datetime | None, /) -> timedelta | None:
        """Return how far local time was ahead of UTC."""
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _moment: datetime | None, /) -> timedelta | None:
        """Return that it is not known how much of it is summer time."""
        return None

    def tzname(self, moment: datetime | None, /) -> str | None:
        """Return what the zone was called."""
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime, /) -> datetime:
        """Return *moment*, told in UTC, as clocks here showed it."""
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)
