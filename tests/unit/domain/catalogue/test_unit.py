"""Units are compared by what they mean."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.catalogue.unit import factors, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("km/s", "km s-1"),
        ("km/s", "km.s**-1"),
        ("km/s", "s^-1 km"),
        ("Msun / yr", "solMass/yr"),
        ("10**(-17) erg/(s cm2)", "1e-17 erg / (cm2 s)"),
        ("10**-17 erg s-1 cm-2", "1e-17 erg/(s.cm**2)"),
        ("1 / mag2", "mag-2"),
        ("s2 / km2", "(s/km) s/km"),
        ("deg", "degrees"),
        ("m**(1/2)", "m^(1/2)"),
        ("(Mpc/h)^2", "Mpc2/h2"),
        ("(Mpc / h)**2 / s", "Mpc2 h-2 s-1"),
        ("erg/(s (cm2 Angstrom))", "erg s-1 cm-2 Angstrom-1"),
        (" deg ", "deg"),
    ],
)
def test_spellings_of_one_unit_are_the_same(one: str, other: str) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("deg", "arcsec"), ("km/s", "km s"), ("Mpc/h", "Mpc"), ("mag", "mag2"), ("nmgy", "mgy"),
     ("1e-17 erg", "1e-18 erg"), ("???", "deg"), ("(s", "s"),
     ("s)", "s"), ("s**(1/0)", "s"), ("(s", "(m")],
)  # fmt: skip
def test_other_units_are_not_the_same(one: str, other: str) -> None:
    assert not same(one, other)


NAMES = st.sampled_from(["km", "s", "mag", "Mpc", "erg", "Hz"])
POWERS = st.integers(-9, 9).filter(bool)


@given(st.dictionaries(NAMES, POWERS, min_size=1))
def test_a_product_of_powers_is_read_back(powers: dict[str, int]) -> None:
    wanted = {name: Fraction(power) for name, power in powers.items()}
    for join, mark in ((" ", ""), (".", "**"), ("*", "^"), (" ", "**")):
        assert (
            factors(join.join(f"{name}{mark}{power}" for name, power in powers.items())) == wanted
        )


@given(st.text(max_size=20))
def test_no_text_makes_it_fail(text: str) -> None:
    factors(text)
