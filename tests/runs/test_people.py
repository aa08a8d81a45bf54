"""Whom a run asks as, whom it compares with, and what it does not ask."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import tomli_w

from demoscope.config import RunConfig, parse, read_toml
from demoscope.errors import ConfigError
from demoscope.runs.execute import execute
from demoscope.runs.people import load_people, with_asked_items
from demoscope.runs.settings import read_config
from demoscope.schema import ALL
from demoscope.surveys import load_survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLE = Path(__file__).parents[2] / "examples/williams2026.toml"
MODEL = {"name": "m", "engine": "scripted", "steerings": ["persona"]}
GROUPS = {
    "men": {"where": "sex = 'man'", "text": "a man", "dimension": "sex"},
    "faithful": {"where": "religimp >= 3", "text": "a person to whom religion matters"},
}

YES_NO = {"1": "Yes", "2": "No"}
TELLING = {
    "id": "telling",
    "title": "Attributes that share a column with an item",
    "id_column": "id",
    "country_column": "land",
    "weight_column": "w",
    "data": "people.parquet",
    "demographics": [
        {"id": "sex", "column": "v1", "text": "a {value}", "noun": True, "values": {"1": "man", "2": "woman"}},
        {
            "id": "income",
            "column": "v2",
            "text": "with an income {value}",
            "bands": [{"low": 1, "high": 2, "label": "below"}, {"low": 3, "label": "above"}],
        },
    ],
    "items": [
        {"id": "is_man", "column": "v1", "text": "A man?", "options": YES_NO},
        {"id": "step", "column": "v2", "text": "Which step?", "options": {str(k): str(k) for k in (1, 2, 3, 4)}},
        *({"id": name, "text": "Well?", "options": YES_NO} for name in ("a", "b", "c")),
    ],
}


def config(**settings) -> RunConfig:
    base = {
        "name": "r",
        "survey": "ces2016",
        "models": [MODEL],
        "scores": {"replicates": 20, "permutations": 20},
    }
    return parse(RunConfig, base | settings, where="run.toml")


@contextmanager
def quiet(_label: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda _done, _count: None


def run(settings: RunConfig, folder: Path):
    return execute(settings, folder=folder / "out", base=folder, threads=1, show=quiet)


def people_facts(folder: Path) -> dict[str, str]:
    facts = json.loads((folder / "out/facts.json").read_text(encoding="utf-8"))
    return dict(next(section["rows"] for section in facts["sections"] if section["title"] == "People"))


def telling(folder: Path, **settings) -> RunConfig:
    """Settings of a survey in which both attributes are asked as items as well."""
    noise = np.random.default_rng(7)
    n = 240
    frame = pl.DataFrame(
        {
            "id": [f"r{row}" for row in range(n)],
            "land": ["X", "Y"] * (n // 2),
            "w": noise.uniform(0.5, 2, n),
            "v1": noise.integers(1, 3, n),
            "v2": noise.integers(1, 5, n),
            **{name: noise.integers(1, 3, n) for name in "abc"},
        }
    )
    frame.write_parquet(folder / "people.parquet")
    (folder / "telling.toml").write_text(tomli_w.dumps(TELLING), encoding="utf-8")
    return config(survey="telling.toml", **settings)


def said_anywhere(folder: Path, item: str) -> list[str]:
    """Tables and pages of a run that name an item in a cell of their own."""
    found = []
    for path in sorted((folder / "out").rglob("*.parquet")):
        frame = pl.read_parquet(path)
        texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        if any((frame[name] == item).any() for name in texts):
            found.append(path.name)
    return found + [
        name for name in ("report.html", "summary.json") if item in (folder / "out" / name).read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize(
    ("personas", "told"),
    [
        ({}, ("is_man", "step")),
        ({"attributes": ["income"]}, ("step",)),
        ({"source": "cells"}, ("is_man", "step")),
        ({"source": "groups"}, ("is_man", "a")),
    ],
    ids=["attributes", "a band", "cells", "groups"],
)
def test_a_told_item_reaches_nothing(tmp_path, personas, told):
    groups = {
        "men": {"where": "sex = 'man'", "text": "a man"},
        "yes": {"where": "a = 1", "text": "a person who says yes"},
    }
    asked = tuple(item["id"] for item in TELLING["items"] if item["id"] not in told)
    run(telling(tmp_path, personas=personas, groups=groups), tmp_path)
    for item in told:
        found = said_anywhere(tmp_path, item)
        # The page names it once, to say that it was left out; "a" is also a word of any page.
        assert found == ["report.html"] or (item == "a" and "summary.json" in found and len(found) == 2)
    assert people_facts(tmp_path)["Items that personas tell"] == f"{', '.join(told)}; neither asked nor scored"
    marginals = pl.read_parquet(tmp_path / "out/scores/marginals.parquet")
    assert set(marginals["item"]) == set(asked)
    pairs = pl.read_parquet(tmp_path / "out/scores/pairs.parquet")
    assert set(pairs["item_a"]) | set(pairs["item_b"]) == set(asked)
    assert not set(pl.read_parquet(tmp_path / "out/scores/gaps.parquet")["item"]) & set(told)


def test_told_items_are_scored_on_purpose(tmp_path):
    settings = telling(tmp_path, scores={"replicates": 20, "permutations": 20, "told_items": "include"})
    run(settings, tmp_path)
    assert set(pl.read_parquet(tmp_path / "out/scores/marginals.parquet")["item"]) >= {"is_man", "step"}
    assert people_facts(tmp_path)["Items that personas tell"] == "is_man, step; scored all the same"


def test_a_told_item_cannot_be_asked_for_by_name(tmp_path):
    settings = telling(tmp_path, questions={"items": ["step", "a", "b"]})
    survey, _, _ = load_people(settings, tmp_path)
    with pytest.raises(ConfigError, match=r"'step' is told by the prompt.*unless scores\.told_items is 'include'"):
        with_asked_items(settings, survey)
    included = settings.model_copy(update={"scores": settings.scores.model_copy(update={"told_items": "include"})})
    assert with_asked_items(included, survey).questions.items == ("step", "a", "b")


def test_matched_personas_weigh_what_their_respondents_do(tmp_path):
    _, data, personas = load_people(telling(tmp_path, personas={"per_country": 40}), tmp_path)
    weights = dict(data.frame.select("respondent_id", "weight").iter_rows())
    assert personas.height == 80
    assert personas["weight"].to_list() == [weights[person] for person in personas["source_respondent_id"]]
    assert personas["weight"].n_unique() > 70


def test_members_of_groups_weigh_what_they_do_in_the_group(tmp_path):
    settings = telling(
        tmp_path,
        personas={"source": "groups", "per_country": 30},
        groups={"men": {"where": "sex = 'man'", "text": "a man"}},
    )
    _, data, personas = load_people(settings, tmp_path)
    weights = dict(data.frame.select("respondent_id", "weight").iter_rows())
    assert personas["weight"].to_list() == [weights[person] for person in personas["source_respondent_id"]]
    assert personas["source_respondent_id"].str.starts_with("men/").all()
    assert personas["group"].to_list() == ["a man"] * 30


def test_a_run_of_groups(tmp_path):
    adapters = {name: {"path": name, "when": {"group": name}} for name in GROUPS}
    models = [
        {**MODEL, "steerings": ["persona", "unsteered"]},
        {**MODEL, "name": "adapted", "steerings": ["adapter"], "adapters": adapters},
    ]
    settings = config(groups=GROUPS, personas={"source": "groups", "per_country": 40}, models=models)
    outcome = run(settings, tmp_path)
    assert outcome.errors == 0
    marginals = pl.read_parquet(tmp_path / "out/scores/marginals.parquet")
    assert set(marginals["country"]) - {ALL} == {"faithful", "men"}
    assert "religimp" not in set(marginals["item"])
    answers = pl.read_parquet(tmp_path / "out/answers.parquet").filter(pl.col("model") == "adapted")
    assert answers.select("country", "adapter").unique().sort("country").rows() == [
        ("faithful", "faithful"),
        ("men", "men"),
    ]
    facts = people_facts(tmp_path)
    assert facts["Group men"] == "a man: sex = 'man' (sex)"
    assert facts["Weights in groups"] == "every country in a group weighs the same"
    # The settings that a run writes are settings: they give the same run.
    again = read_config(tmp_path / "out/run.toml")
    assert load_people(again, tmp_path)[2].equals(pl.read_parquet(tmp_path / "out/personas.parquet"))
    assert with_asked_items(again, load_people(again, tmp_path)[0]) == again


def test_a_run_of_cells_with_targets(tmp_path):
    targets = {"sex": {"man": 0.5, "woman": 0.5}, "Ohio": {"sex": {"man": 0.2, "woman": 0.8}}}
    settings = config(personas={"source": "cells", "per_country": 50, "targets": targets})
    run(settings, tmp_path)
    personas = pl.read_parquet(tmp_path / "out/personas.parquet")
    men = dict(personas.group_by("country").agg((pl.col("sex") == "man").sum()).iter_rows())
    assert men.pop("Ohio") == 10
    assert set(men.values()) == {25}
    _, data, _ = load_people(settings, tmp_path)
    for country in data.countries:
        people = data.frame.filter(pl.col("country") == country)
        share = people.filter(pl.col("sex") == "man")["weight"].sum() / people["weight"].sum()
        assert share == pytest.approx(0.2 if country == "Ohio" else 0.5)
    facts = people_facts(tmp_path)
    assert facts["Targets"] == "personas and respondents are both raked to shares of sex, sex in Ohio"
    assert facts["Personas"].startswith("200, drawn from the demographic cells")


def test_people_on_whom_answers_are_scored_are_those_of_the_targets(tmp_path):
    """Human marginals move with the weights that targets give."""
    targets = {"sex": {"man": 0.9, "woman": 0.1}}
    settings = telling(tmp_path, personas={"source": "cells", "attributes": ["sex"], "targets": targets})
    run(settings, tmp_path)
    raw = pl.read_parquet(tmp_path / "people.parquet").filter(pl.col("land") == "X")
    people = {sex: raw.filter(pl.col("v1") == sex) for sex in (1, 2)}
    yes = {sex: part.filter(pl.col("b") == 1)["w"].sum() / part["w"].sum() for sex, part in people.items()}
    row = pl.read_parquet(tmp_path / "out/scores/marginals.parquet").filter(
        pl.col("item") == "b", pl.col("country") == "X"
    )
    assert row["human_shares"][0][0] == pytest.approx(0.9 * yes[1] + 0.1 * yes[2])


def test_groups_are_those_of_the_run_before_those_of_the_survey(tmp_path):
    survey = TELLING | {"groups": {"women": {"where": "sex = 'woman'", "text": "a woman"}}}
    settings = telling(tmp_path, personas={"source": "groups"})
    (tmp_path / "telling.toml").write_text(tomli_w.dumps(survey), encoding="utf-8")
    assert load_people(settings, tmp_path)[1].countries == ("women",)
    own = {"men": {"where": "sex = 'man'", "text": "a man"}}
    mine = telling(tmp_path, personas={"source": "groups"}, groups=own)
    (tmp_path / "telling.toml").write_text(tomli_w.dumps(survey), encoding="utf-8")
    assert load_people(mine, tmp_path)[1].countries == ("men",)
    both = telling(tmp_path, personas={"source": "groups", "groups": ["men", "women"]}, groups=own)
    (tmp_path / "telling.toml").write_text(tomli_w.dumps(survey), encoding="utf-8")
    assert load_people(both, tmp_path)[1].countries == ("men", "women")
    wrong = telling(tmp_path, personas={"source": "groups", "groups": ["man"]}, groups=own)
    with pytest.raises(ConfigError, match=r"personas\.groups: no group 'man'; did you mean 'men'"):
        load_people(wrong, tmp_path)


@pytest.mark.parametrize(
    ("personas", "message"),
    [
        ({"groups": ["men"]}, "groups belongs to source = 'groups', and this is 'respondents'"),
        ({"pooling": "as_is"}, "pooling belongs to source = 'groups'"),
        ({"targets": {"sex": {"man": 1.0}}}, "targets belongs to source = 'cells'"),
        ({"source": "groups", "attributes": ["sex"]}, "tells nothing but its group"),
        ({"source": "groups", "countries": ["Ohio"]}, "name them in the expression"),
        ({"source": "cells", "targets": {"sex": {"man": 1.5}}}, "less than or equal to 1"),
        ({"source": "people"}, "personas.source"),
    ],
)
def test_settings_that_do_not_go_together_are_errors(personas, message):
    with pytest.raises(ConfigError, match=message):
        config(personas=personas)


def test_an_adapter_of_no_group_is_an_error(tmp_path):
    models = [{**MODEL, "steerings": ["adapter"], "adapters": {"x": {"path": "x", "when": {"group": "mem"}}}}]
    settings = config(groups=GROUPS, personas={"source": "groups", "per_country": 40}, models=models)
    survey, _, _ = load_people(settings, tmp_path)
    with pytest.raises(ConfigError, match=r"adapters\.x\.when: no group 'mem' among personas; did you mean 'men'"):
        with_asked_items(settings, survey)


def test_the_example_is_the_design_of_the_paper():
    settings = read_config(EXAMPLE)
    survey = load_survey("wvs7")
    items = settings.questions.items
    assert len(set(items)) == len(items) == 193
    assert len({survey.item(name).domain for name in items}) == 12
    assert len(survey.groups) == 10
    assert len({group.dimension for group in survey.groups.values()}) == 4
    adapted = settings.models[-1]
    assert {name: adapter.when for name, adapter in adapted.adapters.items()} == {
        name: {"group": name} for name in survey.groups
    }
    assert [model.steerings for model in settings.models] == [("persona",), ("unsteered",), ("adapter",)]


def test_the_example_runs_from_end_to_end(tmp_path):
    """With scripted engines in the place of models, on people made up, with few items and replicates."""
    table = read_toml(EXAMPLE)
    del table["data"]
    table["simulated"] = {"countries": ["Germany", "United States", "Brazil", "Egypt"], "respondents": 300}
    table["questions"]["items"] = ["Q1", "Q45", "Q56", "Q119", "Q240"]
    table["personas"]["per_country"] = 20
    table["scores"] |= {"replicates": 20, "permutations": 20}
    for model in table["models"]:
        model |= {"engine": "scripted", "options": {}}
    run(parse(RunConfig, table, where="example"), tmp_path)
    personas = pl.read_parquet(tmp_path / "out/personas.parquet")
    assert personas.height == 200
    assert "a politically liberal person" in set(personas["group"])
    marginals = pl.read_parquet(tmp_path / "out/scores/marginals.parquet")
    assert set(marginals["country"]) >= set(load_survey("wvs7").groups)
    assert set(marginals["model"]) == {"base, told the group", "base, told nothing", "ten adapters"}
    assert people_facts(tmp_path)["Items that personas tell"] == "Q240; scored all the same"
