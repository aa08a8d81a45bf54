from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.report.bars import MOST_LABELLED, Distribution, bars, columns
from tests.report.markup import read


def lengths(text: str, kind: str) -> list[float]:
    """Lengths of horizontal bars."""
    paths = [p.attributes["d"] for p in read(text).all("path") if p.attributes["class"] == kind]
    return [
        float(end) - float(start) for start, end in (re.match(r"M([\d.]+) [\d.]+H([\d.]+)", d).groups() for d in paths)
    ]


SHARES = Distribution(("a", "b", "c"), (0.5, 0.25, 0.25), (0.1, 0.2, 0.7), (0.45, 0.2, 0.2), (0.55, 0.3, 0.3))


def test_bars_of_both_sides_are_as_long_as_their_shares():
    text = bars(SHARES, key="k", title="t")
    human, model = lengths(text, "human"), lengths(text, "model")
    assert human[0] / human[1] == pytest.approx(2, rel=0.01)
    assert model[2] / human[0] == pytest.approx(1.4, rel=0.01)


def test_whiskers_span_the_interval():
    whisker = read(bars(SHARES, key="k", title="t")).by_class("whisker")[0].attributes["d"]
    low, high = (float(x) for x in re.match(r"M([\d.]+) .*H([\d.]+)m", whisker).groups())
    unit = lengths(bars(SHARES, key="k", title="t"), "human")[0] / 0.5
    assert (high - low) / unit == pytest.approx(0.1, abs=0.005)


def test_all_shares_are_said_in_words():
    desc = read(bars(SHARES, key="k", title="t")).all("desc")[0].text
    assert "a: people 50 %, model 10 %" in desc.replace("\xa0", " ")


def test_a_side_without_answers_has_no_bars():
    text = bars(Distribution(("a", "b"), (0.5, 0.5), ()), key="k", title="t")
    assert lengths(text, "model") == []
    assert [t.text for t in read(text).by_class("value") if t.has_class("model")] == ["\N{EN DASH}"] * 2


def test_long_scales_become_columns():
    size = MOST_LABELLED + 1
    text = bars(Distribution(tuple(map(str, range(size))), (1 / size,) * size, (1 / size,) * size), key="k", title="t")
    drawn = read(text)
    assert drawn.all("svg")[0].has_class("columns")
    assert drawn.by_class("human")[0].attributes["d"].count("z") == size


def test_columns_name_the_ends_of_the_scale():
    drawn = read(columns(SHARES, key="k", title="t"))
    assert [drawn.by_class(end)[0].text for end in ("first", "last")] == ["a", "c"]


@settings(max_examples=60)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=5))
def test_labels_never_change_the_elements(labels):
    shares = (1 / len(labels),) * len(labels)

    def tags(texts: list[str]) -> list[str]:
        drawn = read(columns(Distribution(tuple(texts), shares, shares), key="k", title="t"))
        return [element.tag for element in drawn.walk()]

    assert tags(labels) == tags(["a"] * len(labels))
