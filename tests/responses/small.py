"""A survey of three items in two countries, small enough to follow by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from demoscope.config import ModelSettings, RunConfig
from demoscope.engines import Answer, Capabilities
from demoscope.responses import Cell, Plan, plan_cells
from demoscope.surveys import Survey, survey_from_table

SURVEY = survey_from_table(
    {
        "id": "small",
        "title": "Small",
        "country_column": "land",
        "demographics": [
            {"id": "sex", "text": "{value}", "noun": True, "values": {"1": "a man", "2": "a woman"}},
            {"id": "town", "text": "from {value}"},
        ],
        "items": [
            {"id": "trust", "text": "Trust?", "options": {"1": "no", "2": "some", "3": "much"}},
            {"id": "vote", "text": "Vote?", "options": {"7": "yes", "0": "no"}},
            {"id": "only_a", "text": "Local?", "options": {"1": "a", "2": "b", "3": "c", "4": "d"}, "asked_in": ["A"]},
        ],
    },
    where=Path("small.toml"),
)


def personas(towns: int = 3, each: int = 2) -> pl.DataFrame:
    """``each`` personas of both sexes in every town of countries A and B, each town in one country."""
    rows = [
        (
            f"p-{country}{sex[2]}{town}{copy}",
            country,
            None,
            1.0,
            f"sex={sex}|town={country}{town}",
            sex,
            f"{country}{town}",
        )
        for country in "AB"
        for sex in ("a man", "a woman")
        for town in range(towns)
        for copy in range(each)
    ]
    names = ["persona_id", "country", "source_respondent_id", "weight", "profile", "sex", "town"]
    return pl.DataFrame(
        rows, schema={name: pl.Float64 if name == "weight" else pl.String for name in names}, orient="row"
    )


def run_config(
    *,
    order: str = "balanced",
    steerings=("persona", "unsteered"),
    items=None,
    seed: int = 1,
    adapters=None,
    prompts=None,
    **questions,
) -> RunConfig:
    model = ModelSettings(name="rule", engine="scripted", steerings=steerings, adapters=adapters or {})
    questions = {"order": order, "items": items, **questions}
    return RunConfig(
        name="small", survey="small", seed=seed, questions=questions, prompts=prompts or {}, models=(model,)
    )


def plan(people: pl.DataFrame | None = None, *, revision: str = "r1", survey: Survey = SURVEY, **settings) -> Plan:
    config = run_config(**settings)
    people = personas() if people is None else people
    return plan_cells(survey, people, config=config, model=config.models[0], revision=revision)


def cells_of(plan: Plan, store=None) -> list[Cell]:
    """All cells of a plan whose prompts do not depend on answers."""
    return [cell for cells in plan.rounds(store) for cell in cells]


class Listening:
    """An engine whose answers depend on the key alone, and which remembers what it was asked.

    Args:
        block: Requests handed over at once.
        spoil: Called with the request and the number of those before it; returns an answer that replaces the usual one,
            or raises.
    """

    def __init__(self, *, block: int = 4, spoil=None) -> None:
        self.capabilities = Capabilities(modes=("logprobs", "choice"), adapters=True, block=block)
        self.revision = "r1"
        self.asked: list[str] = []
        self.blocks: list[int] = []
        self._spoil = spoil or (lambda request, number: None)

    def facts(self):
        return {}

    def ask(self, requests):
        self.blocks.append(len(requests))
        for request in requests:
            self.asked.append(request.key)
            spoiled = self._spoil(request, len(self.asked) - 1)
            yield usual(request) if spoiled is None else spoiled

    def close(self):
        pass


def usual(request) -> Answer:
    """Weights 1, 2, 3, ... of the labels, turned by the key; a choice takes the heaviest."""
    turn = int(request.key[:4], 16) % len(request.labels)
    if request.mode == "choice":
        return Answer(request.key, "valid", text=request.labels[-1 - turn])
    weights = [(place + turn) % len(request.labels) + 1 for place in range(len(request.labels))]
    return Answer(request.key, "valid", probs=tuple(w / sum(weights) for w in weights), label_mass=0.5, prompt_tokens=9)
