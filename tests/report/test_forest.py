from __future__ import annotations

import re

import pytest

from demoscope.report.forest import Axis, Mark, Row, forest
from tests.report.markup import read


def draw(*marks: Mark, axis: Axis | None = None, **more):
    row = Row("model", marks, "0.50 [0.25, 0.75]", **more)
    return read(forest([row], axis=axis or Axis(), key="k", title="t", desc="d"))


def place(drawn, value: str) -> float:
    tick = next(t for t in drawn.by_class("tick") if t.text == value)
    return float(tick.attributes["x"])


def test_marks_stand_at_their_values():
    drawn = draw(Mark("model", 0.5, 0.25, 0.75))
    zero, one = place(drawn, "0.0"), place(drawn, "1.0")
    assert float(drawn.all("circle")[0].attributes["cx"]) == pytest.approx((zero + one) / 2, abs=0.2)
    low, high = map(float, re.match(r"M([\d.]+) 0H([\d.]+)", drawn.by_class("range")[0].attributes["d"]).groups())
    assert (high - low) / (one - zero) == pytest.approx(0.5, abs=0.01)


def test_undefined_values_draw_nothing():
    drawn = draw(Mark("model", None), Mark("chance", None))
    assert drawn.by_class("mark") == []


def test_values_beyond_the_axis_become_arrows_at_its_edge():
    drawn = draw(Mark("model", 9.0, 8.0, 10.0), axis=Axis(lowest=-1, highest=2))
    assert drawn.all("circle") == []
    assert drawn.by_class("dot")[0].attributes["d"].endswith("z")
    assert place(drawn, "2.0") == pytest.approx(
        float(re.match(r"M([\d.]+)", drawn.by_class("dot")[0].attributes["d"])[1]) + 8, abs=0.2
    )


def test_censored_values_become_arrows():
    drawn = draw(Mark.of("model", {"n": 600.0, "n_censored": True}, "n"), axis=Axis(1, 600, 1, 600, (), log=True))
    assert drawn.all("circle") == []


def test_intervals_without_one_end_are_not_drawn():
    assert draw(Mark("model", 0.5, None, 0.7)).by_class("range") == []


def test_all_rows_are_said_in_words():
    assert "model: 0.50 [0.25, 0.75]." in draw(Mark("model", 0.5)).all("desc")[0].text


def test_summary_rows_are_strong():
    assert draw(Mark("model", 0.5), strong=True).by_class("strong")
    assert not draw(Mark("model", 0.5)).by_class("strong")


def test_long_labels_take_two_lines_before_they_are_cut():
    rows = [
        Row(f"a model with a long name · {steering}", (Mark("model", 0.5),), "0.50")
        for steering in ("persona", "unsteered")
    ]
    drawn = read(forest(rows, axis=Axis(), key="k", title="t", desc="d"))
    assert [label.text.rpartition(" ")[2] for label in drawn.by_class("label")][1::2] == ["persona", "unsteered"]
    assert not drawn.by_class("label")[0].all("title")
