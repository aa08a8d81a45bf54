"""A run from settings to report; the same call goes on where an earlier one stopped."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl
import tomli_w

from demoscope.engines import ENGINES
from demoscope.errors import ConfigError, StoreError
from demoscope.report import write_report
from demoscope.responses import Store, answers_hash, collect, plan_cells
from demoscope.runs.asked import Asked
from demoscope.runs.batch_book import BatchBook
from demoscope.runs.facts import read_facts, run_facts, write_facts
from demoscope.runs.folder import RunFolder, write_json, write_text
from demoscope.runs.manifest import manifest, recorded_facts
from demoscope.runs.people import load_people, with_asked_items
from demoscope.runs.respondents import sample_design
from demoscope.runs.settings import resolved_adapters, resolved_options
from demoscope.schema import SCORED
from demoscope.scores import Comparison, compare
from demoscope.surveys import Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.engines.base import Engine
    from demoscope.responses import Plan

    Show: TypeAlias = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
    """Shows progress under a label: a context that gives a function of (steps done, steps in all)."""


WITH_ADAPTERS = frozenset({"hf", "scripted", "vllm"})
"""Engines that answer through fine-tuned adapters."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        comparison: Scores and verdicts.
        report: Path of the page.
        errors: Cells that ended in an error; the same run asks them again.
    """

    comparison: Comparison
    report: Path
    errors: int


def with_places(config: RunConfig, base: Path) -> RunConfig:
    """Settings whose template and adapters, where they name a file or folder beside the settings, are its path."""
    prompts = config.prompts
    if prompts.template is not None:
        prompts = prompts.model_copy(update={"template": str((base / prompts.template).resolve())})
    models = tuple(model.model_copy(update={"adapters": resolved_adapters(model, base)}) for model in config.models)
    return config.model_copy(update={"prompts": prompts, "models": models})


def make_engine(model: ModelSettings, base: Path) -> Engine:
    """The engine of one model, options resolved.

    Raises:
        ConfigError: No engine of that name, or an option that it does not have.
        MissingPartError: The engine needs a package that is not installed.
    """
    options = dict(resolved_options(model, base))
    if model.adapters and model.engine in ENGINES and model.engine not in WITH_ADAPTERS:
        raise ConfigError(f"model {model.name!r}: the engine {model.engine!r} takes no adapters")
    if model.adapters:
        options["adapters"] = [adapter.path for adapter in model.adapters.values()]
    engine: Engine = ENGINES[model.engine](model=model.name, options=options)
    return engine


def execute(config: RunConfig, *, folder: Path, base: Path, threads: int | None, show: Show) -> Outcome:
    """Ask, score and report.

    Every answer is kept as soon as it is acknowledged; what is answered already is not asked again.

    Args:
        config: Settings.
        folder: Run folder, made if it does not exist.
        base: Folder that relative paths in the settings start from.
        threads: Threads of the statistics.
        show: Draws progress.

    Raises:
        DemoscopeError: Settings, data, engine or store; nothing that was answered is lost.
        KeyboardInterrupt: Nothing that was answered is lost.
    """
    run = RunFolder(folder)
    run.check_for_run()
    if BatchBook(folder).records("intended", "creating", "submitted"):
        raise StoreError(f"{folder}: batches are open; fetch them with `demoscope batch collect`, or cancel them first")
    survey, data, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    with ExitStack() as stack:
        # All engines and plans before the first file: what cannot be asked is said before anything is written.
        engines = _engines(config.models, base, stack)
        plans = [
            plan_cells(survey, personas, config=config, model=model, revision=engine.revision)
            for model, engine in zip(config.models, engines, strict=True)
        ]
        run.create()
        write_inputs(run, config, survey, personas)
        store = stack.enter_context(Store(run.responses))
        asked = []
        for model, engine, plan in zip(config.models, engines, plans, strict=True):
            asked.append(_ask(model, engine, plan, run=run, store=store, show=show))
            if engine not in engines[len(asked) :]:
                engine.close()
        content = answers_hash(store.cells(key for plan in plans for key in plan.keys(store)))
        answers = pl.concat([plan.responses(store) for plan in plans])
    answers.filter(pl.col("draw") > SCORED).drop("probs").write_parquet(run.answers)
    with show("scoring") as progress:
        comparison = compare(
            data.frame,
            answers.join(personas.drop("country"), on="persona_id"),
            survey=survey,
            items=config.questions.items,
            country="country",
            human_id="respondent_id",
            **sample_design(data),
            replicates=config.scores.replicates,
            permutations=config.scores.permutations,
            seed=config.seed,
            threads=threads,
            progress=progress,
        )
    written = comparison.write(run.scores)
    write_json(run.summary, comparison.summary())
    write_json(
        run.manifest, manifest(config, survey, asked, answers_hash=content, files=[run.personas, run.answers, *written])
    )
    facts = run_facts(config, survey, data, personas, asked, answers_hash=content)
    write_facts(run.facts, facts)
    write_report(comparison, survey=survey, facts=facts, path=run.report)
    return Outcome(comparison, run.report, sum(done.summary.errors for done in asked))


def _engines(models: Sequence[ModelSettings], base: Path, stack: ExitStack) -> list[Engine]:
    """The engine of each model; models that differ in how they are asked, not in who answers, share theirs."""
    made: list[tuple[ModelSettings, Engine]] = []
    for model in models:
        who = (model.engine, model.options, model.adapters)
        twin = next((e for m, e in made if (m.engine, m.options, m.adapters) == who), None)
        made.append((model, twin or stack.enter_context(closing(make_engine(model, base)))))
    return [engine for _, engine in made]


def write_inputs(run: RunFolder, config: RunConfig, survey: Survey, personas: pl.DataFrame) -> None:
    """Write what a run asks, and as whom."""
    write_text(run.settings, tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)))
    write_text(run.survey, survey.model_dump_json(indent=2, exclude_defaults=True) + "\n")
    personas.write_parquet(run.personas)


def _ask(model: ModelSettings, engine: Engine, plan: Plan, *, run: RunFolder, store: Store, show: Show) -> Asked:
    """Ask one model what is missing."""
    with show(f"asking {model.name}") as progress:
        summary = collect(plan, engine, store, progress=progress)
    facts = dict(engine.facts())
    if not summary.asked:
        facts |= recorded_facts(run.manifest, name=model.name, revision=engine.revision)
    facts["prompts"] = plan.asker.digest
    if plan.asker.neutralised:
        facts["neutralised in texts"] = ", ".join(f"{n} {kind}" for kind, n in sorted(plan.asker.neutralised.items()))
    return Asked(model, engine.revision, facts, summary)


def rewrite_report(folder: Path) -> Path:
    """Write the report again from the stored scores.

    Raises:
        StoreError: The folder is no finished run, or a file in it is damaged.
    """
    run = RunFolder(folder)
    try:
        survey = Survey.model_validate_json(run.survey.read_text(encoding="utf-8"))
        facts = read_facts(run.facts)
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder}: no finished run here ({error})") from error
    write_report(Comparison.read(run.scores), survey=survey, facts=facts, path=run.report)
    return run.report
