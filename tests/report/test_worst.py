from __future__ import annotations

import random

import polars as pl

from demoscope.report.worst import MOST, one_side, worst_gaps, worst_pairs


def pair(country, a, b, difference, width):
    return {
        "country": country,
        "item_a": a,
        "item_b": b,
        "difference": difference,
        "difference_low": None if width is None else difference - width,
        "difference_high": None if width is None else difference + width,
    }


def test_worst_pairs_are_clear_of_zero_and_come_once():
    frame = pl.DataFrame(
        [
            pair("A", "q1", "q2", 0.9, 1.0),
            pair("A", "q1", "q3", -0.3, 0.1),
            pair("B", "q1", "q3", -0.5, 0.2),
            pair("C", "q1", "q3", -0.1, 0.2),
            pair("A", "q2", "q3", 0.4, 0.1),
            pair("A", "q3", "q4", 0.8, None),
        ]
    )
    worst = worst_pairs(frame)
    assert [(w.row["country"], w.row["item_a"], w.row["item_b"], w.clear) for w in worst] == [
        ("B", "q1", "q3", 2),
        ("A", "q2", "q3", 1),
    ]


def test_worst_pairs_do_not_depend_on_the_order_of_rows():
    rng = random.Random(3)
    rows = [
        pair(c, f"q{a}", f"q{b}", rng.choice([-0.5, 0.5, 0.2]), 0.1) for c in "AB" for a in range(6) for b in range(a)
    ]
    expected = worst_pairs(pl.DataFrame(rows))
    assert len(expected) == MOST
    for _ in range(5):
        rng.shuffle(rows)
        assert worst_pairs(pl.DataFrame(rows)) == expected


def gap(country, attribute, level, item, human, model, width=0.1):
    return {
        "country": country,
        "attribute": attribute,
        "level": level,
        "item": item,
        "human": human,
        "human_low": human - width,
        "human_high": human + width,
        "model_gap": model,
        "model_low": model - 0.01,
        "model_high": model + 0.01,
    }


def test_two_levels_are_one_gap_and_three_are_three():
    rows = [gap("A", "sex", s, "q1", v, v) for s, v in (("man", 0.2), ("woman", -0.2))]
    rows += [gap("A", "age", level, "q1", 0.1, 0.1) for level in ("18-34", "35-54", "55 or over")]
    assert [(row["attribute"], row["level"]) for row in one_side(rows)] == [
        ("sex", "man"),
        ("age", "18-34"),
        ("age", "35-54"),
        ("age", "55 or over"),
    ]


def test_worst_gaps_are_those_whose_intervals_are_apart():
    rows = [
        gap("A", "age", "18-34", "q1", 0.0, 0.105),
        gap("A", "age", "35-54", "q1", 0.0, 0.5),
        gap("B", "age", "35-54", "q1", 0.0, -0.6),
        gap("A", "age", "55 or over", "q1", -0.4, 0.3),
    ]
    assert [(w.row["country"], w.row["level"], w.clear) for w in worst_gaps(rows)] == [
        ("A", "55 or over", 1),
        ("B", "35-54", 2),
    ]


def test_gaps_without_values_are_left_out():
    row = gap("A", "age", "18-34", "q1", 0.2, 0.2) | {"model_gap": None}
    assert worst_gaps([row]) == []
