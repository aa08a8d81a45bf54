from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.report.canvas import Scale, fit, px, render, text_width, wrap


@given(st.text(max_size=80), st.floats(20, 400))
def test_fitted_text_fits(text, width):
    assert text_width(fit(text, width)) <= max(width, text_width("…"))


@given(
    st.lists(st.text("abc \u4e00", min_size=1, max_size=12), min_size=1, max_size=9),
    st.floats(30, 200),
    st.integers(1, 3),
)
def test_wrapped_text_fits_and_keeps_its_order(parts, width, lines):
    text = " ".join(" ".join(parts).split()) or "x"
    wrapped = wrap(text, width, lines=lines)
    assert 1 <= len(wrapped) <= lines
    assert all(text_width(line) <= width for line in wrapped)
    if not any("…" in line for line in wrapped):
        assert " ".join(wrapped) == text


def test_short_text_is_left_alone():
    assert fit("party", 100) == "party"
    assert wrap("religion matters", 500) == ("religion matters",)


def test_wide_characters_count_as_wide():
    assert text_width("宗教") > 1.5 * text_width("ab")


def test_scale_is_linear_and_holds_values_at_its_ends():
    scale = Scale(-1, 1, 100, 200)
    assert [scale(v) for v in (-1, 0, 0.5, 1, 7, -7)] == [100, 150, 175, 200, 200, 100]
    assert [tick.label for tick in scale.ticks()] == ["-1.0", "-0.5", "0.0", "0.5", "1.0"]
    assert [tick.at for tick in scale.ticks()] == [100, 125, 150, 175, 200]


def test_log_scale_has_equal_steps_for_equal_ratios():
    scale = Scale(1, 10_000, 0, 400, log=True)
    assert [round(scale(v), 6) for v in (1, 10, 100, 1000, 0.001)] == [0, 100, 200, 300, 0]
    assert [tick.label for tick in scale.ticks()] == ["1", "10", "100", "1,000", "10,000"]


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_ticks_lie_on_the_axis_at_what_they_say(low, length):
    scale = Scale(low, low + length, 0, 100)
    for tick in scale.ticks():
        assert -1e-6 <= tick.at <= 100 + 1e-6
        assert scale(float(tick.label)) == pytest.approx(tick.at, abs=0.5)


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (-0.01, "0"), (1.25, "1.2"), (10.96, "11")])
def test_coordinates_are_short(value, text):
    assert px(value) == text


def test_templates_escape_values():
    assert "<img" not in render("single.html.j2", text="<img src=x>")
