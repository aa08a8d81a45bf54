"""Tokens, distinct prompts and bytes of a plan against counting every prompt."""

from __future__ import annotations

from itertools import pairwise, takewhile

import polars as pl
import pytest

from demoscope.engines import Answer
from demoscope.errors import EngineError
from demoscope.responses import Store, collect, plan_cells
from demoscope.runs.estimate import estimate_prompts, likely_bytes, measured_bytes, output_tokens
from demoscope.runs.sample import Planned, draw_sample
from tests.responses.small import SURVEY, Listening, cells_of, personas, plan, run_config
from tests.runs.knowing import Knowing

ENGINE = Knowing(model="k", options={})


def planned(people=None, *, steering="persona", **settings) -> Planned:
    config = run_config(steerings=(steering,), **settings)
    people = personas() if people is None else people
    (part,) = plan_cells(SURVEY, people, config=config, model=config.models[0], revision="r1").parts
    return Planned(part, SURVEY, people, config, model=config.models[0], revision="r1")


def estimate(about, *, size=2000, answered=frozenset(), engine=ENGINE):
    sample = draw_sample(about, None, size=size)
    to_ask = about.part.total - len(answered)
    return estimate_prompts(about, sample, engine, to_ask=to_ask, answered=answered), sample


def by_hand(cells):
    """Tokens of all prompts, share of them that the one before begins with, and number of different prompts."""
    prompts = sorted(ENGINE.prompt_tokens([cell.request for cell in cells]))
    shared = sum(
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
        for one, other in pairwise(prompts)
    )
    tokens = sum(map(len, prompts))
    return tokens, shared / tokens, len(set(map(tuple, prompts)))


@pytest.mark.parametrize("steering", ["persona", "unsteered"])
@pytest.mark.parametrize("order", ["balanced", "both", "shuffled"])
@pytest.mark.parametrize(("mode", "draws"), [("logprobs", 1), ("choice", 1), ("choice", 3)])
def test_a_small_plan_is_counted_prompt_by_prompt(steering, order, mode, draws):
    about = planned(steering=steering, order=order, mode=mode, draws=draws)
    prompts, sample = estimate(about)
    tokens, shared, distinct = by_hand(cells_of(about.part))
    assert sample.exact
    assert (prompts.tokens, prompts.tokens_is) == (tokens, "exact")
    assert (prompts.distinct, prompts.distinct_is) == (distinct, "exact")
    assert prompts.shared == pytest.approx(shared, abs=1e-12)


def test_only_what_is_to_be_asked_counts():
    about = planned()
    cells = cells_of(about.part)
    prompts, _ = estimate(about, answered=frozenset(cell.key for cell in cells[:-5]))
    assert prompts.tokens == by_hand(cells[-5:])[0]


@pytest.mark.parametrize(("mode", "draws"), [("logprobs", 1), ("choice", 1), ("choice", 3)])
@pytest.mark.parametrize("order", ["balanced", "both"])
def test_a_sample_comes_near_to_counting_everything(mode, draws, order):
    about = planned(personas(towns=60, each=2), mode=mode, draws=draws, order=order)
    prompts, sample = estimate(about, size=200)
    tokens, shared, distinct = by_hand(cells_of(about.part))
    assert not sample.complete
    assert 100 <= len(sample.cells) <= 300 < about.part.total
    assert prompts.tokens_is == "about"
    assert prompts.tokens == pytest.approx(tokens, rel=0.05)
    assert prompts.shared == pytest.approx(shared, abs=0.1)
    # Of two displays and two people with one draw each, one display may have no turn.
    if mode == "choice" and draws == 1 and order == "both":
        assert prompts.distinct_is == "about"
        assert prompts.distinct == pytest.approx(distinct, rel=0.05)
    else:
        assert (prompts.distinct, prompts.distinct_is) == (distinct, "exact")


@pytest.mark.parametrize("presentation", ["interview", "battery"])
@pytest.mark.parametrize("mode", ["logprobs", "choice"])
def test_conversations_are_walked_with_made_up_answers(tmp_path, presentation, mode):
    people = personas(towns=20, each=3)
    about = planned(people, mode=mode, presentation=presentation, order="given")
    prompts, sample = estimate(about, size=150)
    whole = plan(people, mode=mode, presentation=presentation, order="given", steerings=("persona",))
    engine = Hearing()
    with Store(tmp_path) as store:
        collect(whole, engine, store)
    tokens, _, distinct = by_hand(engine.heard)
    assert (sample.complete, sample.certain) == (False, False)
    assert prompts.distinct_is == "at most"
    assert prompts.distinct >= 0.95 * distinct
    # Distributions that several people share are asked once, so that the estimate of all is a bound.
    assert prompts.tokens >= 0.95 * tokens
    if mode == "choice":
        assert prompts.tokens == pytest.approx(tokens, rel=0.05)


class Hearing(Listening):
    """Keeps requests, as things with a ``request``."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = []

    def ask(self, requests):
        for request in requests:
            self.heard.append(Heard(request))
            yield from super().ask([request])


class Heard:
    def __init__(self, request) -> None:
        self.request = request


def test_a_conversation_that_is_all_answered_is_exact(tmp_path):
    about = planned(presentation="interview")
    with Store(tmp_path) as store:
        collect(plan(presentation="interview", steerings=("persona",)), Listening(), store)
        assert draw_sample(about, store).exact
    assert not draw_sample(about, None).exact


def test_no_tokens_is_unknown_and_not_nothing():
    prompts, _ = estimate(planned(), engine=Listening())
    assert (prompts.tokens, prompts.tokens_is, prompts.shared) == (None, None, None)


def test_an_engine_may_not_know():
    class Silent(Knowing):
        def prompt_tokens(self, requests):
            return None

    assert estimate(planned(), engine=Silent(model="k", options={}))[0].tokens is None


def test_an_engine_that_loses_a_prompt():
    class Losing(Knowing):
        def prompt_tokens(self, requests):
            return super().prompt_tokens(requests)[1:]

    with pytest.raises(EngineError, match="tokens of 29 prompts, 30 were given"):
        estimate(planned(towns_of(3)), engine=Losing(model="k", options={}))


def towns_of(number):
    return personas(towns=number, each=1)


def test_longest_answers():
    assert output_tokens(planned(mode="logprobs", max_tokens=7)) == (1, "exact")
    assert output_tokens(planned(mode="verbalized", max_tokens=7)) == (7, "at most")


@pytest.mark.parametrize("mode", ["logprobs", "choice", "text", "verbalized"])
def test_likely_bytes_are_near_those_of_real_answers(tmp_path, mode):
    about = planned(personas(towns=40, each=2), mode=mode)
    likely = likely_bytes(draw_sample(about, None, size=800).cells, seed=1)
    assert likely_bytes(draw_sample(about, None, size=800).cells, seed=1) == likely
    with Store(tmp_path) as store:
        for copy in range(3):
            collect(plan(personas(towns=40, each=2), mode=mode, revision=str(copy)), Writing(), store)
        real = measured_bytes(store, folder=tmp_path)
    assert real is not None
    assert real / 2 < likely < real * 2


class Writing(Listening):
    """Writes a letter and its text."""

    def __init__(self) -> None:
        super().__init__(block=500)
        self.capabilities = type(self.capabilities)(modes=("logprobs", "choice", "text", "verbalized"), block=500)

    def ask(self, requests):
        for request in requests:
            if request.mode in ("logprobs", "choice"):
                yield from super().ask([request])
            else:
                yield Answer(request.key, "refusal", text=f"{request.key[:12]} is what I say", prompt_tokens=99)


def test_few_answers_say_nothing_about_the_bytes_of_many(tmp_path):
    with Store(tmp_path) as store:
        collect(plan(), Listening(), store)
        assert measured_bytes(store, folder=tmp_path) is None
    assert measured_bytes(None, folder=tmp_path) is None


def test_a_plan_that_asks_nobody():
    people = personas().filter(pl.col("country") == "B")
    about = planned(people, items=("only_a",))
    prompts, sample = estimate(about)
    assert (about.total, sample.cells, prompts.distinct, prompts.tokens) == (0, [], 0, 0)
    assert likely_bytes(sample.cells, seed=1) == 0
