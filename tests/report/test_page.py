from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from demoscope.report import write_report
from demoscope.report.page import report_html
from demoscope.report.palette import contrast
from demoscope.report.words import clean
from demoscope.scores.comparison import FRAMES
from tests.report.markup import Element, read
from tests.report.synthetic import HOSTILE, PLANS, Plan, comparison, facts, survey
from tests.report.test_heatmap import rgb


@cache
def page(name: str) -> str:
    plan = PLANS[name]
    return report_html(comparison(plan), survey=survey(plan), facts=facts(plan))


@cache
def parsed(name: str) -> Element:
    return read(page(name))


every_page = pytest.mark.parametrize("name", PLANS)


@every_page
def test_tags_nest_and_ids_and_references_agree(name):
    text, document = page(name), parsed(name)
    ids = [e.attributes["id"] for e in document.walk() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"|for="([^"]+)"', text)
    assert targets
    assert {name for found in targets for part in found for name in part.split()} <= set(ids)


@every_page
def test_nothing_is_executed_and_nothing_is_fetched(name):
    document = parsed(name)
    tags = {element.tag for element in document.walk()}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "foreignobject"}
    for element in document.walk():
        assert not [
            name
            for name in element.attributes
            if name.startswith("on") or name in ("src", "srcset", "action", "background")
        ]
        assert element.attributes.get("href", "#").startswith(("#", "data:,"))
    assert [
        e.attributes["content"]
        for e in document.all("meta")
        if e.attributes.get("http-equiv") == "Content-Security-Policy"
    ] == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    (style,) = document.all("style")
    assert "@import" not in style.text
    assert re.findall(r"url\((.*?)\)", style.text) == ["#hatch", "#hatch-key"]


@every_page
def test_figures_and_tables_can_be_read_aloud(name):
    document = parsed(name)
    for svg in document.by_class("figure"):
        assert svg.attributes["role"] == "img"
        assert svg.attributes["viewbox"].split()[2:] == [svg.attributes["width"], svg.attributes["height"]]
        assert svg.children[0].tag == "title"
        assert svg.children[0].text
        assert svg.children[1].tag == "desc"
    for table in document.all("table"):
        assert table.all("caption")[0].text
        heads = table.all("thead")[0].all("th")
        assert all(th.attributes["scope"] == "col" for th in heads)
        for row in table.all("tbody")[0].all("tr"):
            assert len(row.children) == len(heads)
            assert row.children[0].tag == "th"
            assert row.children[0].attributes["scope"] == "row"


@every_page
def test_no_value_is_printed_as_python_prints_it(name):
    text = page(name)
    assert not re.search(
        r"(?<![\w-])(None|nan|inf|NaN|True|False)(?![\w-])", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    )
    assert "-0.00" not in text


@every_page
def test_coordinates_stay_inside_figures(name):
    for svg in parsed(name).by_class("forest"):
        width, height = float(svg.attributes["width"]), float(svg.attributes["height"])
        for mark in svg.all("circle"):
            assert 0 <= float(mark.attributes["cx"]) <= width
        for label in svg.all("text"):
            assert 0 <= float(label.attributes["x"]) <= width
            assert 0 <= float(label.attributes["y"]) <= height


def test_the_headline_and_both_verdicts_stand_on_top():
    document = parsed("usual")
    top = next(e for e in document.walk() if e.attributes.get("id") == "short")
    headlines = [e.text for e in top.by_class("headline")]
    assert headlines == ["Worth 6 interviews on averages, 21 on how opinions go together"] * 2
    assert len(top.by_class("bars")) == 2
    assert len(top.by_class("heat")) == 4
    assert "answers without any connection are worth 17 already" in top.by_class("read")[1].text
    assert "Items were asked one at a time" in top.by_class("conditions")[0].text


def test_the_first_panel_is_the_persona_steering_of_the_first_model():
    picks = list(parsed("many_models").all("input"))
    assert len(picks) == 6
    assert [("checked" in e.attributes) for e in picks] == [False, True, False, False, False, False]
    labels = [e.text for e in parsed("many_models").all("label")]
    assert labels[:2] == ["SmolLM2-135M · unsteered", "SmolLM2-135M · persona"]
    assert [e.text for e in parsed("usual").all("label")] == ["unsteered", "persona"]


def test_the_item_on_top_has_the_median_distance():
    made = comparison(PLANS["usual"])
    rows = [r for r in made.marginals.to_dicts() if r["steering"] == "persona"]
    ranked = sorted(rows, key=lambda r: r["distance"])
    middle = ranked[(len(ranked) - 1) // 2]
    label = survey(PLANS["usual"]).item(middle["item"]).label
    shown = parsed("usual").by_class("g1")[0].by_class("hero")[0]
    assert shown.all("figcaption")[0].all("b")[0].text == f"One item: {label}, {middle['country']}"
    assert f"its distance, {middle['distance']:.2f}, is the median of 40" in shown.text


@every_page
def test_structure_r2_never_stands_without_similarity_and_constraint(name):
    for table in parsed(name).all("table"):
        heads = [th.text for th in table.all("thead")[0].all("th")]
        if "Structure R2" in heads:
            at = heads.index("Structure R2")
            assert heads[at + 1 : at + 3] == ["Similarity", "Constraint"]


def test_scores_in_the_table_are_those_of_the_frames():
    made = comparison(PLANS["usual"])
    row = next(r for r in made.structure.to_dicts() if r["steering"] == "persona" and r["country"] == "(all)")
    table = next(
        t for t in parsed("usual").all("table") if t.all("caption")[0].text == "Structure: how items go together"
    )
    cells = [cell.text for cell in table.all("tbody")[0].all("tr")[1].children]
    assert cells[:4] == [
        "persona",
        *(
            f"{row[n]:.2f} [{row[n + '_low']:.2f}, {row[n + '_high']:.2f}]"
            for n in ("structure_r2", "similarity", "constraint")
        ),
    ]
    assert cells[8] == "43 of 45"


def test_slopes_of_gaps_are_those_of_the_frames():
    made = comparison(PLANS["usual"]).gap_slopes.filter(steering="persona")
    row = made.filter(attribute="age").row(0, named=True)
    shown = [t for t in parsed("usual").all("table") if t.all("caption")[0].text.startswith("Gaps of the model")][1]
    lines = [[cell.text for cell in tr.children] for tr in shown.all("tbody")[0].all("tr")]
    slope = f"{row['slope']:.2f} [{row['slope_low']:.2f}, {row['slope_high']:.2f}]"
    assert lines[1] == ["age", slope, "5 of 7 clear ones", "120"]
    assert lines[2][:2] == ["education", "not defined"]


def test_undefined_scores_are_explained():
    notes = [note.text for note in parsed("usual").by_class("note")]
    assert "Similarity is not defined where the model's own correlations cannot be told from zero." in notes
    notes = [note.text for note in parsed("all_null").by_class("note")]
    assert "Structure R2 is not defined where the human correlations cannot be told from zero." in notes


def test_censored_interviews_say_more_than():
    table = next(t for t in parsed("usual").all("table") if t.all("caption")[0].text.startswith("Structure by country"))
    texas = next(tr for tr in table.all("tr") if tr.children[0].text == "Texas")
    assert "more than 21" in texas.text


def test_what_is_missing_is_said():
    assert "No groups of people were compared" in page("bare")
    assert "There is one country" in page("one_country")
    assert "No pairs of items were compared" in page("smallest")


def test_large_pages_say_what_they_leave_out():
    assert "the 12 farthest items of every country" in page("many_items")
    assert "Heat maps by country are left out" in page("many_items")
    assert len(page("many_items")) < 2_000_000


def test_references_and_chance_are_marked_in_forest_plots():
    forest = next(e for e in parsed("usual").by_class("forest") if "Structure R2 of models" in e.all("title")[0].text)
    labels = [e.text for e in forest.by_class("label")]
    assert labels == [
        "unsteered",
        "persona",
        "A0 independent",
        "A1 demographics",
        "A2 split half",
        "A3 nearest country",
        "A3 other countries",
    ]
    assert len(forest.by_class("chance")) == 1


def test_hostile_text_stays_text():
    document = parsed("hostile")
    assert document.all("title")[0].text == clean(HOSTILE)
    assert document.all("h1")[0].text == clean(HOSTILE)
    assert clean(HOSTILE) in document.by_class("conditions")[0].text
    assert not set("\u202e\u2066") & set(page("hostile"))


def test_hostile_text_changes_no_element():
    plans = Plan(gaps=False, countries=2), Plan(gaps=False, countries=2, hostile=True)
    plain, hostile = (
        Counter(e.tag for e in read(report_html(comparison(plan), survey=survey(plan), facts=facts(plan))).walk())
        for plan in plans
    )
    assert set(plain) == set(hostile)
    # Cut labels get a <title>, full lines wrap, and domains of other lengths have other borders; all else stays.
    for tag in (
        "svg",
        "table",
        "tr",
        "td",
        "section",
        "figure",
        "dl",
        "dt",
        "li",
        "h2",
        "input",
        "circle",
        "a",
        "meta",
    ):
        assert plain[tag] == hostile[tag], tag


def test_one_model_needs_no_columns_that_tell_it_apart():
    plan = Plan(steerings=1)
    made = comparison(plan)
    verdict = replace(made.verdicts[0], group={})
    tables = {table: getattr(made, table).drop("model", "steering") for table in FRAMES if table != "references"}
    bare = replace(made, by=(), verdicts=(verdict,), **tables)
    document = read(report_html(bare, survey=survey(plan), facts=facts(plan)))
    assert document.by_class("whose")[0].text == "the model"
    assert document.by_class("bars")


def test_items_that_the_survey_does_not_know_keep_their_id():
    plan = Plan()
    other = survey(Plan(items=1)).model_copy(update={"items": survey(plan).items[:2]})
    text = report_html(comparison(plan), survey=other, facts=facts(plan))
    assert "q7" in read(text).text


def test_same_input_same_bytes(tmp_path):
    plan = PLANS["usual"]
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    write_report(comparison(plan), survey=survey(plan), facts=facts(plan), path=first)
    program = (
        "import sys; from pathlib import Path; from demoscope.report import write_report;"
        "from tests.report.synthetic import PLANS, comparison, facts, survey; p = PLANS['usual'];"
        "write_report(comparison(p), survey=survey(p), facts=facts(p), path=Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    paths = [str(root), *sys.path]
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, paths)), "POLARS_MAX_THREADS": "1"}
    subprocess.run([sys.executable, "-c", program, str(second)], check=True, cwd=root, env=environment)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.html", "second.html"]


def test_text_has_enough_contrast_in_both_schemes():
    style = page("usual").partition("<style>")[2].partition("</style>")[0]
    schemes = [
        dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root\{(.*?)\}", style, flags=re.DOTALL)
    ]
    light, dark = (
        {name: _hex(value) for name, value in {k.replace("human-fill", "human_fill"): v for k, v in s.items()}.items()}
        for s in schemes
    )
    for colours in (light, dark):
        for ink in ("ink", "soft", "link", "human", "model", "reference"):
            for ground in ("paper", "card"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def _hex(value: str) -> tuple[float, float, float]:
    digits = value.removeprefix("#")
    return rgb("".join(2 * d for d in digits) if len(digits) == 3 else digits)
