"""Which cells a run asks of one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.errors import ConfigError
from demoscope.responses.cell import Cell
from demoscope.responses.order import profile_orders, shared_orders
from demoscope.schema import PERSONAS, check_columns
from demoscope.steering import STEERINGS, Steering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.schema import Order
    from demoscope.surveys import Item, Survey


def plan_cells(
    survey: Survey, personas: pl.DataFrame, *, config: RunConfig, model: ModelSettings, revision: str
) -> tuple[Cell, ...]:
    """List the distinct prompts that answer every item for every persona.

    Personas of one profile share a cell; a steering that is not personal asks each item once for all.
    An item that is declared for some countries is asked there only.

    Args:
        survey: Items and attributes.
        personas: Columns of ``schema.PERSONAS``, then one String column for each shown attribute.
        config: Items, order design, mode, presentation and seed.
        model: Name and steerings.
        revision: That of the engine.

    Returns:
        Cells sorted by steering, profile, item and order: neighbours share the longest prefixes.

    Raises:
        ConfigError: A steering or item is unknown or named twice, or an item cannot be put as a prompt.
        DataError: ``personas`` lacks a column.
    """
    for what, names in (("steering", model.steerings), ("item", config.questions.items or ())):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"{what} {twice[0]!r} is named twice")
    chosen = config.questions.items
    items = survey.items if chosen is None else tuple(survey.item(item) for item in chosen)
    profiles = _profiles(personas)
    cells = [
        cell
        for name in model.steerings
        for cell in _cells(survey, profiles, items, config=config, model=model, steering=name, revision=revision)
    ]
    return tuple(cells)


def _profiles(personas: pl.DataFrame) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Each profile, sorted, to its countries and its attributes."""
    check_columns(personas, PERSONAS, what="personas")
    shown = [name for name in personas.columns if name not in PERSONAS]
    countries: dict[str, set[str]] = {}
    attributes: dict[str, dict[str, str]] = {}
    distinct = personas.select("profile", "country", *shown).unique(maintain_order=True)
    for profile, country, *values in distinct.iter_rows():
        countries.setdefault(profile, set()).add(country)
        attributes[profile] = dict(zip(shown, values, strict=True))
    return {profile: (tuple(sorted(countries[profile])), attributes[profile]) for profile in sorted(countries)}


def _cells(
    survey: Survey,
    profiles: Mapping[str, tuple[tuple[str, ...], dict[str, str]]],
    items: Sequence[Item],
    *,
    config: RunConfig,
    model: ModelSettings,
    steering: str,
    revision: str,
) -> Iterator[Cell]:
    questions = config.questions
    method: Steering = STEERINGS[steering]()

    def cell(item: Item, profile: str | None, attributes: Mapping[str, str], order: Order) -> Cell:
        prompt = method.prompt(item, survey=survey, attributes=attributes if method.personal else None, order=order)
        return Cell.of_prompt(
            prompt,
            model=model.name,
            revision=revision,
            steering=steering,
            adapter=None,
            profile=profile,
            attributes=attributes,
            item=item.id,
            codes=item.codes,
            order=order,
            presentation=questions.presentation,
            mode=questions.mode,
        )

    everywhere = {country for countries, _ in profiles.values() for country in countries}
    if not method.personal:
        for item in items:
            for order in shared_orders(questions.order) if _is_asked(item, everywhere) else ():
                yield cell(item, None, {}, order)
        return
    orders = {
        item.id: profile_orders(
            {profile: places for profile, (places, _) in profiles.items() if _is_asked(item, places)},
            item=item.id,
            design=questions.order,
            seed=config.seed,
        )
        for item in items
    }
    for profile, (_, attributes) in profiles.items():
        for item in items:
            for order in orders[item.id].get(profile, ()):
                yield cell(item, profile, attributes, order)


def _is_asked(item: Item, countries: Sequence[str] | set[str]) -> bool:
    return item.asked_in is None or not set(item.asked_in).isdisjoint(countries)
