from __future__ import annotations

import re
from itertools import pairwise

import polars as pl
import pytest

from demoscope.report import palette
from demoscope.report.heatmap import MOST_NAMED, Matrix, heatmap, large_heatmap
from demoscope.report.matrices import matrices
from demoscope.report.names import Names
from tests.report.markup import read
from tests.report.synthetic import Plan, survey


def names(items: int = 10) -> Names:
    return Names(survey(Plan(items=items)))


def pairs(rows: list[tuple]) -> pl.DataFrame:
    columns = ("country", "item_a", "item_b", "human_status", "human", "model_rho")
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).with_columns(
        pl.col("human", "model_rho").cast(pl.Float64)
    )


def test_matrices_average_over_countries_where_both_sides_are_known():
    human, model = matrices(
        pairs(
            [
                ("A", "q1", "q2", "ok", 0.2, 0.1),
                ("B", "q1", "q2", "ok", 0.4, None),
                ("C", "q1", "q2", "degenerate", None, 0.9),
            ]
        ),
        names(),
    )
    assert human.value(0, 1) == human.value(1, 0) == pytest.approx(0.3)
    assert model.value(0, 1) == pytest.approx(0.1)


def test_pairs_in_a_block_are_absent_and_others_without_value_are_undefined():
    human, model = matrices(
        pairs(
            [
                ("A", "q1", "q2", "excluded", None, None),
                ("A", "q1", "q3", "ok", 0.5, None),
                ("A", "q2", "q3", "degenerate", None, None),
            ]
        ),
        names(),
    )
    assert (human.value(0, 1), human.value(0, 2), human.value(1, 2)) == ("absent", 0.5, None)
    assert (model.value(0, 1), model.value(0, 2), model.value(1, 2)) == ("absent", None, None)


def test_no_pairs_no_matrix():
    assert matrices(pairs([]), names()) is None


def test_both_sides_are_ordered_by_domain_then_as_in_the_survey():
    # In the made-up survey items 1-4 are politics, 5-8 religion, 25-28 politics again.
    human, model = matrices(pairs([("A", "q25", "q2", "ok", 0.1, 0.1), ("A", "q6", "q1", "ok", 0.1, 0.1)]), names(30))
    assert human.items == model.items == ("q1", "q2", "q25", "q6")


def cells(text: str) -> dict[tuple[int, int], str]:
    """Class of every cell below the diagonal, by (row, column)."""
    found = {}
    for path in read(text).all("path"):
        for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", path.attributes.get("d", "")):
            if path.attributes["class"] != "diagonal":
                found[int(row), int(column)] = path.attributes["class"]
    return found


def test_cells_have_the_colour_of_their_value():
    matrix = Matrix(("q1", "q2", "q3"), {("q1", "q2"): 1.0, ("q1", "q3"): -0.5, ("q2", "q3"): None})
    text = heatmap(matrix, names=names(), key="k", title="t", desc="d")
    assert cells(text) == {(1, 0): "c20", (2, 0): "m10", (2, 1): "undefined"}


def test_a_map_of_few_items_prints_names_and_both_triangles_of_numbers():
    matrix = Matrix(("q1", "q2"), {("q2", "q1"): -0.416})
    drawn = read(heatmap(matrix, names=names(), key="k", title="t", desc="d"))
    assert [t.text for t in drawn.by_class("row")] == ["ideology 1", "party 2"]
    assert [t.text for t in drawn.by_class("number")] == ["-.42", "-.42"]


def test_a_map_of_many_items_names_domains_and_the_large_one_names_all_items():
    items = tuple(f"q{n}" for n in range(1, 131))
    known = names(130)
    ordered = tuple(known.ordered(items))
    matrix = Matrix(ordered, {(a, b): 0.1 for n, a in enumerate(ordered) for b in ordered[n + 1 :]})
    small = read(heatmap(matrix, names=known, key="k", title="t", desc="d"))
    assert {t.text for t in small.by_class("row")} == {
        "politics",
        "religion",
        "race",
        "trust and security",
        "economy",
        "migration",
    }
    assert len(cells(heatmap(matrix, names=known, key="k", title="t", desc="d"))) == 130 * 129 / 2
    large = read(large_heatmap(matrix, names=known, key="l", shared="k", title="t", desc="d"))
    rows = large.by_class("row")
    assert len(rows) == 130
    tops = [float(t.attributes["y"]) for t in rows]
    assert min(b - a for a, b in pairwise(tops)) >= 12, "names must not overlap"
    assert large.all("use")[0].attributes["href"] == "#k-cells"


def test_names_of_every_map_fit_its_rows():
    for count in range(1, MOST_NAMED + 1):
        items = tuple(f"q{n}" for n in range(1, count + 1))
        drawn = read(heatmap(Matrix(items, {}), names=names(30), key="k", title="t", desc="d"))
        assert (
            len({t.text.rpartition(" ")[2] for t in drawn.by_class("row")} & {str(n) for n in range(1, count + 1)})
            == count
        )


@pytest.mark.parametrize(("value", "step"), [(0, 0), (0.024, 0), (0.026, 1), (-1, -20), (1.2, 20), (-0.5, -10)])
def test_colour_steps(value, step):
    assert palette.step_of(value) == step


def test_numbers_can_be_read_on_every_colour():
    rules = re.findall(r"\.(\w+)\{fill:#(\w{6})\}\.n\1\{fill:#(\w{6})\}", palette.stylesheet())
    assert len(rules) == 2 * (2 * palette.STEPS + 1)
    for name, ground, ink in rules:
        assert palette.contrast(rgb(ground), rgb(ink)) >= 4.5, name


def test_the_palette_is_even_on_both_sides():
    # Equal strength must look equally strong whatever the sign: luminance falls steadily on both sides.
    light = palette.stylesheet().partition("@media")[0]
    shades = dict(re.findall(r"\.([cm]\d+)\{fill:#(\w{6})\}", light))
    white = (255.0, 255.0, 255.0)
    for side in "cm":
        strength = [
            palette.contrast(white, rgb(shades["c0" if step == 0 else f"{side}{step}"]))
            for step in range(palette.STEPS + 1)
        ]
        assert strength == sorted(strength)


def rgb(text: str) -> tuple[float, float, float]:
    red, green, blue = (int(text[n : n + 2], 16) for n in (0, 2, 4))
    return float(red), float(green), float(blue)
