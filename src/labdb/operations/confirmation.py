"""What cannot be taken back easily is done for whoever types the name of what it is done to."""

from labdb.errors import RefusedError


def must_name(name: str, typed: str, *, what: str, hint: str, whose: str = "machine") -> None:
    """Refuse to go on unless the *name* was *typed*, letter for letter; *whose* says of what.

    Raises:
        RefusedError: it is another one; *what* says what would have been done, *hint* how it is.
    """
    if typed != name:
        raise RefusedError(
            f"nothing was done: the name typed is {typed!r}, the {whose} is {name!r}",
            why=f"{what} only for whoever names it, letter for letter",
            hint=hint,
        )
