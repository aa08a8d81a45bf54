from itertools import combinations

import numpy as np
import pytest

from demoscope.responses.display import profile_orders, shared_orders

COUNTRIES = {f"{country}{number:03d}": (country,) for country in "AB" for number in range(100)}


def as_signs(item, *, seed=1, profiles=COUNTRIES):
    orders = profile_orders(profiles, item=item, design="balanced", seed=seed)
    assert list(map(len, orders.values())) == [1] * len(profiles)
    return np.array([1 if orders[profile] == ("given",) else -1 for profile in sorted(profiles)])


def test_half_of_each_country_gets_each_order():
    signs = as_signs("q")
    assert signs[:100].sum() == 0
    assert signs[100:].sum() == 0


def test_items_are_halved_independently():
    signs = np.array([as_signs(f"q{number}") for number in range(40)])
    correlations = [np.corrcoef(signs[a], signs[b])[0, 1] for a, b in combinations(range(40), 2)]
    # 780 independent correlations of 200 signs: mean 0, standard deviation 1 / sqrt(200), mean known to 0.0025.
    assert abs(np.mean(correlations)) < 0.01
    assert np.std(correlations) == pytest.approx(200**-0.5, rel=0.15)


def test_another_country_changes_nothing():
    alone = profile_orders(
        {profile: places for profile, places in COUNTRIES.items() if places == ("A",)},
        item="q",
        design="balanced",
        seed=1,
    )
    together = profile_orders(COUNTRIES, item="q", design="balanced", seed=1)
    assert alone.items() <= together.items()


def test_the_seed_matters():
    assert (as_signs("q") != as_signs("q", seed=2)).any()


def test_of_an_odd_number_either_half_may_be_larger():
    odd = {str(number): ("A",) for number in range(5)}
    sums = {int(as_signs(f"q{number}", profiles=odd).sum()) for number in range(20)}
    assert sums == {-1, 1}


def test_other_designs():
    profiles = {"x": ("A",), "y": ("B",)}
    for design, expected in (("given", ("given",)), ("reversed", ("reversed",)), ("both", ("given", "reversed"))):
        assert profile_orders(profiles, item="q", design=design, seed=0) == {"x": expected, "y": expected}
        assert shared_orders(design) == expected
    assert shared_orders("balanced") == ("given", "reversed")
