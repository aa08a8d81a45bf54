from __future__ import annotations

import math

import pytest

from demoscope.report.taylor import Point, taylor
from tests.report.markup import read


def places(*points: Point):
    drawn = read(taylor(points, key="k"))
    marks = {m.attributes["class"]: m.all("circle") for m in drawn.by_class("mark")}
    human = marks["mark human"][0]
    unit = {t.text: float(t.attributes["x"]) for t in drawn.by_class("tick") if t.text in ("0", "1.0")}
    origin_y = float(human.attributes["cy"])
    circles = [c for m in drawn.by_class("mark") if not m.has_class("human") for c in m.all("circle")]
    scale = max(x for x in unit.values()) - float(drawn.by_class("grid")[0].attributes["cx"])
    return human, [(float(c.attributes["cx"]), float(c.attributes["cy"])) for c in circles], scale, origin_y


@pytest.mark.parametrize(
    ("similarity", "constraint"), [(0.6, 0.8), (0.9, 1.2), (0.2, 0.1), (-0.4, 0.7), (1.0, 1.0), (0.0, 0.5)]
)
def test_squared_distance_to_people_is_one_minus_structure_r2(similarity, constraint):
    human, [(x, y)], unit, _ = places(Point("m", "model", similarity, constraint))
    distance = math.hypot(x - float(human.attributes["cx"]), y - float(human.attributes["cy"])) / unit
    structure_r2 = similarity**2 - (constraint - similarity) ** 2
    assert distance**2 == pytest.approx(1 - structure_r2, abs=0.01)


def test_estimates_beyond_the_diagram_stay_on_it():
    _, [(x, y), (x2, y2)], _, ground = places(Point("m", "model", 1.3, 0.5), Point("n", "model", 0.5, 50.0))
    assert y == pytest.approx(ground)
    assert y2 >= 0
    assert min(x, x2) > 0


def test_points_are_numbered_and_said_in_words():
    drawn = read(taylor([Point("<b>", "model", 0.5, 0.5), Point("A3", "reference", 0.9, 1.0)], key="k"))
    assert [t.text for t in drawn.by_class("inside")] == ["1", "2"]
    assert "<b>: similarity 0.50, constraint 0.50." in drawn.all("desc")[0].text
