"""Weights that meet margins."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from demoscope.errors import ConfigError
from demoscope.personas.raking import Margin, rake

SEX = ["man", "man", "woman", "woman"]
AGE = ["young", "old", "young", "old"]


def margins(man, young):
    return [
        Margin("sex", SEX, {"man": man, "woman": 1 - man}),
        Margin("age", AGE, {"young": young, "old": 1 - young}),
    ]


def test_from_equal_weights_come_products_of_margins():
    """Without association to begin with there is none afterwards: the closed form is the product."""
    raked = rake(np.ones(4), margins(0.3, 0.8), where="X")
    assert raked == pytest.approx(4 * np.array([0.3 * 0.8, 0.3 * 0.2, 0.7 * 0.8, 0.7 * 0.2]), abs=1e-9)


def test_the_odds_ratio_stays_and_two_margins_of_a_square_have_a_root():
    """With odds ratio t and margins 1/2 the diagonal has the share sqrt(t) / (1 + sqrt(t))."""
    raked = rake(np.array([3.0, 1.0, 2.0, 6.0]), margins(0.5, 0.5), where="X")
    ratio = 3.0 * 6.0 / (1.0 * 2.0)
    assert raked[0] * raked[3] / (raked[1] * raked[2]) == pytest.approx(ratio)
    assert (raked[0] + raked[3]) / raked.sum() == pytest.approx(ratio**0.5 / (1 + ratio**0.5), abs=1e-9)
    assert raked.sum() == pytest.approx(12.0)


def test_one_margin_is_poststratification():
    raked = rake(np.array([1.0, 3.0, 5.0, 1.0]), margins(0.25, 0.5)[:1], where="X")
    assert raked == pytest.approx([2.5 / 4, 2.5 * 3 / 4, 7.5 * 5 / 6, 7.5 / 6])


SEED = np.arange(1.0, 13.0)
SHARES = ((0.2, 0.3, 0.5), (0.45, 0.55), (0.7, 0.3))

# What ipfn 1.4.4 makes of SEED as a table of 3 x 2 x 2 with the margins SHARES.
IPFN = (
    0.03686271042693286,
    0.026338329777396835,
    0.092661383060018,
    0.04413757672543654,
    0.09738066636429835,
    0.0417469699043878,
    0.1142328563993406,
    0.0466395073335467,
    0.17729518863972762,
    0.07037613488681434,
    0.18156719510968258,
    0.07076148137241776,
)


def slow_twin(table, shares):
    """The same on a table: each margin divides by its sums over all other axes, in turn, two thousand times."""
    table = table / table.sum()
    for _ in range(2000):
        for axis, wanted in enumerate(shares):
            others = tuple(k for k in range(table.ndim) if k != axis)
            shape = [-1 if k == axis else 1 for k in range(table.ndim)]
            table = table * (np.array(wanted) / table.sum(axis=others)).reshape(shape)
    return table


def test_three_margins_are_those_of_another_program_and_of_a_slow_twin():
    """`ipfn.ipfn(seed, [a, b, c], [[0], [1], [2]], convergence_rate=1e-13, max_iteration=5000).iteration()`."""
    cells = list(product("abc", "de", "fg"))
    words = ["abc", "de", "fg"]
    raked = rake(
        SEED,
        [
            Margin(f"m{at}", [cell[at] for cell in cells], dict(zip(words[at], SHARES[at], strict=True)))
            for at in range(3)
        ],
        where="X",
    )
    share = raked / raked.sum()
    assert share == pytest.approx(np.array(IPFN), abs=1e-9)
    assert share == pytest.approx(slow_twin(SEED.reshape(3, 2, 2), SHARES).ravel(), abs=1e-9)


def test_who_has_no_word_is_moved_by_other_margins_only():
    sex = ["man", None, "woman", "woman"]
    raked = rake(np.ones(4), [Margin("sex", sex, {"man": 0.5, "woman": 0.5})], where="X")
    assert raked == pytest.approx([1.5, 1.0, 0.75, 0.75])
    both = rake(
        np.ones(4),
        [Margin("sex", sex, {"man": 0.5, "woman": 0.5}), Margin("age", AGE, {"young": 0.4, "old": 0.6})],
        where="X",
    )
    assert both[0] / (both[0] + both[2] + both[3]) == pytest.approx(0.5)
    assert (both[0] + both[2]) / both.sum() == pytest.approx(0.4)


def test_a_share_of_zero_leaves_people_out():
    raked = rake(np.ones(4), [Margin("sex", SEX, {"man": 0.0, "woman": 1.0})], where="X")
    assert raked == pytest.approx([0, 0, 2, 2])


@pytest.mark.parametrize(
    ("margin", "message"),
    [
        (Margin("sex", SEX, {"man": 0.5, "woman": 0.4, "other": 0.1}), "Peru: sex 'other' .* 0.1, and no respondent"),
        (Margin("sex", SEX, {"man": 1.0}), "Peru: sex 'woman' has no share, and 2 respondents"),
    ],
)
def test_words_without_people_or_shares_are_named(margin, message):
    with pytest.raises(ConfigError, match=message):
        rake(np.ones(4), [margin], where="Peru")


def test_margins_that_no_combination_of_people_meets_are_named():
    """All men are young here: 60 % men and 40 % young cannot both be."""
    with pytest.raises(ConfigError, match=r"Peru: (sex|age) '.*' stays .* from its share"):
        rake(
            np.ones(3),
            [
                Margin("sex", ["man", "woman", "woman"], {"man": 0.6, "woman": 0.4}),
                Margin("age", ["young", "young", "old"], {"young": 0.4, "old": 0.6}),
            ],
            where="Peru",
        )
