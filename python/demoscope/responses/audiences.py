"""Who is asked the same: personas in groups that share every prompt of a steering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from demoscope.errors import ConfigError, nearest
from demoscope.schema import PERSONAS, check_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from demoscope.config import AdapterSettings
    from demoscope.steering import Steering


@dataclass(frozen=True, slots=True)
class Group:
    """Personas whose prompts are the same, item by item.

    Attributes:
        profile: Their profile; ``None`` where prompts describe nobody.
        attributes: Name of each shown attribute to its value; empty where prompts describe nobody.
        adapter: Name of the adapter that answers for them, if any.
        language: Language in which they are asked.
        members: Identifier and country of each, in the order of the personas.
        countries: Countries of the whole profile, whatever the language, sorted.
    """

    profile: str | None
    attributes: Mapping[str, str]
    adapter: str | None
    language: str
    members: tuple[tuple[str, str], ...]
    countries: tuple[str, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """Countries of the members, sorted."""
        return tuple(sorted({country for _, country in self.members}))


def group_personas(
    personas: pl.DataFrame,
    *,
    steering: Steering,
    adapters: Mapping[str, AdapterSettings],
    language: Callable[[str], str],
) -> tuple[Group, ...]:
    """Sort personas into groups.

    Args:
        personas: Columns of ``schema.PERSONAS``, then one String column for each shown attribute.
        steering: What prompts and adapters depend on.
        adapters: Adapters of the model by name, and for whom each answers.
        language: Language of a country.

    Returns:
        Groups sorted by adapter, profile and language: neighbours share the longest prefixes.

    Raises:
        DataError: ``personas`` lacks a column.
        ConfigError: A persona fits no adapter or several, or an adapter asks for an attribute that personas lack.
    """
    check_columns(personas, PERSONAS, what="personas")
    shown = [name for name in personas.columns if name not in PERSONAS]
    if steering.adapted:
        _check_adapters(adapters, shown)
    members: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    described: dict[str, dict[str, str]] = {}
    everywhere: dict[str, set[str]] = {}
    for persona_id, country, profile, *values in personas.select(
        "persona_id", "country", "profile", *shown
    ).iter_rows():
        attributes = dict(zip(shown, values, strict=True))
        adapter = _fitting(adapters, attributes, persona_id) if steering.adapted else ""
        name = profile if steering.personal else ""
        described.setdefault(name, attributes if steering.personal else {})
        everywhere.setdefault(name, set()).add(country)
        members.setdefault((adapter, name, language(country)), []).append((persona_id, country))
    return tuple(
        Group(
            profile=name if steering.personal else None,
            attributes=described[name],
            adapter=adapter or None,
            language=tongue,
            members=tuple(people),
            countries=tuple(sorted(everywhere[name])),
        )
        for (adapter, name, tongue), people in sorted(members.items())
    )


def who_is_asked(groups: Sequence[Group]) -> pl.DataFrame:
    """``persona_id`` and ``country`` of each persona, and ``profile``, ``adapter`` and ``language`` of its group."""

    def rows() -> Iterator[tuple[str, str, str | None, str | None, str]]:
        for group in groups:
            for persona_id, country in group.members:
                yield persona_id, country, group.profile, group.adapter, group.language

    names = ("persona_id", "country", "profile", "adapter", "language")
    return pl.DataFrame(list(rows()), schema=dict.fromkeys(names, pl.String), orient="row")


def _check_adapters(adapters: Mapping[str, AdapterSettings], shown: Sequence[str]) -> None:
    if not adapters:
        raise ConfigError("a steering with adapters needs [models.adapters]: a name for each, with path and when")
    for name, adapter in adapters.items():
        for attribute in adapter.when:
            if attribute not in shown:
                raise ConfigError(
                    f"adapter {name!r} answers by {attribute!r}, which personas lack{nearest(attribute, shown)}; "
                    "name it in personas.attributes"
                )


def _fitting(adapters: Mapping[str, AdapterSettings], attributes: Mapping[str, str], persona_id: str) -> str:
    fitting = [name for name, adapter in adapters.items() if adapter.when.items() <= attributes.items()]
    if len(fitting) != 1:
        what = f"fits adapters {' and '.join(map(repr, fitting))}" if fitting else "fits no adapter"
        raise ConfigError(
            f"persona {persona_id!r} {what}; under a steering with adapters each persona needs exactly one "
            "(groups that overlap are models of their own)"
        )
    return fitting[0]
