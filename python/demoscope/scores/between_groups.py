"""Between-group structure: do items whose means go together over groups of people do so in the model too?

This is the level of analysis of Williams, Weeber, Pado & Akbik (arXiv 2601.15755), with the sampling error of group
means taken off, and with references that have the shape of the scores.
It is no substitute for the structure within countries: correlations of group means need not resemble those of persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.scores.between_covariance import Layout
from demoscope.scores.between_scores import FEWEST_GROUPS, STATISTICS, Variables, between_scores, quality
from demoscope.scores.gaps import FEWEST_PERSONS
from demoscope.scores.group_means import Means, Persons, group_means
from demoscope.scores.inputs import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.scores.between_scores import BetweenScores, Quality
    from demoscope.scores.country import CountryScores
    from demoscope.scores.references import People
    from demoscope.scores.resampling import Streams
    from demoscope.scores.sides import Floats, Mask
    from demoscope.stats.designs import SamplingUnits
    from demoscope.surveys import Item

FEWEST_CELLS: Final = 30
"""With fewer cells of attributes, countries are the groups."""

FEWEST_IN_CELL: Final = 30
"""People, and personas, that a cell must have."""

FEWEST_ANSWERS: Final = {"human": FEWEST_PERSONS, "model": 2}
"""Answers behind a mean; a model may be asked once for a group and answer with probabilities."""

ALONE, ITEMS, CATEGORIES = "all", "item", "category"

Row = dict[str, Any]


@dataclass(frozen=True)
class _Groups:
    """The groups of one model.

    Attributes:
        kind: ``"cells"`` of attributes within countries, or ``"countries"`` (which may be groups of people).
        keys: Country and cell of each group, sorted; the cell is "" where groups are countries.
    """

    kind: str
    keys: tuple[tuple[str, str], ...]

    @property
    def strata(self) -> NDArray[np.int64]:
        """Number of the country of each group, shape (G,)."""
        countries = sorted({country for country, _ in self.keys})
        return np.array([countries.index(country) for country, _ in self.keys], dtype=np.int64)


@dataclass(frozen=True)
class _Part:
    """One way to look at the groups.

    Attributes:
        name: ``"all"``, ``"between_countries"`` or ``"within_countries"``.
        pooled: Groups that become one; ``None`` to keep all.
        strata: Within which differences count, for each group that is left.
    """

    name: str
    pooled: list[NDArray[np.int64]] | None
    strata: NDArray[np.int64]


class BetweenGroups:
    """Between-group structure of several models against the same people.

    Args:
        people: Respondents by country.
        items: Declarations, in the order of the sides' items.
        attributes: Columns that describe persons in both frames.
        human_id: Column of respondents' identifiers.
        streams: Seed, replicates and threads.
        permutations: Permutations of group labels.
    """

    def __init__(
        self,
        people: Mapping[str, People],
        items: tuple[Item, ...],
        *,
        attributes: Sequence[str],
        human_id: str | None,
        streams: Streams,
        permutations: int,
    ) -> None:
        self._people, self._items, self._attributes = dict(people), items, list(attributes)
        self._human_id, self._streams, self._permutations = human_id, streams, permutations
        self._ordered = np.array([j for j, item in enumerate(items) if item.ordered], dtype=np.int64)
        self._cells = {name: _cells(here.frame, self._attributes) for name, here in self._people.items()}
        self._overlap = overlapping(self._people)
        self._means: dict[tuple[Any, ...], Means] = {}

    def rows(self, parts: Sequence[CountryScores]) -> dict[str, list[Row]]:
        """Rows of the tables ``between_groups``, ``between_summary`` and ``between_pairs`` of one model.

        Args:
            parts: The model in each country.
        """
        found: dict[str, list[Row]] = {"between_groups": [], "between_summary": [], "between_pairs": []}
        groups = self._groups(parts)
        if groups is None or len(self._ordered) < 2:
            return found
        sides = [self._human(groups), self._model(groups, parts)]
        halves = [self._half(groups, number) for number in range(2)]
        sizes = self._sizes(groups, parts)
        defined = np.isfinite(sides[0].full) & np.isfinite(sides[1].full) & self._asked(groups)
        sides, halves = ([side.known_in(defined & np.isfinite(side.full)) for side in pair] for pair in (sides, halves))
        for part in _parts_of(groups):
            for level, variables, transformed in self._levels(sides, halves, defined):
                human, model, *split = (
                    side if part.pooled is None else side.pooled(part.pooled) for side in transformed
                )
                layout = Layout(np.isfinite(human.full) & np.isfinite(model.full), part.strata)
                both = [quality(side, layout, variables.scales) for side in (human, model)]
                used = both[0].usable & (both[1].usable | both[1].still)
                scored = between_scores(
                    human, model, layout=layout, variables=variables, used=used, modelled=~both[1].still,
                    streams=self._streams, permutations=self._permutations, purpose=f"between {part.name} {level}",
                )  # fmt: skip
                everything = np.ones(layout.width, dtype=np.bool_)
                common = Layout(layout.defined & np.isfinite(split[0].full) & np.isfinite(split[1].full), part.strata)
                ceiling = between_scores(
                    split[0], split[1], layout=common, variables=variables, used=used, modelled=everything,
                    streams=self._streams,
                )  # fmt: skip
                key = {"groups": groups.kind, "part": part.name, "level": level}
                found["between_groups"] += [key | row for row in _score_rows(scored, ceiling)]
                summary = _summary_row(scored, variables, layout, both)
                found["between_summary"].append(key | summary | sizes | {"overlap": self._overlap})
                if part.name == ALONE:
                    del key["part"]
                    found["between_pairs"] += [key | row for row in _pair_rows(scored, variables, layout, both)]
        return found

    def _groups(self, parts: Sequence[CountryScores]) -> _Groups | None:
        """Cells where there are enough of them, else countries, ``None`` where these are too few as well."""
        keys = []
        for part in parts:
            name = part.people.country
            people, personas = self._cells[name], _cells(part.answers.persons, self._attributes)
            keys += [
                (name, cell)
                for cell, rows in people.items()
                if min(len(rows), len(personas.get(cell, ()))) >= FEWEST_IN_CELL
            ]
        if self._attributes and len(keys) >= FEWEST_CELLS:
            return _Groups("cells", tuple(sorted(keys)))
        if len(parts) < FEWEST_GROUPS:
            return None
        return _Groups("countries", tuple(sorted((part.people.country, "") for part in parts)))

    def _asked(self, groups: _Groups) -> Mask:
        """Ordered items that were asked in the country of each group, shape (G, q)."""
        items = [self._items[j] for j in self._ordered]
        asked = [[item.asked_in is None or country in item.asked_in for item in items] for country, _ in groups.keys]
        return np.array(asked, dtype=np.bool_)

    def _human(self, groups: _Groups) -> Means:
        def members() -> Iterator[Persons]:
            for country, own in _by_country(groups):
                here = self._people[country]
                everyone = Persons(here.side, here.sampled.multiplicities, here.sampled.correction, *_units(here, None))
                yield from _chosen(everyone, self._cells[country], own)

        return self._kept(("people", groups.keys), members(), fewest=FEWEST_ANSWERS["human"])

    def _half(self, groups: _Groups, number: int) -> Means:
        def members() -> Iterator[Persons]:
            for country, own in _by_country(groups):
                here, streams = self._people[country], self._streams
                rows = here.design.halves(here.side.n, country=country, streams=streams)[number]
                drawn = here.design.resampled(rows, country=country, purpose=f"A2 half {number}", streams=streams)
                half = Persons(here.side.take(rows), drawn.factors, drawn.correction, *_units(here, rows))
                cells = {cell: np.flatnonzero(np.isin(rows, members)) for cell, members in self._cells[country].items()}
                yield from _chosen(half, cells, own)

        return self._kept((f"half {number}", groups.keys), members(), fewest=2)

    def _model(self, groups: _Groups, parts: Sequence[CountryScores]) -> Means:
        def members() -> Iterator[Persons]:
            found = {part.people.country: part for part in parts}
            for country, own in _by_country(groups):
                part = found[country]
                side = part.answers.side
                # Matched personas were drawn with their respondents, in the same units.
                rows = sources(part.people.side.persons, part.answers.persons, human_id=self._human_id)
                unit, units = (None, None) if rows is None else _units(part.people, None)
                if unit is not None:
                    unit = unit[rows]
                everyone = Persons(side, part.model.multiplicities, part.model.correction, unit, units)
                yield from _chosen(everyone, _cells(part.answers.persons, self._attributes), own)

        return group_means(list(members()), self._items, fewest=FEWEST_ANSWERS["model"]).select(self._ordered)

    def _kept(self, key: tuple[Any, ...], members: Iterator[Persons], *, fewest: int) -> Means:
        """Means of people, made once for all models with the same groups."""
        if key not in self._means:
            self._means[key] = group_means(list(members), self._items, fewest=fewest).select(self._ordered)
        return self._means[key]

    def _sizes(self, groups: _Groups, parts: Sequence[CountryScores]) -> Row:
        """Number of groups, and of the persons of the smallest one on each side."""
        people, personas = [], []
        found = {part.people.country: part for part in parts}
        for country, cell in groups.keys:
            part = found[country]
            people.append(len(self._cells[country][cell]) if cell else part.people.side.n)
            of_model = _cells(part.answers.persons, self._attributes) if cell else {}
            personas.append(len(of_model[cell]) if cell else part.answers.side.n)
        return {"n_human": min(people), "n_model": min(personas)}

    def _levels(
        self, sides: list[Means], halves: list[Means], defined: Mask
    ) -> Iterator[tuple[str, Variables, list[Means]]]:
        """Items as they are, and categories of those that all groups have."""
        items = [self._items[j] for j in self._ordered]
        ranges = np.array([max(item.scores) - min(item.scores) for item in items])
        pairs = np.array([[a.block is None or a.block != b.block for b in items] for a in items])
        yield ITEMS, Variables(tuple(item.id for item in items), ranges, pairs), [*sides, *halves]
        loadings, names = category_loadings(items, defined.all(axis=0) & (ranges > 0))
        if len(names) > 2:
            used = np.flatnonzero(loadings.any(axis=0))
            transformed = [side.select(used).composites(loadings[:, used]) for side in (*sides, *halves)]
            every = np.ones((len(names), len(names)), dtype=np.bool_)
            yield CATEGORIES, Variables(names, np.ones(len(names)), every), transformed


def category_loadings(items: Sequence[Item], usable: Mask) -> tuple[Floats, tuple[str, ...]]:
    """How categories are made of items: means of scales from 0 to 1, turned round where the polarity says so.

    Args:
        items: Declarations.
        usable: Items that may enter, shape (p,).

    Returns:
        What each item counts in each category, shape (number of categories, p), and the names of the categories, which
        are the domains of the items in the order of their first one.
    """
    domains: dict[str, list[int]] = {}
    for j, item in enumerate(items):
        if usable[j] and item.domain.strip():
            domains.setdefault(item.domain, []).append(j)
    loadings = np.zeros((len(domains), len(items)))
    for row, members in enumerate(domains.values()):
        for j in members:
            scores = items[j].scores
            loadings[row, j] = items[j].polarity / (max(scores) - min(scores)) / len(members)
    return loadings, tuple(domains)


def overlapping(people: Mapping[str, People]) -> bool:
    """Whether groups share respondents, which are then called ``GROUP/ID`` in each group."""
    seen: set[str] = set()
    for name, here in people.items():
        own = {person[len(name) + 1 :] for person in here.side.persons if person.startswith(f"{name}/")}
        if own & seen:
            return True
        seen |= own
    return False


def _cells(frame: pl.DataFrame, attributes: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Rows of the persons of each cell; nobody of whom an attribute is unknown is in one."""
    if not attributes:
        return {}
    joined = frame.select(pl.concat_str(pl.col(list(attributes)).cast(pl.String), separator="\x1f")).to_series()
    found: dict[str, list[int]] = {}
    for row, cell in enumerate(joined):
        if cell is not None:
            found.setdefault(cell, []).append(row)
    return {cell: np.array(found[cell], dtype=np.int64) for cell in sorted(found)}


def _by_country(groups: _Groups) -> Iterator[tuple[str, list[str]]]:
    """Countries with the cells of each."""
    found: dict[str, list[str]] = {}
    for country, cell in groups.keys:
        found.setdefault(country, []).append(cell)
    yield from found.items()


def _chosen(everyone: Persons, cells: Mapping[str, NDArray[np.int64]], own: Sequence[str]) -> Iterator[Persons]:
    for cell in own:
        yield everyone.take(cells.get(cell, np.empty(0, dtype=np.int64))) if cell else everyone


def _units(
    people: People, rows: NDArray[np.int64] | None
) -> tuple[NDArray[np.uint32], SamplingUnits] | tuple[None, None]:
    """Unit of each respondent and all units; neither where everybody was drawn alone."""
    if people.design.columns is None:
        return None, None
    chosen = np.arange(people.side.n) if rows is None else rows
    units = people.design.columns.units(chosen.astype(np.intp), {"country": people.country})
    return units.unit, units


def _parts_of(groups: _Groups) -> list[_Part]:
    """All groups; of cells in several countries also the means of countries, and differences within countries."""
    strata = groups.strata
    found = [_Part(ALONE, None, np.zeros(len(strata), dtype=np.int64))]
    countries = int(strata.max()) + 1
    if groups.kind == "cells" and countries > 1:
        if countries >= FEWEST_GROUPS:
            pooled = [np.flatnonzero(strata == number) for number in range(countries)]
            found.append(_Part("between_countries", pooled, np.zeros(countries, dtype=np.int64)))
        found.append(_Part("within_countries", None, strata))
    return found


def _score_rows(scored: BetweenScores, ceiling: BetweenScores) -> Iterator[Row]:
    for name in STATISTICS:
        own, half = scored.values[name], ceiling.values[name]
        row: Row = {
            "statistic": name,
            "value": own.value,
            "low": own.low,
            "high": own.high,
            "split_half": half.value,
            "split_half_low": half.low,
            "split_half_high": half.high,
        }
        if scored.chance is not None:
            chance = scored.chance.values[name]
            row |= {"permuted": chance.value, "permuted_low": chance.low, "permuted_high": chance.high}
            row["permuted_p"] = scored.chance.p if name == "similarity" else None
        yield row


def _summary_row(scored: BetweenScores, variables: Variables, layout: Layout, both: Sequence[Quality]) -> Row:
    human, model = both
    used = human.usable & (model.usable | model.still)

    def named(side: Quality, status: str, among: Mask) -> list[str]:
        return [
            name for name, own, here in zip(variables.names, side.status, among, strict=True) if here and own == status
        ]

    def middle(side: Quality) -> float:
        known = side.reliability[np.isfinite(side.reliability)]
        return float(np.median(known)) if len(known) else float("nan")

    everything = np.ones(len(used), dtype=np.bool_)
    common = layout.common()[scored.first, scored.second]
    return {
        "n_groups": layout.groups,
        "fewest_groups": int(common.min()) if len(common) else None,
        "variables": int(used.sum()),
        **{status: named(human, status, everything) for status in ("unreliable", "still", "few_groups")},
        **{f"model_{status}": named(model, status, human.usable) for status in ("unreliable", "still")},
        "reliability_human": middle(human),
        "reliability_model": middle(model),
        "pairs": len(scored.first),
        "pairs_estimable": scored.estimable,
        "clipped_human": scored.clipped_human,
        "clipped_model": scored.clipped_model,
        "permuted_square": None if scored.chance is None else scored.chance.square,
    }


def _pair_rows(scored: BetweenScores, variables: Variables, layout: Layout, both: Sequence[Quality]) -> Iterator[Row]:
    """Reliabilities on the diagonal, then correlations."""
    names, common, (human, model) = variables.names, layout.common(), both
    for j, name in enumerate(names):
        yield {
            "a": name,
            "b": name,
            "n_groups": int(common[j, j]),
            "human": human.reliability[j],
            "model_value": model.reliability[j],
            "human_status": human.status[j],
            "model_status": model.status[j],
        }
    for pair, (j, k) in enumerate(zip(scored.first, scored.second, strict=True)):
        yield {
            "a": names[j],
            "b": names[k],
            "n_groups": int(common[j, k]),
            "human": scored.human[pair],
            "human_se": scored.human_se[pair],
            "model_value": scored.model[pair],
            "model_se": scored.model_se[pair],
            "human_status": "ok",
            "model_status": "ok" if np.isfinite(scored.model[pair]) else "no_structure",
        }
