"""Groups of people in the place of countries: every respondent once for each group that it is in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import polars as pl

from demoscope.errors import ConfigError, DataError, nearest
from demoscope.schema import ALL
from demoscope.surveys.demographic import Demographic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.config import Group
    from demoscope.surveys.item import Item
    from demoscope.surveys.microdata import Microdata
    from demoscope.surveys.survey import Survey

Pooling: TypeAlias = Literal["equal_country", "as_is"]

FEWEST_IN_GROUP: Final = 30
"""A group with fewer respondents is refused: what it says would be about persons."""

GROUP: Final = "group"
"""Name of the one attribute that people have here; its values are the texts of their groups."""


def grouped(microdata: Microdata, groups: Mapping[str, Group], *, pooling: Pooling = "equal_country") -> Microdata:
    """Put groups in the place of countries.

    A respondent comes once for each group that it is in, as ``GROUP/ID``; one for whom an expression is unknown is not
    in that group.
    Strata and primary sampling units keep apart what comes from different countries.
    The only attribute is the group; it reads the columns of everything that an expression names, so
    ``Survey.items_told_by`` says which items the groups tell.

    Args:
        microdata: The respondents.
        groups: Groups by name, one at least; they may overlap.
        pooling: ``"equal_country"`` scales weights so that, in a group, the weights of each country have the same sum,
            and keeps the sum over the group; ``"as_is"`` leaves them.

    Raises:
        ConfigError: An expression cannot be read, names an unknown column or is no condition; or two groups have one
            text.
        DataError: A group has fewer than ``FEWEST_IN_GROUP`` respondents.
    """
    _check_names(microdata.survey, groups)
    known = _known(microdata)
    masks = {name: _members(known, group.where, name=name) for name, group in groups.items()}
    for name, mask in masks.items():
        if mask.sum() < FEWEST_IN_GROUP:
            raise DataError(
                f"group {name!r}: {mask.sum()} respondents of whom {groups[name].where!r} holds; "
                f"a group needs {FEWEST_IN_GROUP} at least"
            )
    parts = [
        _part(microdata, mask, name=name, text=groups[name].text, pooling=pooling)
        for name, mask in sorted(masks.items())
    ]
    survey = _survey(microdata.survey, groups, masks, microdata.frame["country"], pooling=pooling)
    changed: dict[str, Any] = {
        "survey": survey,
        "frame": pl.concat([frame for frame, _ in parts]),
        "missing": pl.concat([missing for _, missing in parts]),
    }
    if hasattr(microdata, "numbers"):  # only expressions read them
        changed["numbers"] = pl.DataFrame()
    if microdata.weight_column is None and pooling == "equal_country":
        changed["weight_column"] = "weight"
    return replace(microdata, **changed)


def columns_read(survey: Survey, groups: Mapping[str, Group]) -> tuple[str, ...]:
    """Columns of the file that stand behind the names in expressions, sorted."""
    parts = {part.id: part for part in survey.parts}
    names = {name for key, group in groups.items() for name in _expression(group.where, name=key).meta.root_names()}
    found = {column for name in names & parts.keys() for column in parts[name].columns}
    if "country" in names and survey.country_column is not None:
        found.add(survey.country_column)
    return tuple(sorted(found))


def _check_names(survey: Survey, groups: Mapping[str, Group]) -> None:
    if not groups:
        raise ConfigError(f"survey {survey.id!r} has no groups; declare them in [groups.NAME]")
    for name in groups:
        if "/" in name or name == ALL or not name:
            raise ConfigError(f"group {name!r} cannot be called so: its name comes before '/' in names of respondents")
    if GROUP in {item.id for item in survey.items}:
        raise ConfigError(f"survey {survey.id!r} has an item {GROUP!r}, which is the attribute of people in groups")
    said: dict[str, str] = {}
    for name, group in groups.items():
        if group.text in said:
            raise ConfigError(f"groups {said[group.text]!r} and {name!r} have the same text {group.text!r}")
        said[group.text] = name


def _known(microdata: Microdata) -> pl.DataFrame:
    """What expressions speak of: codes, words, numbers of banded attributes, and the country."""
    survey = microdata.survey
    numbers: pl.DataFrame | None = getattr(microdata, "numbers", None)
    named = [part.id for part in survey.parts if part.id in microdata.frame.columns]
    frame = microdata.frame.select("country", *named)
    return frame if numbers is None else frame.with_columns(numbers.get_columns())


def _expression(where: str, *, name: str) -> pl.Expr:
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"group {name!r}: {where!r} is no SQL expression: {error}") from error


def _members(known: pl.DataFrame, where: str, *, name: str) -> pl.Series:
    """Whether each respondent is in the group, never null."""
    expression = _expression(where, name=name)
    for column in expression.meta.root_names():
        if column not in known.columns:
            raise ConfigError(
                f"group {name!r}: {where!r} names {column!r}, "
                f"no item or attribute of the survey{nearest(column, known.columns)}"
            )
    try:
        found = known.select(member=expression)["member"]
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"group {name!r}: {where!r} cannot be evaluated: {error}") from error
    if found.dtype != pl.Boolean:
        raise ConfigError(f"group {name!r}: {where!r} is of type {found.dtype}, not true or false")
    if len(found) == 1 != known.height:  # a constant
        found = pl.repeat(found[0], known.height, dtype=pl.Boolean, eager=True)
    return found.fill_null(value=False)


def _part(
    microdata: Microdata, mask: pl.Series, *, name: str, text: str, pooling: Pooling
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of one group, and what of them became null."""
    people = microdata.frame.filter(mask)
    missing = _missing(microdata, people).with_columns(country=pl.lit(name))
    if pooling == "equal_country":
        people = people.with_columns(weight=_equal_countries(people))
    apart = [column for column in ("stratum", "psu") if column in people.columns]
    items = [item.id for item in microdata.survey.items if item.id in people.columns]
    return people.select(
        pl.lit(f"{name}/").add(pl.col("respondent_id")).alias("respondent_id"),
        pl.lit(name).alias("country"),
        "weight",
        *((pl.col("country") + "/" + pl.col(column)).alias(column) for column in apart),
        pl.lit(text).alias(GROUP),
        *items,
    ), missing.group_by("item", "country", "code", "reason", maintain_order=True).agg(pl.col("n").sum())


def _equal_countries(people: pl.DataFrame) -> pl.Series:
    """Weights with the same sum over each country, and the old sum over all."""
    # Sums in the order of rows, so that they are the same to the bit for any number of threads.
    sums: dict[str, float] = {}
    for country, weight in people.select("country", "weight").iter_rows():
        sums[country] = sums.get(country, 0.0) + weight
    goal = sum(sums.values()) / len(sums)
    factors = {country: goal / total for country, total in sums.items()}
    return people["weight"] * people["country"].replace_strict(factors, return_dtype=pl.Float64)


def _missing(microdata: Microdata, people: pl.DataFrame) -> pl.DataFrame:
    """Counts of what is null among some people, by item and their country.

    Which code became null is known by country only; where the people of a country lost answers for several reasons and
    only some of them are here, the reason stays open.
    """
    items = [item.id for item in microdata.survey.items if item.id in people.columns]
    lost = (
        people.select("country", *(pl.col(item).is_null() for item in items))
        .group_by("country")
        .agg(pl.all().sum().cast(pl.Int64))
        .sort("country")
    )
    kinds: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for item, country, code, reason, n in microdata.missing.iter_rows():
        kinds.setdefault((item, country), []).append((code, reason, n))
    rows: list[tuple[str, str, str, str, int]] = []
    for item in items:
        for country, n in lost.select("country", item).iter_rows():
            all_kinds = kinds.get((item, country), [])
            if n and n == sum(size for _, _, size in all_kinds):
                rows += [(item, country, code, reason, size) for code, reason, size in all_kinds]
            elif n and len(all_kinds) == 1:
                rows.append((item, country, all_kinds[0][0], all_kinds[0][1], n))
            elif n:
                rows.append((item, country, "", "other_missing", n))
    return pl.DataFrame(rows, schema=microdata.missing.schema, orient="row")


def _survey(
    survey: Survey,
    groups: Mapping[str, Group],
    masks: Mapping[str, pl.Series],
    countries: pl.Series,
    *,
    pooling: Pooling,
) -> Survey:
    """The survey as it is when groups are its countries."""
    within = {name: set(countries.filter(mask).unique()) for name, mask in masks.items()}
    attribute = Demographic(
        id=GROUP,
        noun=True,
        column=columns_read(survey, groups) or (GROUP,),
        values={name: group.text for name, group in groups.items()},
    )
    changes: dict[str, Any] = {
        "demographics": (attribute,),
        "items": tuple(_asked(item, within) for item in survey.items),
        "country_column": GROUP,
        "country": None,
        "countries": {},
        "languages": {},
        "groups": dict(groups),
    }
    if pooling == "equal_country" and not survey.weight_columns:
        changes["weight_column"] = "weight"
    return survey.model_copy(update=changes)


def _asked(item: Item, within: Mapping[str, set[str]]) -> Item:
    """The item with the groups in which somebody was asked."""
    if item.asked_in is None:
        return item
    asked: Sequence[str] = tuple(sorted(name for name, countries in within.items() if countries & set(item.asked_in)))
    return item.model_copy(update={"asked_in": None if len(asked) == len(within) else asked})
