"""Some of the prompts of a plan, from which the sizes of all are estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.responses import plan_cells
from demoscope.runs.pretend import Pretending
from demoscope.steering import STEERINGS

if TYPE_CHECKING:
    import polars as pl

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.responses import Cell, Store
    from demoscope.responses.plan import Part
    from demoscope.surveys import Survey

SAMPLE_CELLS: Final = 2_000
"""Plans up to that many cells are looked at as a whole; of larger ones about as many are drawn."""


@dataclass(frozen=True)
class Sample:
    """Some of the prompts of one steering.

    Attributes:
        cells: The cells.
        turns: Number of answers that they stand for; more than there are cells where conversations share prompts.
        complete: Whether they are all that there are.
        certain: Whether no prompt depends on an answer that was made up.
    """

    cells: list[Cell]
    turns: int
    complete: bool
    certain: bool

    @property
    def exact(self) -> bool:
        """Whether the cells are just those that the run asks."""
        return self.complete and self.certain


@dataclass(frozen=True)
class Planned:
    """One steering of one model, and all that its plan was made from.

    Attributes:
        part: Its cells.
        survey: Items and attributes.
        personas: Who is asked as.
        config: Settings.
        model: Who is asked.
        revision: That of the engine.
    """

    part: Part
    survey: Survey
    personas: pl.DataFrame
    config: RunConfig
    model: ModelSettings
    revision: str

    @cached_property
    def total(self) -> int:
        """Number of cells, as the part has it; counting a million takes seconds."""
        return self.part.total

    def of(self, personas: pl.DataFrame, **questions: object) -> Part:
        """The same for other personas, with other settings in ``[questions]``."""
        steering = self.part.way.steering
        asked = self.config.questions_of(self.model).model_copy(update=questions)
        (part,) = plan_cells(
            self.survey,
            personas,
            config=self.config.model_copy(update={"questions": asked}),
            model=self.model.model_copy(update={"steerings": (steering,), "questions": {}}),
            revision=self.revision,
        ).parts
        return part


def draw_sample(planned: Planned, store: Store | None, *, size: int = SAMPLE_CELLS) -> Sample:
    """All prompts of a small plan, or those of some personas drawn at random.

    Whoever is drawn is taken with all items, since prompts of one persona begin alike; one draw stands for all.
    Where answers serve all personas of a profile, profiles are drawn instead, in each country whose language they have.
    In conversations answers that nobody gave yet are made up.

    Args:
        planned: What is planned.
        store: Real answers, where there are any.
        size: Number of cells that is aimed at.
    """
    part, personas = planned.part, planned.personas
    pretending = Pretending(store, answers="any")
    if planned.total <= size:
        cells = list(pretending.walk(part))
        return Sample(cells, turns=planned.total, complete=True, certain=not pretending.pretended)
    single = part.way.presentation == "single"
    if part.way.scored and single and STEERINGS[part.way.steering].personal:
        personas = personas.unique(["profile", "country"], keep="first", maintain_order=True)
    draws = 1 if part.way.scored and single else planned.config.questions_of(planned.model).draws
    number = math.ceil(size * personas.height * draws / planned.total)
    rng = np.random.Generator(np.random.PCG64(planned.config.seed))
    chosen = sorted(rng.choice(personas.height, size=min(number, personas.height), replace=False).tolist())
    some = planned.of(personas[chosen], draws=1)
    cells = list(pretending.walk(some))
    return Sample(cells, turns=some.total, complete=False, certain=not pretending.pretended)
