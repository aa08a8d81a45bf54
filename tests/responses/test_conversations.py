"""Interviews and batteries against a slow twin that holds one conversation after the other."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope.engines import Answer
from demoscope.errors import EngineError
from demoscope.responses import Store, answers_hash, collect
from demoscope.responses.draw import draw_answers
from demoscope.schema import RESPONSES
from demoscope.surveys import survey_from_table
from tests.responses.small import SURVEY, Listening, personas, plan, usual

PEOPLE = personas(towns=2, each=3)
FOUR = survey_from_table(
    {
        "id": "four",
        "title": "Four",
        "country_column": "land",
        "demographics": SURVEY.model_dump()["demographics"],
        "items": [
            {"id": "a", "text": "A?", "domain": "x", "options": {"1": "no", "2": "yes"}},
            {"id": "b", "text": "B?", "domain": "y", "options": {"1": "no", "2": "some", "3": "much"}},
            {"id": "c", "text": "C?", "domain": "x", "options": {"5": "no", "4": "yes"}},
            {"id": "d", "text": "D?", "domain": "y", "options": {"1": "no", "2": "yes"}},
        ],
    },
    where=Path("four.toml"),
)


def asked(plan, store, engine=None):
    """Ask a plan and give its table."""
    engine = engine or Talking()
    summary = collect(plan, engine, store)
    return plan.responses(store), engine, summary


class Talking(Listening):
    """Remembers every conversation that it was asked to continue."""

    def __init__(self, **arguments) -> None:
        super().__init__(**arguments)
        self.heard = []

    def ask(self, requests):
        for request in requests:
            self.heard.append(request)
            yield from super().ask([request])


def said(request):
    return [(message.role, message.content.splitlines()[0]) for message in request.messages]


@pytest.mark.parametrize("mode", ["logprobs", "choice"])
@pytest.mark.parametrize("steering", ["persona", "unsteered"])
def test_the_walk_equals_one_conversation_at_a_time(tmp_path, mode, steering):
    interview = plan(
        PEOPLE, survey=FOUR, presentation="interview", mode=mode, draws=2, order="given", steerings=(steering,)
    )
    with Store(tmp_path) as store:
        table, engine, _ = asked(interview, store)
    by_conversation = {request.key: request for request in engine.heard}
    expected = {}
    for person in PEOPLE.iter_rows(named=True):
        for draw in range(2):
            history: list[tuple[str, str]] = []
            for item in FOUR.items:
                opening = ["You are a"] if steering == "persona" else []
                matches = [
                    request
                    for request in by_conversation.values()
                    if request.facts["item"] == item.id
                    and (steering == "unsteered" or request.facts["town"] == person["town"])
                    and (steering == "unsteered" or request.facts["sex"] == person["sex"])
                    and said(request)[len(opening) : -1] == history
                    and (mode == "logprobs" or is_of(request, table, person["persona_id"], item.id, draw))
                ]
                (request,) = matches
                answer = usual(request)
                if mode == "logprobs":
                    stream = f"{person['persona_id']}|{item.id}|given"
                    place = int(
                        draw_answers(
                            np.array([answer.probs]), np.zeros(1, np.int64), [stream], seed=1, first=draw, draws=1
                        )[0, 0]
                    )
                else:
                    place = request.labels.index(answer.text)
                expected[person["persona_id"], item.id, draw] = item.codes[place]
                history += [("user", item.text), ("assistant", request.labels[place])]
    found = {(row["persona_id"], row["item"], row["draw"]): row["code"] for row in table.iter_rows(named=True)}
    assert found == expected
    assert {name: str(dtype) for name, dtype in table.schema.items()} == RESPONSES


def is_of(request, table, persona, item, draw):
    mine = table.filter(persona_id=persona, item=item, draw=draw)
    return mine["cell"].to_list() == [request.key]


def test_the_same_prompt_is_asked_once_where_answers_are_distributions(tmp_path):
    interview = plan(PEOPLE, survey=FOUR, presentation="interview", draws=2, order="given", steerings=("unsteered",))
    with Store(tmp_path) as store:
        table, engine, summary = asked(interview, store)
    assert len(engine.asked) == len(set(engine.asked)) == summary.cells
    assert table.height == PEOPLE.height * 4 * 2
    first = [request for request in engine.heard if request.facts["item"] == "a"]
    assert len(first) == 1
    assert summary.cells < table.height


def test_probabilities_of_conversations_stay_out_of_the_table(tmp_path):
    with Store(tmp_path) as store:
        table, _, _ = asked(plan(PEOPLE, survey=FOUR, presentation="interview"), store)
    assert table["probs"].null_count() == table.height
    assert table["draw"].unique().to_list() == [0]
    assert sorted(table["position"].unique()) == [0, 1, 2, 3]


@pytest.mark.parametrize("presentation", ["interview", "battery"])
def test_an_interrupted_conversation_ends_the_same(tmp_path, presentation):
    settings = {"survey": FOUR, "presentation": presentation, "draws": 2}
    with Store(tmp_path / "whole") as store:
        table, _, _ = asked(plan(PEOPLE, **settings), store)
        whole = answers_hash(store.cells())

    def stop(request, number):
        if number == 40:
            raise EngineError("gone")

    with Store(tmp_path / "parts") as store:
        with pytest.raises(EngineError):
            collect(plan(PEOPLE, **settings), Listening(spoil=stop), store)
        again, engine, summary = asked(plan(PEOPLE, **settings), store)
        assert answers_hash(store.cells()) == whole
        assert summary.reused == 40
        assert len(engine.asked) == summary.cells - 40
    assert again.equals(table)


def test_history_and_resets(tmp_path):
    def conversations(name, **interview):
        settings = {"survey": FOUR, "presentation": "interview", "interview": interview, "order": "given"}
        with Store(tmp_path / name) as store:
            _, engine, _ = asked(plan(PEOPLE[:1], steerings=("persona",), **settings), store)
        return {
            request.facts["item"]: [text for role, text in said(request) if role == "user"] for request in engine.heard
        }

    assert conversations("full") == {
        "a": ["A?"],
        "b": ["A?", "B?"],
        "c": ["A?", "B?", "C?"],
        "d": ["A?", "B?", "C?", "D?"],
    }
    assert conversations("last", history=1)["d"] == ["C?", "D?"]
    assert conversations("domain", history="domain") == {
        "a": ["A?"],
        "b": ["B?"],
        "c": ["A?", "C?"],
        "d": ["B?", "D?"],
    }
    assert conversations("reset", reset="domain") == {"a": ["A?"], "c": ["A?", "C?"], "b": ["B?"], "d": ["B?", "D?"]}


def test_a_random_sequence_differs_between_personas_and_draws(tmp_path):
    settings = {"survey": FOUR, "presentation": "interview", "interview": {"sequence": "random"}, "draws": 2}
    with Store(tmp_path) as store:
        table, _, _ = asked(plan(PEOPLE, steerings=("persona",), **settings), store)
    orders = Counter(tuple(part.sort("position")["item"]) for part in table.partition_by("persona_id", "draw"))
    assert len(orders) > 8
    assert {tuple(sorted(order)) for order in orders} == {("a", "b", "c", "d")}


def test_a_battery_shows_all_its_questions_and_no_others(tmp_path):
    with Store(tmp_path) as store:
        _, engine, _ = asked(
            plan(PEOPLE[:1], survey=FOUR, presentation="battery", order="given", steerings=("persona",)), store
        )
    by_item = defaultdict(list)
    for request in engine.heard:
        by_item[request.facts["item"]].append("\n".join(message.content for message in request.messages))
    assert {item: len(texts) for item, texts in by_item.items()} == {"a": 1, "b": 1, "c": 1, "d": 1}
    for item, other in (("a", "b"), ("b", "a"), ("c", "b"), ("d", "a")):
        (text,) = by_item[item]
        for shown in {"a", "c"} if item in "ac" else {"b", "d"}:
            assert text.count(f"{shown.upper()}?") == 1
        assert f"{other.upper()}?" not in text
    (second,) = by_item["c"]
    assert "Question 1: Answer with one letter." in second
    assert second.endswith("Question 2: Answer with one letter.")


def test_after_an_error_a_conversation_waits(tmp_path):
    def fail(request, number):
        return Answer(request.key, "error", reason="http_503") if request.facts["item"] == "b" else None

    interview = plan(PEOPLE[:2], survey=FOUR, presentation="interview", mode="choice", steerings=("persona",))
    with Store(tmp_path) as store:
        table, _, summary = asked(interview, store, Talking(spoil=fail))
        assert summary.counts == {"error: http_503": 2, "valid": 2}
        assert table.height == 8
        lost = table.filter(pl.col("reason") == "not_reached")
        assert sorted(lost["item"].unique()) == ["c", "d"]
        again, engine, _ = asked(interview, store)
        assert len(engine.asked) == 6
        assert again["status"].unique().to_list() == ["valid"]


def test_words_that_name_no_option_stay_in_view(tmp_path):
    def shy(request, number):
        return Answer(request.key, "invalid", reason="no_answer", text="Let us not.") if number == 0 else None

    with Store(tmp_path) as store:
        _, engine, _ = asked(
            plan(PEOPLE[:1], survey=FOUR, presentation="interview", mode="choice", steerings=("persona",)),
            store,
            Talking(spoil=shy),
        )
    assert ("assistant", "Let us not.") in said(engine.heard[-1])


def test_items_are_asked_where_they_were(tmp_path):
    with Store(tmp_path) as store:
        table, _, _ = asked(plan(PEOPLE, presentation="interview"), store)
    assert table.filter(item="only_a")["country"].unique().to_list() == ["A"]
    assert table.group_by("item").len().sort("item")["len"].to_list() == [24, 48, 48]


def test_verbalized_batteries_are_refused():
    with pytest.raises(ValueError, match="no presentation 'battery'"):
        plan(PEOPLE, presentation="battery", mode="verbalized")
