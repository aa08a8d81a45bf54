"""What a run would ask, said before it asks."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from demoscope.responses import Store, plan_cells
from demoscope.runs.execute import load_people, make_engine, with_asked_items
from demoscope.runs.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from demoscope.config import RunConfig


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
    config = with_asked_items(config, survey)
    run = RunFolder(folder)
    settled: set[str] = set()
    if run.responses.is_dir():
        with Store(run.responses) as store:
            settled = store.settled()
    rows = []
    for model in config.models:
        with closing(make_engine(model, base)) as engine:
            cells = plan_cells(survey, personas, config=config, model=model, revision=engine.revision)
        for steering in model.steerings:
            keys = [cell.key for cell in cells if cell.steering == steering]
            answered = sum(key in settled for key in keys)
            rows.append(
                {
                    "model": model.name,
                    "steering": steering,
                    "cells": len(keys),
                    "answered": answered,
                    "to ask": len(keys) - answered,
                }
            )
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
