from __future__ import annotations

import pytest

from demoscope.report.canvas import text_width
from demoscope.report.culture import conclusion
from demoscope.report.loadings import Loadings, strip
from demoscope.report.names import Names
from demoscope.report.page import report_html
from demoscope.report.words import clean
from demoscope.report.world import Country, Direction, Place, world
from tests.report.markup import Element, read
from tests.report.synthetic import HOSTILE, PLANS, comparison, facts, survey


def section(name: str) -> Element:
    plan = PLANS[name]
    document = read(report_html(comparison(plan), survey=survey(plan), facts=facts(plan)))
    return next(e for e in document.walk() if e.attributes.get("id") == "culture")


def table(part: Element, caption: str) -> list[list[str]]:
    found = next(t for t in part.all("table") if t.all("caption")[0].text.startswith(caption))
    return [[cell.text for cell in row.children] for row in found.all("tbody")[0].all("tr")]


def summary(**values) -> dict:
    row = dict.fromkeys(("congruence", "congruence_low", "congruence_high", "chance_q95", "split_half"))
    return row | {"congruence": 0.9, "chance_q95": 0.5, "split_half": 0.98} | values


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"congruence": 0.97}, "the same factors"),
        ({"congruence": 0.9}, "fairly similar factors"),
        ({"congruence": 0.7}, "other factors, though not by chance alone"),
        ({"congruence": 0.7, "chance_q95": 0.72}, "no more than chance"),
        ({"congruence": 0.96, "chance_q95": 0.97}, "no more than chance"),
        ({"congruence": None}, "no factors of its own"),
    ],
)
def test_a_congruence_is_judged_against_chance_first(values, says):
    assert says in conclusion(summary(**values))


def test_references_stand_in_the_sentence():
    text = conclusion(summary(congruence_low=0.86, congruence_high=0.93))
    assert "0.90 [0.86, 0.93], where shuffled loadings reach 0.50" in text
    assert "one half of the people against the other 0.98" in text


def test_factors_and_map_of_the_frames_are_shown():
    made = comparison(PLANS["map"])
    shown = section("map").by_class("g1")[0]
    row = made.factors.filter(steering="persona").row(0, named=True)
    cells = table(shown, "Congruence by factor")[0]
    assert cells[1] == f"{row['congruence']:.2f} [{row['congruence_low']:.2f}, {row['congruence_high']:.2f}]"
    assert cells[2:4] == ["0.50", "0.98"]
    both = made.culture_axes.filter(steering="persona", axis="(both)").row(0, named=True)
    assert f"typical distance of {both['rmse']:.2f}" in shown.text
    assert "20 % lie nearest to the people of their own country (3 % by chance)" in shown.text.replace("\xa0", " ")
    assert "number 6 by distance" in shown.text
    assert "Without these indicators, which a side lacks: ideology." in shown.text
    assert "Left out, since people lack an indicator there: Ohio." in shown.text
    assert [line[0] for line in table(shown, "How well")] == ["devout to worldly", "bound to free", "both axes"]
    places = made.culture_map.filter(steering="persona", country="Texas", axis="free").row(0, named=True)
    texas = next(line for line in table(shown, "Countries on the map") if line[0] == "Texas")
    assert texas[3].startswith(f"{places['human']:.2f} [")
    assert texas[4].startswith(f"{places['model_position']:.2f} [")
    figure = shown.by_class("world")[0]
    assert len([m for m in figure.by_class("mark") if m.has_class("human")]) == 39
    assert len(figure.by_class("move")) == 39
    assert [e.text for e in figure.by_class("way")] == ["← bound", "free →", "↑ worldly", "↓ devout"]


def test_why_there_is_no_map_or_no_factor_is_said():
    text = section("no_map").text
    assert "The map needs 20 countries, here are 4." in text
    assert "There is no factor." in text
    assert "Factors need at least 6 items whose correlations are defined, here are 1." in section("smallest").text


def test_a_survey_without_a_map_says_nothing_of_one():
    assert not section("usual").by_class("world")
    assert "Map of cultures" not in section("usual").text
    assert "map needs" not in section("usual").text


def test_a_model_without_factors_says_so():
    unsteered = section("map").by_class("g0")[0]
    assert "The model has no factors of its own" in unsteered.text
    assert "too few items vary together for any loading" in unsteered.text
    assert table(unsteered, "Congruence by factor")[0][1] == "not defined"


def test_many_items_are_shown_on_request():
    assert section("many_items").all("summary")[0].text == "Loadings of all items"
    assert not section("usual").all("summary")


def test_hostile_words_stay_words():
    part = section("hostile_map")
    assert clean(HOSTILE) in [h.text for h in part.all("h3")]
    assert not part.all("img")
    assert "↓ </script>" in part.by_class("world")[0].text


def test_undefined_numbers_leave_sentences_out():
    text = section("all_null_map").text
    assert "typical distance" not in text
    assert "by distance" not in text
    assert not section("all_null_map").by_class("world")


def places(names: list[str], points: list[tuple[float, float]], *, shrink: float = 0.5) -> list[Country]:
    return [
        Country(name, Place(x, y, (x - 0.1, x + 0.1), (y - 0.2, y + 0.2)), Place(shrink * x, shrink * y))
        for name, (x, y) in zip(names, points, strict=True)
    ]


WAYS = {"right": Direction("left end", "right end"), "up": Direction("low end", "high end")}


def test_places_are_drawn_where_they_are():
    countries = places(["A", "B"], [(-1.0, -2.0), (1.5, 2.0)])
    figure, unnamed = world(countries, **WAYS, key="k", title="t")
    drawn = read(figure)
    assert unnamed == 0
    ticks = {t.text: (float(t.attributes["x"]), float(t.attributes["y"])) for t in drawn.by_class("tick")}
    assert ticks
    circles = [c.attributes for m in drawn.by_class("mark") if m.has_class("human") for c in m.all("circle")]
    (ax, ay), (bx, by) = ((float(c["cx"]), float(c["cy"])) for c in circles)
    across = [t for t in drawn.by_class("tick") if float(t.attributes["y"]) > max(ay, by)]
    at = {t.text: float(t.attributes["x"]) for t in across}
    assert ax == pytest.approx(at["-1"], abs=0.2)
    assert bx == pytest.approx((at["1"] + at["2"]) / 2, abs=0.2)
    # Upward is a smaller y.
    assert by < ay
    oval = drawn.by_class("oval")[0].attributes
    unit = at["1"] - at["0"]
    assert float(oval["rx"]) == pytest.approx(0.1 * unit, abs=0.2)
    assert "A: people at -1.00 to the right and -2.00 up, the model at -0.50 and -1.00." in drawn.all("desc")[0].text


def test_far_places_stay_on_the_map():
    figure, _ = world(places(["A", "B"], [(-90.0, 0.0), (0.0, 1.0)]), **WAYS, key="k", title="t")
    drawn = read(figure)
    width = float(drawn.all("svg")[0].attributes["width"])
    assert all(0 <= float(c.attributes["cx"]) <= width for c in drawn.all("circle"))


def test_names_do_not_overlap_and_those_without_room_are_counted():
    names = [f"Country number {n}" for n in range(80)]
    points = [(0.02 * (n % 9), 0.02 * (n // 9)) if n < 60 else (n - 70, 2.0) for n in range(80)]
    figure, unnamed = world(places(names, [(float(x), float(y)) for x, y in points]), **WAYS, key="k", title="t")
    labels = read(figure).by_class("place")
    assert len(labels) + unnamed == 80
    assert unnamed > 0
    boxes = []
    for label in labels:
        x, y, width = float(label.attributes["x"]), float(label.attributes["y"]), text_width(label.text, size=10.5)
        left = x - (width if label.has_class("end") else width / 2 if label.has_class("middle") else 0)
        boxes.append((left, y - 5, left + width, y + 5))
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]


def test_a_country_that_the_model_lacks_has_no_arrow():
    countries = [Country("A", Place(0, 0), None), *places(["B"], [(1.0, 1.0)])]
    drawn = read(world(countries, **WAYS, key="k", title="t")[0])
    assert len(drawn.by_class("move")) == 1
    assert len(drawn.by_class("mark")) == 3


def test_loadings_are_cells_of_their_colour():
    rows = [Loadings("q1", (0.8, -0.3), (0.4, 0.0)), Loadings("q2", (0.0, 1.0), (0.1, 0.2))]
    drawn = read(strip(rows, names=Names(survey(PLANS["usual"])), key="k", title="t", desc="d"))
    cells = drawn.all("rect")
    assert [c.attributes["class"] for c in cells] == ["c16", "m6", "c8", "c0", "c0", "c20", "c2", "c4"]
    assert [t.text for t in drawn.by_class("number")][:2] == [".80", "-.30"]
    assert [t.text for t in drawn.by_class("side")] == ["People", "Model"]
    people, model = (float(t.attributes["x"]) for t in drawn.by_class("side"))
    assert float(cells[0].attributes["x"]) < people < float(cells[2].attributes["x"]) < model


def test_many_factors_fit_the_usual_width():
    rows = [Loadings(f"q{n}", (0.1,) * 12, (0.2,) * 12) for n in range(1, 9)]
    drawn = read(strip(rows, names=Names(survey(PLANS["usual"])), key="k", title="t", desc="d"))
    width = float(drawn.all("svg")[0].attributes["width"])
    right = max(float(c.attributes["x"]) + float(c.attributes["width"]) for c in drawn.all("rect"))
    assert width == 390
    assert right <= width + 0.5
    assert not drawn.by_class("number")
