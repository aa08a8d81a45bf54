"""How answers ended: every answer is counted once in each breakdown, whatever became of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from demoscope.schema import AnswerStatus
from demoscope.scores.outcomes import STATUSES, outcomes
from demoscope.surveys import Item, Option
from tests.scores.simulated import independent_answers, people, scored
from tests.scores.test_compare import long_form, profile_answers

ITEMS = tuple(
    Item(id=name, text="?", options=(Option(code=1, label="a"), Option(code=2, label="b")))
    for name in ("late", "early")
)
ENDS = [
    ("valid", None),
    ("refusal", None),
    ("dont_know", None),
    *(("invalid", reason) for reason in ("no_answer", "invalid_key", "ambiguous", "truncated")),
    ("error", "timeout"),
]


def table(ends: list[tuple[str, str | None]], *, draws: int = 1) -> pl.DataFrame:
    """Six personas, two items, so many draws; answers end as listed, again and again."""
    rows = [
        {
            "persona_id": f"p{persona}",
            "country": "AB"[persona % 2],
            "sex": [None, "man", "woman"][persona % 3],
            "item": item.id,
            "draw": draw,
            "order": ("given", "reversed")[(persona + draw) % 2],
            "wording": "plain",
            "position": 10 * persona,
        }
        for persona, item, draw in product(range(6), ITEMS, range(draws))
    ]
    chosen = [ends[n % len(ends)] for n in range(len(rows))]
    return pl.DataFrame(rows).with_columns(
        status=pl.Series([status for status, _ in chosen], dtype=pl.String),
        reason=pl.Series([reason for _, reason in chosen], dtype=pl.String),
        code=pl.Series([1 if status == "valid" else None for status, _ in chosen], dtype=pl.Int32),
    )


def counted(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(outcomes(frame, ITEMS, country="country", attributes=["sex"]))


@given(st.lists(st.sampled_from(ENDS), min_size=1, max_size=30), st.integers(1, 3))
def test_shares_sum_to_one_and_nothing_is_lost(ends, draws):
    frame = table(ends, draws=draws)
    found = counted(frame)
    sums = found.group_by("by", "value").agg(pl.col("n", "share").sum(), pl.col("of").unique())
    assert sums["share"].to_numpy() == pytest.approx(1)
    assert sums.select((pl.col("of").list.len() == 1) & (pl.col("of").list.first() == pl.col("n"))).to_series().all()
    assert (sums.group_by("by").agg(pl.col("n").sum())["n"] == frame.height).all()


def test_every_end_is_counted_where_it_belongs():
    frame = table(ENDS, draws=2)
    found = counted(frame)
    for row in found.iter_rows(named=True):
        same = frame
        if row["by"] != "all":
            same = frame.filter(pl.col(row["by"]).cast(pl.String).eq_missing(pl.lit(row["value"])))
        assert row["of"] == same.height
        status, reason = pl.lit(row["status"]), pl.lit(row["reason"], dtype=pl.String)
        assert row["n"] == same.filter(pl.col("status") == status, pl.col("reason").eq_missing(reason)).height
    # The wording does not vary, so nothing is to be seen by it.
    assert found["by"].unique(maintain_order=True).to_list() == ["all", "item", "country", "sex", "order", "position"]


def test_items_stand_as_declared_positions_as_numbers_and_statuses_as_in_the_schema():
    found = counted(table(ENDS, draws=4))
    values = {by: part["value"].unique(maintain_order=True).to_list() for (by,), part in found.group_by("by")}
    assert values["item"] == ["late", "early"]
    assert values["position"] == ["0", "10", "20", "30", "40", "50"]
    assert values["sex"] == [None, "man", "woman"]
    statuses = found.filter(by="all")["status"].unique(maintain_order=True).to_list()
    assert statuses == list(STATUSES) == list(AnswerStatus.__args__)


def test_drawn_answers_are_counted_rather_than_their_probabilities():
    drawn = table(ENDS, draws=3)
    scored_rows = table([("error", "lost")]).with_columns(draw=pl.lit(-1, dtype=pl.Int64))
    assert_frame_equal(counted(pl.concat([scored_rows, drawn])), counted(drawn))
    alone = counted(scored_rows)
    assert alone.filter(by="all").row(0, named=True)["n"] == 12
    assert alone["reason"].unique().to_list() == ["lost"]


def test_answers_without_a_status_are_valid_where_there_is_one():
    bare = table([("valid", None), ("valid", None), ("invalid", "ambiguous")]).drop("status", "reason")
    rows = counted(bare).filter(by="all").select("status", "reason", "n").rows()
    assert rows == [("valid", None, 8), ("invalid", None, 4)]


def test_answers_to_other_items_do_not_count():
    frame = pl.concat([table(ENDS), table(ENDS).with_columns(item=pl.lit("never scored"))])
    assert_frame_equal(counted(frame), counted(table(ENDS)))


def test_comparison_counts_lost_answers_of_wide_and_long_tables_the_same():
    data = people(3, n=120)
    wide = independent_answers(data, seed=4)
    holes = pl.Series(np.random.default_rng(1).random(wide.height) < 0.1)
    wide = wide.with_columns(police=pl.when(~holes).then("police"))
    short, long = scored(data, wide, replicates=20), scored(data, long_form(wide).drop("status"), replicates=20)
    assert_frame_equal(short.outcomes, long.outcomes)
    lost = short.outcomes.filter(by="item", value="police", status="invalid").row(0, named=True)
    assert (lost["n"], lost["of"]) == (int(holes.sum()), 360)
    assert [row["n"] for row in short.summary()["outcomes"]] == [3600 - int(holes.sum()), int(holes.sum())]


def test_mean_of_the_mass_that_was_not_seen_stands_beside_the_label_mass():
    data = people(3, n=120)
    table = profile_answers(data).with_columns(unseen_mass=pl.when(pl.col("item") == "police").then(0.25))
    marginals = scored(data, table, replicates=20).marginals
    assert marginals.filter(item="police")["unseen_mass"].to_list() == [0.25] * 3
    assert marginals.filter(pl.col("item") != "police")["unseen_mass"].is_null().all()
    assert (marginals["label_mass"] == 0.5).all()
