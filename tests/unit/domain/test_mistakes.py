"""A mistake is told in the words of its author: sizes as sizes, numbers as numbers."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from labdb.domain.mistakes import mistakes
from labdb.size import Size


class Declared(BaseModel):
    vmid: int = Field(default=100, ge=100, le=999_999_999)
    memory: Size = Field(default=1 << 30, ge=1 << 30, le=1 << 40, validate_default=False)
    wal: Size | None = Field(default=None, ge=1 << 30)


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
