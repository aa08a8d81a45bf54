"""A prompt that is shown is the prompt that is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demoscope.config import RunConfig, parse
from demoscope.engines import ENGINES
from demoscope.errors import ConfigError, MissingPartError
from demoscope.responses import Store, collect, plan_cells
from demoscope.runs import show_prompts
from demoscope.runs.people import load_people, with_asked_items
from tests.runs.knowing import Knowing

ITEMS = ("ideo", "pid7na", "religimp")
RELIGION = ("religimp", "prayerfreq", "churchatd")


@pytest.fixture(autouse=True)
def _knowing(monkeypatch):
    monkeypatch.setitem(ENGINES._places, "knowing", "tests.runs.knowing:Knowing")
    monkeypatch.setitem(ENGINES._places, "absent", "tests.runs.test_show_prompt:Absent")


class Absent:
    def __init__(self, *, model, options) -> None:
        raise MissingPartError("install it first")


def settings(*, steerings=("unsteered", "persona"), seed=3, models=None, **questions):
    table = {
        "name": "shown",
        "survey": "ces2016",
        "seed": seed,
        "personas": {"per_country": 6, "attributes": ["sex", "age_band"]},
        "questions": {"items": ITEMS} | questions,
        "models": models or [{"name": "k", "engine": "knowing", "steerings": steerings}],
    }
    return parse(RunConfig, table, where="test")


def whole(config):
    survey, _, personas = load_people(config, Path())
    config = with_asked_items(config, survey)
    return plan_cells(survey, personas, config=config, model=config.models[0], revision="k1"), personas


def shown(config, tmp_path, **arguments):
    return show_prompts(config, folder=tmp_path, base=Path(), **arguments)


@pytest.mark.parametrize("order", ["balanced", "both", "shuffled"])
@pytest.mark.parametrize("mode", ["logprobs", "choice"])
def test_every_prompt_of_a_plan_can_be_shown(tmp_path, order, mode):
    config = settings(order=order, mode=mode, draws=1)
    plan, personas = whole(config)
    cells = {cell.key: cell for cells in plan.rounds(None) for cell in cells}
    found = set()
    for persona in personas["persona_id"]:
        for item in ITEMS:
            for prompt in shown(config, tmp_path, persona=persona, item=item)["prompts"]:
                cell = cells[prompt["cell"]]
                assert cell.item.id == item
                assert [(turn["role"], turn["content"]) for turn in prompt["messages"]] == [
                    (message.role, message.content) for message in cell.request.messages
                ]
                assert tuple(option["code"] for option in prompt["options"]) == cell.question.codes
                assert prompt["rendered"] == Knowing(model="k", options={}).rendered(cell.request)
                found.add(prompt["cell"])
    assert found == cells.keys()


@pytest.mark.parametrize("presentation", ["interview", "battery"])
@pytest.mark.parametrize("mode", ["logprobs", "choice"])
@pytest.mark.parametrize("interview", [{}, {"history": 1, "sequence": "random"}, {"reset": "domain"}])
def test_conversations_show_the_answers_of_the_run(tmp_path, presentation, mode, interview):
    config = settings(presentation=presentation, mode=mode, interview=interview)
    plan, personas = whole(config)
    with Store(tmp_path / "responses") as store:
        collect(plan, Knowing(model="k", options={}), store)
        table = plan.responses(store)
    for persona in (personas["persona_id"][0], personas["persona_id"][-1]):
        for item in ITEMS:
            prompts = shown(config, tmp_path, persona=persona, item=item)["prompts"]
            rows = {
                (row["steering"], row["cell"])
                for row in table.iter_rows(named=True)
                if (row["persona_id"], row["item"]) == (persona, item)
            }
            assert {(prompt["steering"], prompt["cell"]) for prompt in prompts} == rows
            assert not any(turn["placeholder"] for prompt in prompts for turn in prompt["messages"])


@pytest.mark.parametrize("presentation", ["interview", "battery"])
@pytest.mark.parametrize("history", ["full", 1])
def test_what_nobody_answered_yet_is_marked(tmp_path, presentation, history):
    config = settings(presentation=presentation, interview={"history": history}, steerings=("persona",), items=RELIGION)
    plan, _ = whole(config)
    (prompt,) = shown(config, tmp_path, persona="1", item=RELIGION[-1])["prompts"]
    answers = [turn for turn in prompt["messages"] if turn["role"] == "assistant"]
    in_view = 1 if presentation == "interview" and history == 1 else 2
    assert [(turn["content"], turn["placeholder"]) for turn in answers] == [("A", True)] * in_view
    assert not any(turn["placeholder"] for turn in prompt["messages"] if turn["role"] != "assistant")
    with Store(tmp_path / "responses") as store:
        engine = Knowing(model="k", options={})
        for cell in next(plan.rounds(store)):
            store.append(list(_rows(cell, engine)))
    (prompt,) = shown(config, tmp_path, persona="1", item=RELIGION[-1])["prompts"]
    answers = [turn for turn in prompt["messages"] if turn["role"] == "assistant"]
    # Only the first of the three items is answered.
    assert [turn["placeholder"] for turn in answers] == ([False, True] if in_view == 2 else [True])
    assert list(tmp_path.iterdir()) == [tmp_path / "responses"]


def _rows(cell, engine):
    from demoscope.responses.decode import decode

    return [decode(cell, answer) for answer in engine.ask([cell.request])]


def test_a_persona_has_a_number_and_a_name(tmp_path):
    config = settings()
    _, personas = whole(config)
    by_number = shown(config, tmp_path, persona="5", item="ideo")
    assert by_number == shown(config, tmp_path, persona=personas["persona_id"][4], item="ideo")
    assert by_number["schema"] == 1
    assert json.loads(json.dumps(by_number)) == json.loads(json.dumps(by_number, allow_nan=False))
    assert not list(tmp_path.iterdir())


def test_models_and_steerings_are_chosen(tmp_path):
    models = [
        {"name": "one", "engine": "knowing", "steerings": ["persona"]},
        {"name": "two", "engine": "scripted"},
        {"name": "three", "engine": "absent", "steerings": ["unsteered"]},
    ]
    config = settings(models=models, order="given")

    def pairs(**choice):
        prompts = shown(config, tmp_path, persona="1", item="ideo", **choice)["prompts"]
        return [(prompt["model"], prompt["steering"], prompt["why_not_rendered"]) for prompt in prompts]

    silent = "the engine does not show what the model reads"
    assert pairs() == [
        ("one", "persona", None),
        ("two", "unsteered", silent),
        ("two", "persona", silent),
        ("three", "unsteered", "install it first"),
    ]
    assert pairs(model="two", steering="persona") == [("two", "persona", silent)]
    assert pairs(steering="persona") == [("one", "persona", None), ("two", "persona", silent)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"persona": "25"}, "numbered from 1 to 24"),
        ({"persona": "0"}, "numbered from 1 to 24"),
        ({"persona": "somebody"}, "no persona 'somebody'"),
        ({"item": "idoe"}, "did you mean 'ideo'"),
        ({"item": "bornagain"}, "item 'bornagain' is not asked: questions.items leaves it out"),
        ({"model": "kk"}, "no model 'kk'; did you mean 'k'"),
        ({"steering": "persone"}, "no steering 'persone' in these settings; did you mean 'persona'"),
    ],
)
def test_wrong_names_are_told(tmp_path, arguments, words):
    with pytest.raises(ConfigError) as error:
        shown(settings(), tmp_path, **{"persona": "1", "item": "ideo", **arguments})
    assert words in str(error.value)


def test_the_nearest_persona_is_told(tmp_path):
    config = settings()
    _, personas = whole(config)
    name = personas["persona_id"][3]
    with pytest.raises(ConfigError, match=r"did you mean 'p-"):
        shown(config, tmp_path, persona=f"{name}x", item="ideo")
