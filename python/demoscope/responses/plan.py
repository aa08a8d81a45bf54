"""What a run asks of one model, and what comes of it."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Protocol

import polars as pl

from demoscope.engines import Sampling
from demoscope.errors import ConfigError
from demoscope.prompts import Asker
from demoscope.responses.audiences import group_personas
from demoscope.responses.cell import Way
from demoscope.responses.conversations import Conversations
from demoscope.responses.single import Singles
from demoscope.responses.table import sorted_table
from demoscope.responses.words import Wording
from demoscope.schema import PERSONAS, check_columns
from demoscope.steering import STEERINGS, Steering

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.responses.cell import Cell
    from demoscope.responses.store import Store
    from demoscope.surveys import Survey


class Part(Protocol):
    """The cells of one steering."""

    way: Way
    adapted: bool

    @property
    def total(self) -> int:
        """Number of cells; where later prompts depend on earlier answers, the most that there can be."""
        ...

    def rounds(self, store: Store) -> Iterator[Iterable[Cell]]:
        """Cells in rounds; the next round begins when all of the last one are answered."""
        ...

    def keys(self, store: Store) -> Iterator[str]:
        """Keys of all cells whose prompts are known by now."""
        ...

    def responses(self, store: Store) -> pl.DataFrame:
        """Columns of ``schema.RESPONSES``; what has no answer yet is an error ``not_asked``."""
        ...


class Plan:
    """All cells of one model, steering by steering.

    Cells are made when they are looked at, so that a plan of a million takes no more memory than one of a thousand.

    Args:
        parts: One for each steering.
        asker: Who words their prompts.
        personas: Who is asked as, for the order of the rows.
        survey: What is asked, for the same.
    """

    def __init__(self, parts: Iterable[Part], *, asker: Asker, personas: pl.DataFrame, survey: Survey) -> None:
        self.parts = tuple(parts)
        self.asker = asker
        self.personas = personas
        self.survey = survey

    @property
    def total(self) -> int:
        """Number of cells; where later prompts depend on earlier answers, the most that there can be."""
        return sum(part.total for part in self.parts)

    def rounds(self, store: Store) -> Iterator[Iterable[Cell]]:
        """Cells in rounds, those of all steerings together; the next begins when all of the last are answered."""
        for together in zip_longest(*(part.rounds(store) for part in self.parts), fillvalue=()):
            yield chain.from_iterable(together)

    def keys(self, store: Store) -> Iterator[str]:
        """Keys of all cells whose prompts are known by now."""
        for part in self.parts:
            yield from part.keys(store)

    def responses(self, store: Store) -> pl.DataFrame:
        """Answers of every persona to every item.

        Returns:
            Columns of ``schema.RESPONSES``, sorted by steering, then persona, item, draw and order as in their tables.
        """
        table = pl.concat([part.responses(store) for part in self.parts])
        return sorted_table(table, self.personas, survey=self.survey)


def plan_cells(
    survey: Survey, personas: pl.DataFrame, *, config: RunConfig, model: ModelSettings, revision: str
) -> Plan:
    """Plan what answers every item for every persona.

    In modes that give probabilities personas of one profile share a cell, and a steering that is not personal asks
    each item once for all; in modes that give one answer at a time every persona and draw has a cell of its own.
    An item that is declared for some countries is asked there only.

    Args:
        survey: Items and attributes.
        personas: Columns of ``schema.PERSONAS``, then one String column for each shown attribute.
        config: Items, designs, mode, presentation, draws and seed.
        model: Name, steerings and adapters.
        revision: That of the engine.

    Raises:
        ConfigError: A steering or item is unknown or named twice, an item cannot be put as a prompt, or settings
            exclude each other.
        DataError: ``personas`` lacks a column.
    """
    for what, names in (("steering", model.steerings), ("item", config.questions.items or ())):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"{what} {twice[0]!r} is named twice")
    questions = config.questions_of(model)
    config = config.model_copy(update={"questions": questions})
    chosen = questions.items
    items = survey.items if chosen is None else tuple(survey.item(item) for item in chosen)
    check_columns(personas, PERSONAS, what="personas")
    asker = Asker(survey, settings=config.prompts, mode=questions.mode)
    steerings: dict[str, Steering] = {name: STEERINGS[name]() for name in model.steerings}
    personal = any(steering.personal for steering in steerings.values())
    asker.check(
        items,
        countries=sorted(personas["country"].unique()),
        attributes=[name for name in personas.columns if name not in PERSONAS] if personal else (),
        battery=questions.presentation == "battery",
    )
    parts: list[Part] = []
    for name, steering in steerings.items():
        way = Way(
            model=model.name,
            revision=revision,
            steering=name,
            presentation=questions.presentation,
            mode=questions.mode,
            sampling=Sampling(questions.temperature, questions.top_p, questions.max_tokens),
            seed=config.seed,
        )
        groups = group_personas(personas, steering=steering, adapters=model.adapters, language=asker.language)
        words = Wording(way, steering, asker=asker, items=items, groups=groups, config=config, adapters=model.adapters)
        kind = Singles if questions.presentation == "single" else Conversations
        parts.append(kind(words, survey=survey, questions=questions, seed=config.seed))
    return Plan(parts, asker=asker, personas=personas, survey=survey)
