"""Option order is measured, and does not pass for a difference between profiles."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from demoscope.scores.orders import without_order_effects
from demoscope.surveys import Item, Option

ITEM = Item(id="q", text="q", options=tuple(Option(code=k, label=str(k)) for k in range(3)))
BASE = np.array([0.3, 0.4, 0.3])
ORDER = np.array([0.2, -0.05, -0.15])  # what the given order adds; the reversed one takes it away
PROFILES = 40


def table(*, both: bool = False, profiles: int = PROFILES) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(2)
    pushes = rng.normal(0, 0.01, (profiles, 1)) * np.array([1.0, 0.0, -1.0])
    rows = []
    for g, push in enumerate(pushes):
        for order in ("given", "reversed") if both else (("given", "reversed")[g % 2],):
            probs = BASE + push + (ORDER if order == "given" else -ORDER)
            rows.append(
                {"persona_id": f"p{g:02}", "item": "q", "order": order, "cell": f"{g}{order}", "probs": list(probs)}
            )
    return pl.DataFrame(rows), BASE + pushes


def test_main_effect_is_measured_and_taken_out():
    frame, truth = table()
    moved, orders = without_order_effects(frame, [ITEM], person="persona_id")
    assert orders.removed
    assert orders.effects["q"] == pytest.approx(np.abs(2 * ORDER).sum() / 2, abs=0.01)
    found = np.array(moved["probs"].to_list())
    assert moved.drop("probs").equals(frame.drop("probs"))
    # What is left of the effect is the error of its estimate, the same for all profiles of an order.
    assert np.abs(found - truth).max() < 0.006
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.95
    before = np.array(frame["probs"].to_list())
    assert np.corrcoef(before[:, 0], truth[:, 0])[0, 1] < 0.5


def test_both_orders_are_averaged_elsewhere():
    frame, _ = table(both=True)
    same, orders = without_order_effects(frame, [ITEM], person="persona_id")
    assert same.equals(frame)
    assert not orders.removed
    assert orders.effects["q"] == pytest.approx(np.abs(2 * ORDER).sum() / 2)


def test_few_profiles_keep_what_they_said():
    frame, _ = table(profiles=6)
    same, orders = without_order_effects(frame, [ITEM], person="persona_id")
    assert same.equals(frame)
    assert not orders.removed


def test_probabilities_stay_probabilities():
    frame, _ = table()
    edge = frame.with_columns(
        probs=pl.when(pl.col("persona_id") == "p01").then(pl.lit([0.0, 0.1, 0.9])).otherwise("probs")
    )
    moved, _ = without_order_effects(edge, [ITEM], person="persona_id")
    found = np.array(moved["probs"].to_list())
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_wide_answers_tell_nothing_of_order():
    wide = pl.DataFrame({"q": [0, 1, 2]})
    same, orders = without_order_effects(wide, [ITEM], person=None)
    assert same.equals(wide)
    assert orders.effects == {}
