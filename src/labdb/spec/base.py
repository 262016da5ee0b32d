"""What every declared mapping is made of: frozen values, checked names, no unknown keys."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
IDENTIFIER = r"^[a-z_][a-z0-9_]{0,62}$"
CALENDAR = "systemd.time(7) calendar expression, for example '*-*-* 02:00:00'"


class Declared(BaseModel):
    """Base of every declared mapping: frozen, and refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _absolute(path: str) -> str:
    if not path.startswith("/") or path.rstrip("/") == "":
        raise ValueError(f"{path!r} is not an absolute path below /")
    return path.rstrip("/")


AbsolutePath = Annotated[str, AfterValidator(_absolute)]
