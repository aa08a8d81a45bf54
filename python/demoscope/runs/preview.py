"""What a run would ask, said before it asks."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from demoscope.responses import Store, plan_cells
from demoscope.runs.execute import load_people, make_engine, with_asked_items, with_places
from demoscope.runs.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from demoscope.config import RunConfig
    from demoscope.responses.plan import Part


def describe_plan(config: RunConfig, *, folder: Path, base: Path) -> dict[str, Any]:
    """Count what a run would ask, without asking.

    Args:
        config: Settings.
        folder: Run folder; what is answered there already is not asked again.
        base: Folder that relative paths in the settings start from.

    Returns:
        Names of counts to counts; ``"models"`` holds a list with one row per model and steering.
    """
    survey, data, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    run = RunFolder(folder)
    with ExitStack() as stack:
        store = stack.enter_context(Store(run.responses)) if run.responses.is_dir() else None
        rows = []
        for model in config.models:
            with closing(make_engine(model, base)) as engine:
                plan = plan_cells(survey, personas, config=config, model=model, revision=engine.revision)
            rows += [_describe(part, store) for part in plan.parts]
    return {
        "survey": survey.id,
        "people": data.frame.height,
        "countries": len(data.countries if config.personas.countries is None else config.personas.countries),
        "personas": personas.height,
        "profiles": personas["profile"].n_unique(),
        "items": len(config.questions.items or ()),
        "answers drawn per persona and item": config.questions.draws,
        "models": rows,
    }


def _describe(part: Part, store: Store | None) -> dict[str, Any]:
    answered = 0
    if store is not None:
        outcomes = (store.outcome(key) for key in part.keys(store))
        answered = sum(outcome is not None and outcome.status != "error" for outcome in outcomes)
    return {
        "model": part.way.model,
        "steering": part.way.steering,
        "cells": part.total,
        "answered": answered,
        "to ask": part.total - answered,
    }
