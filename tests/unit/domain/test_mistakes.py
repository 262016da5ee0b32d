"""A mistake is told in the words of its author: sizes as sizes, numbers as numbers."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from labdb.domain.mistakes import mistakes
from labdb.size import Size


class Declared(BaseModel):
    vmid: int = Field(default=100, ge=100, le=999_999_999)
    memory: Size = Field(default=1 << 30, ge=1 << 30, le=1 << 40, validate_default=False)
    wal: Size | None = Field(default=None, ge=1 << 30)


class Disk(BaseModel, extra="forbid"):
    kind: Literal["disk"]
    slots: int


class Share(BaseModel, extra="forbid"):
    kind: Literal["share"]
    host: str


class Stores(BaseModel):
    stores: list[Annotated[Disk | Share, Field(discriminator="kind")]]


@pytest.mark.parametrize(
    ("key", "given", "what"),
    [
        ("memory", "512MB", "must be at least 1GB, not 512MB"),
        ("memory", "1025GB", "must be at most 1TB, not 1025GB"),
        ("wal", "512MB", "must be at least 1GB, not 512MB"),
        ("vmid", 99, "input should be greater than or equal to 100, got 99"),
        ("vmid", 10**9, "input should be less than or equal to 999999999, got 1000000000"),
    ],
)
def test_a_limit_is_told_in_the_unit_of_what_it_limits(key: str, given: object, what: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Declared.model_validate({key: given})
    (mistake,) = mistakes(caught.value, Declared)
    assert (mistake.key, mistake.what) == (key, what)


@pytest.mark.parametrize(
    ("store", "key", "what", "hint"),
    [
        ({}, "stores.0.kind", "is required and absent", ""),
        ({"kind": "shares"}, "stores.0.kind", "must be 'disk' or 'share', not 'shares'",
         "did you mean share?"),
        ({"kind": "share"}, "stores.0.host", "is required and absent", ""),
        ({"kind": "share", "host": "a", "hots": 1}, "stores.0.hots",
         "is not a key that labdb knows", "did you mean host?"),
        ({"kind": "disk", "slots": "x"}, "stores.0.slots",
         "input should be a valid integer, unable to parse string as an integer, got 'x'", ""),
    ],
)  # fmt: skip
def test_a_mapping_of_several_kinds_is_told_by_the_keys_that_its_author_wrote(
    store: dict[str, Any], key: str, what: str, hint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Stores.model_validate({"stores": [store]})
    (mistake,) = mistakes(caught.value, Stores)
    assert (mistake.key, mistake.what, mistake.hint) == (key, what, hint)
