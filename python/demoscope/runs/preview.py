"""What a run would ask, and what that would take, said before it asks."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from demoscope.responses import Store, plan_cells
from demoscope.runs.estimate import (
    Precision,
    Prompts,
    estimate_prompts,
    likely_bytes,
    measured_bytes,
    output_tokens,
)
from demoscope.runs.execute import make_engine, with_places, write_inputs
from demoscope.runs.folder import RunFolder
from demoscope.runs.measure import Speed, is_answered, measure
from demoscope.runs.people import load_people, with_asked_items
from demoscope.runs.prices import Price, cost
from demoscope.runs.sample import Planned, draw_sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.engines import Engine
    from demoscope.responses import Plan
    from demoscope.runs.execute import Show
    from demoscope.runs.sample import Sample
    from demoscope.surveys import Survey

PLAN_SCHEMA: Final = 1
"""Version of the table that :func:`describe_plan` returns; a key that goes or changes its meaning raises it."""


@dataclass(frozen=True)
class Estimate:
    """What one steering of one model takes; ``None`` is unknown and never nothing.

    Attributes:
        model: Name of the model.
        steering: Name of the steering.
        cells: Number of questions with an answer of their own.
        cells_is: ``"exact"``, or ``"at most"`` where conversations that turn out the same share questions.
        answered: Those that are answered already.
        to_ask: Those that are not; counts and costs below are those of these alone.
        distinct_prompts: Prompts that differ in words, labels or adapter.
        distinct_prompts_is: ``"exact"``, ``"about"`` or ``"at most"``.
        sampled_cells: Cells whose prompts were looked at.
        shared_prefix_share: Share of prompt tokens that the prompt before begins with as well, in [0, 1].
        prompt_tokens: Tokens of the prompts.
        prompt_tokens_is: ``"exact"`` or ``"about"``; ``None`` where they are unknown.
        output_tokens: Tokens of the answers.
        output_tokens_is: ``"exact"`` or ``"at most"``.
        cells_per_second: How fast cells were answered.
        measured_cells: Cells that were timed.
        hours: Time for what is to be asked, at that speed.
        bytes_per_answer: Space of one answer on disk.
        bytes_from: ``"store"`` where answers of the run were measured, ``"sample"`` where made-up ones were.
        disk_bytes: Space of the answers that are to come.
        cost: Price of what is to be asked, every token in full and every answer as long as it may be.
        cost_is: ``"at most"``, or ``"about"`` where the tokens of the prompts are an estimate.
        cost_if_cached: The same with shared prefixes at the price of cached tokens.
        currency: Of both.
    """

    model: str
    steering: str
    cells: int
    cells_is: Precision
    answered: int
    to_ask: int
    distinct_prompts: int
    distinct_prompts_is: Precision
    sampled_cells: int
    shared_prefix_share: float | None
    prompt_tokens: int | None
    prompt_tokens_is: Precision | None
    output_tokens: int
    output_tokens_is: Precision
    cells_per_second: float | None
    measured_cells: int
    hours: float | None
    bytes_per_answer: float
    bytes_from: str
    disk_bytes: int
    cost: float | None
    cost_is: Precision | None
    cost_if_cached: float | None
    currency: str | None


def describe_plan(
    config: RunConfig,
    *,
    folder: Path,
    base: Path,
    prices: Mapping[str, Price] | None = None,
    cells: int | None = None,
    show: Show,
) -> dict[str, Any]:
    """Say what a run would ask and take.

    Args:
        config: Settings.
        folder: Run folder; what is answered there already is not asked again.
        base: Folder that relative paths in the settings start from.
        prices: Prices of models by name.
        cells: Cells of each model and steering that are asked to measure speed, at least 2; their answers are kept in
            the run folder. ``None`` asks and writes nothing.
        show: Draws progress of the asking.

    Returns:
        Names of counts to counts; ``"models"`` holds one row of :class:`Estimate` per model and steering, ``"total"``
        sums over them, each ``None`` where a part is unknown.

    Raises:
        DemoscopeError: Settings, data, engine or store.
    """
    run = RunFolder(folder)
    if cells is not None:
        run.check_for_run()
    survey, data, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    estimates: list[Estimate] = []
    with ExitStack() as stack:
        # As in a run: what cannot be asked is said before anything is written.
        engines = [stack.enter_context(closing(make_engine(model, base))) for model in config.models]
        plans = [
            plan_cells(survey, personas, config=config, model=model, revision=engine.revision)
            for model, engine in zip(config.models, engines, strict=True)
        ]
        if cells is not None:
            run.create()
            write_inputs(run, config, survey, personas)
        store = stack.enter_context(Store(run.responses)) if cells is not None or run.responses.is_dir() else None
        for model, engine, plan in zip(config.models, engines, plans, strict=True):
            speeds: dict[str, Speed] = {}
            if cells is not None and store is not None:
                with show(f"measuring {model.name}") as progress:
                    speeds = measure(plan, engine, store, cells=cells, progress=progress)
            price = (prices or {}).get(model.name)
            about = _About(config, survey, personas, run, store, price, speeds)
            estimates += about.model(model, engine, plan)
            engine.close()
    return {
        "schema": PLAN_SCHEMA,
        "survey": survey.id,
        "people": data.frame.height,
        "countries": len(data.countries if config.personas.countries is None else config.personas.countries),
        "personas": personas.height,
        "profiles": personas["profile"].n_unique(),
        "items": len(config.questions.items or ()),
        "draws": _draws(config),
        "models": [asdict(estimate) for estimate in estimates],
        "total": total(estimates),
    }


_SUMMED: Final = ("cells", "answered", "to_ask", "prompt_tokens", "output_tokens", "hours", "disk_bytes")
_MONEY: Final = ("cost", "cost_if_cached")
_READ: Final = ("cells_is", "prompt_tokens_is", "output_tokens_is", "cost_is")


def total(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """Sums over models and steerings; ``None`` where a part is unknown, or where prices are in several currencies."""
    rows = [asdict(estimate) for estimate in estimates]
    currencies = {row["currency"] for row in rows}
    one = len(currencies) == 1
    sums: dict[str, Any] = {name: _sum(rows, name) for name in _SUMMED}
    sums |= {name: _sum(rows, name) if one else None for name in _MONEY}
    sums |= {name: _vaguest(rows, name) if sums[name.removesuffix("_is")] is not None else None for name in _READ}
    return sums | {"currency": next(iter(currencies)) if one else None}


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    parts = [row[name] for row in rows]
    return None if None in parts else sum(parts)


def _vaguest(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """How a sum is to be read: bounds and estimates together are an estimate."""
    return next(how for how in ("about", "at most", "exact") if how in {row[name] for row in rows})


@dataclass(frozen=True)
class _About:
    """What all steerings of one model have in common."""

    config: RunConfig
    survey: Survey
    personas: pl.DataFrame
    run: RunFolder
    store: Store | None
    price: Price | None
    speeds: Mapping[str, Speed]

    def model(self, model: ModelSettings, engine: Engine, plan: Plan) -> list[Estimate]:
        """One estimate for each steering."""
        return [
            self._steering(
                Planned(part, self.survey, self.personas, self.config, model=model, revision=engine.revision), engine
            )
            for part in plan.parts
        ]

    def _steering(self, planned: Planned, engine: Engine) -> Estimate:
        part, sample = planned.part, draw_sample(planned, self.store)
        cells, answered = self._count(planned)
        to_ask = cells - answered
        prompts = estimate_prompts(planned, sample, engine, to_ask=to_ask, answered=self._answered(sample))
        each, output_is = output_tokens(planned)
        space, bytes_from = measured_bytes(self.store, folder=self.run.responses), "store"
        if space is None:
            space, bytes_from = likely_bytes(sample.cells, seed=self.config.seed), "sample"
        # Conversations that turn out the same share questions of which each has one distribution.
        shares = part.way.scored and part.way.presentation != "single" and to_ask > 0
        cells_is: Precision = "at most" if shares else "exact"
        speed = self.speeds.get(part.way.steering)
        money = cost(self.price, prompt_tokens=prompts.tokens, output_tokens=to_ask * each, shared=prompts.shared)
        return Estimate(
            model=part.way.model,
            steering=part.way.steering,
            cells=cells,
            cells_is=cells_is,
            answered=answered,
            to_ask=to_ask,
            sampled_cells=len(sample.cells),
            **_of_prompts(prompts),
            output_tokens=to_ask * each,
            output_tokens_is=cells_is if output_is == "exact" else output_is,
            cells_per_second=None if speed is None else speed.cells_per_second,
            measured_cells=0 if speed is None else speed.cells,
            hours=_hours(to_ask, speed),
            bytes_per_answer=space,
            bytes_from=bytes_from,
            disk_bytes=round(space * to_ask),
            cost=None if money is None else money.most,
            cost_is=None if money is None else "about" if prompts.tokens_is == "about" else "at most",
            cost_if_cached=None if money is None else money.cached,
            currency=None if money is None else money.currency,
        )

    def _count(self, planned: Planned) -> tuple[int, int]:
        """Cells, and those of them that are answered."""
        if self.store is None:
            return planned.total, 0
        answered = known = 0
        for key in planned.part.keys(self.store):
            known += 1
            answered += is_answered(self.store, key)
        # Where every question that the answers lead to is answered, no conversation leads to another one.
        return (known if known == answered else planned.total), answered

    def _answered(self, sample: Sample) -> frozenset[str]:
        if self.store is None:
            return frozenset()
        store = self.store
        return frozenset(cell.key for cell in sample.cells if is_answered(store, cell.key))


def _of_prompts(prompts: Prompts) -> dict[str, Any]:
    return {
        "distinct_prompts": prompts.distinct,
        "distinct_prompts_is": prompts.distinct_is,
        "shared_prefix_share": prompts.shared,
        "prompt_tokens": prompts.tokens,
        "prompt_tokens_is": prompts.tokens_is,
    }


def _hours(to_ask: int, speed: Speed | None) -> float | None:
    if not to_ask:
        return 0.0
    return None if speed is None else to_ask / speed.cells_per_second / 3600


def _draws(config: RunConfig) -> int | str:
    """Answers per persona and item, as a range where models differ."""
    draws = sorted({config.questions_of(model).draws for model in config.models})
    return draws[0] if len(draws) == 1 else f"{draws[0]:,} to {draws[-1]:,}"
