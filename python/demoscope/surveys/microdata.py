"""Answers of respondents as one checked frame: declared codes or null, and a count of every reason for null."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.registry import Registry
from demoscope.schema import ALL
from demoscope.surveys.cells import cell_texts, look_up, meanings, replaced
from demoscope.surveys.coded import CodedColumn, coded
from demoscope.surveys.files import open_source
from demoscope.surveys.item import Item
from demoscope.surveys.labels import contradictions
from demoscope.surveys.layout import NO_WEIGHT, Layout, layout_of
from demoscope.surveys.meaning import Meaning, meaning_of
from demoscope.surveys.recognise import recognised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from demoscope.surveys.files import Source
    from demoscope.surveys.survey import Survey
    from demoscope.surveys.variant import Variant

GENERATORS: Final = Registry("generator", {"synthetic": "demoscope.surveys.synthetic:synthetic_frame"})
"""Built-in populations that stand in for a data file; called without arguments, they give raw columns."""

SIMULATED: Final = "simulated"
"""Column of every simulated file; its cells say that nobody was interviewed."""

_MISSING: Final = {
    "item": pl.String,
    "country": pl.String,
    "code": pl.String,
    "reason": pl.String,
    "n": pl.Int64,
}
_ABSENT: Final = {"part": pl.String, "column": pl.String}
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Microdata:
    """Respondents of a survey.

    Attributes:
        survey: What the columns mean; without the items and demographics that the file lacks.
        frame: One row for each respondent, in the order of the file: ``respondent_id`` and ``country`` (String),
            ``weight`` (Float64, above 0, as given), ``stratum`` and ``psu`` (String, where the file has them),
            a String column for each demographic (its word or the label of its band), an Int32 column for each item
            (a declared code); null where unknown.
        missing: One row for each item or demographic, country and code that became null: ``item``, ``country``,
            ``code`` (text of the cell, empty for an empty cell), ``reason``, ``n``.
        numbers: The number behind each banded demographic, as Float64, null where unknown; rows as in ``frame``.
        absent: What the file lacks of a partial survey: ``part`` (item or demographic) and ``column``.
        weight_column: Column that ``weight`` was read from; ``None`` where everybody weighs 1.
        variant: The declared kind of file that this is, if any.
        notes: What should be said about how the file was read.
        simulated: Whether nobody was interviewed: the file has the column that simulated ones have.
    """

    survey: Survey
    frame: pl.DataFrame
    missing: pl.DataFrame
    numbers: pl.DataFrame = field(default_factory=pl.DataFrame)
    absent: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=_ABSENT))
    weight_column: str | None = None
    variant: Variant | None = None
    notes: tuple[str, ...] = ()
    simulated: bool = False

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries with at least one respondent, sorted."""
        return tuple(self.frame["country"].unique().sort().to_list())


def load_microdata(survey: Survey, *, path: Path | None = None, weight: str | None = None) -> Microdata:
    """Read the data of a survey from a file of any known format.

    Args:
        survey: What the columns mean.
        path: The file; ``None`` means the one that the survey names, or its generator.
        weight: Column of weights in place of the survey's own; ``"none"`` weighs everybody alike.

    Raises:
        DataError: The file cannot be read or breaks a rule of the survey; the message names file, column and row.
        MissingPartError: The package that reads this format is not installed.
    """
    path = path or survey.data
    if path is None:
        if survey.generator is None:
            raise DataError(f"survey {survey.id!r} names no data file; say where its data are")
        raw = GENERATORS[survey.generator]()
        return microdata_from_frame(raw, survey=survey, where=f"survey {survey.id!r}", weight=weight)
    source = open_source(path)
    variant = recognised(survey, source.columns, source.read, where=path)
    layout = layout_of(survey, source.columns, where=path, weight=weight)
    integers = layout.integers(survey)
    try:
        raw = source.read(layout.columns, integers=integers)
        data = _microdata(raw, layout, survey=survey, variant=variant, where=path, source=source)
    except DataError:
        # What a message shows of a cell is its text.
        raw = source.read(layout.columns)
        data = _microdata(raw, layout, survey=survey, variant=variant, where=path, source=source)
    return replace(data, notes=source.notes, simulated=SIMULATED in source.columns)


def microdata_from_frame(
    raw: pl.DataFrame, *, survey: Survey, where: object = "frame", weight: str | None = None
) -> Microdata:
    """Check raw columns against a survey and recode them.

    Args:
        raw: Columns as a file has them: whole numbers, text, categories; floats where they hold whole numbers.
        survey: What the columns mean.
        where: Name of the source, for messages.
        weight: Column of weights in place of the survey's own; ``"none"`` weighs everybody alike.

    Raises:
        DataError: One line for each column that breaks a rule, with the first row (from 1) that does and its value.
    """
    variant = recognised(survey, raw.columns, raw.select, where=where)
    layout = layout_of(survey, raw.columns, where=where, weight=weight)
    data = _microdata(raw, layout, survey=survey, variant=variant, where=where)
    return replace(data, simulated=SIMULATED in raw.columns)


def _microdata(
    raw: pl.DataFrame,
    layout: Layout,
    *,
    survey: Survey,
    variant: Variant | None,
    where: object,
    source: Source | None = None,
) -> Microdata:
    if raw.is_empty():
        raise DataError(f"{where}: no rows")
    countries = _countries(raw, survey, layout, where)
    names = countries.unique().sort()
    groups = countries.replace_strict(names, pl.int_range(names.len(), eager=True)).to_numpy()
    columns, missing, numbers, problems = [], _Losses(names.to_list()), [], []
    for reader in (_ids, _weights, _design):
        try:
            columns.extend(reader(raw, layout, countries, survey, where))
        except DataError as error:
            problems.append(str(error))
    columns.insert(1, countries)
    for part, column in layout.parts:
        meaning = meaning_of(part, survey, variant, by_label=source is not None and column in source.factors)
        try:
            cells = coded(raw[column], where=where)
            used = cells.counts(groups, n_groups=names.len())
            if source is not None and column in source.labels and survey.labels == "checked":
                _check_labels(meaning, cells, source.labels[column], used, place=f"{where}: column {column!r}")
            columns.append(_recode(cells, meaning, used, place=f"{where}: column {column!r}"))
            _check_asked_in(columns[-1], meaning, countries, place=f"{where}: column {column!r}")
            missing.add(cells, meaning, used)
            if not isinstance(part, Item) and part.bands:
                numbers.append(_numbers(cells, meaning, used))
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    return Microdata(
        survey=_present(survey, layout),
        frame=pl.DataFrame(columns),
        missing=missing.frame(),
        numbers=pl.DataFrame(numbers),
        absent=layout.absent,
        weight_column=layout.weight,
        variant=variant,
    )


def _present(survey: Survey, layout: Layout) -> Survey:
    """The survey without what the file lacks."""
    if layout.absent.is_empty():
        return survey
    items = tuple(part for part, _ in layout.parts if isinstance(part, Item))
    demographics = tuple(part for part, _ in layout.parts if not isinstance(part, Item))
    return survey.model_copy(update={"items": items, "demographics": demographics})


def _ids(raw: pl.DataFrame, layout: Layout, countries: pl.Series, survey: Survey, where: object) -> list[pl.Series]:  # noqa: ARG001 - readers share a signature
    if not layout.ids:
        return [pl.Series("respondent_id", [str(row) for row in range(1, raw.height + 1)])]
    parts = [cell_texts(raw[name], where=where) for name in layout.ids]
    for name, texts in zip(layout.ids, parts, strict=True):
        if texts.null_count():
            place = f"{where}: column {name!r}, row {_first(texts.is_null())}"
            raise DataError(f"{place}: no id{_more(texts.null_count() - 1)}")
    ids = pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator="-"))[layout.ids[0]]
    if (twice := ids.is_duplicated()).any():
        first = _first(twice)
        again = _first((ids == ids[first - 1]) & (pl.Series(range(1, raw.height + 1)) > first))
        named = " and ".join(map(repr, layout.ids))
        place = f"{where}: column{'s' * (len(layout.ids) > 1)} {named}"
        raise DataError(f"{place}, row {again}: id {ids[first - 1]!r} is that of row {first} already")
    return [ids.alias("respondent_id")]


def _countries(raw: pl.DataFrame, survey: Survey, layout: Layout, where: object) -> pl.Series:
    if layout.country is None:
        return pl.repeat(survey.country, raw.height, dtype=pl.String, eager=True).alias("country")
    texts = cell_texts(raw[layout.country], where=where)
    place = f"{where}: column {layout.country!r}"
    if texts.null_count():
        raise DataError(f"{place}, row {_first(texts.is_null())}: no country{_more(texts.null_count() - 1)}")
    if (texts == ALL).any():
        raise DataError(f"{place}, row {_first(texts == ALL)}: {ALL!r} stands for all countries in results")
    if not survey.countries:
        return texts.alias("country")
    names, unknown = meanings(texts, partial(look_up, survey.countries))
    if unknown:
        found = [(text, int((texts == text).sum()), _first(texts == text)) for text in unknown]
        raise DataError(_undeclared(place, ("country", "countries"), found, declared=""))
    return replaced(texts, names, pl.String).alias("country")


def _weights(raw: pl.DataFrame, layout: Layout, countries: pl.Series, survey: Survey, where: object) -> list[pl.Series]:
    if layout.weight is None:
        return [pl.repeat(1.0, raw.height, dtype=pl.Float64, eager=True).alias("weight")]
    column = raw[layout.weight]
    weights = column if column.dtype.is_numeric() else cell_texts(column, where=where)
    weights = weights.cast(pl.Float64, strict=False)
    usable = (weights.is_finite() & (weights > 0)).fill_null(value=False)
    if usable.all():
        return [weights.alias("weight")]
    row, bad = _first(~usable), int((~usable).sum())
    others = [repr(name) for name in survey.weight_columns if name != layout.weight]
    raise DataError(
        f"{where}: column {layout.weight!r}, row {row}: {column[row - 1]!r} is no weight; "
        f"weights are finite and above 0{_more(bad - 1)}{_unusable(weights, usable, countries)}; "
        f"a run may say weight = {' or '.join([*others, repr(NO_WEIGHT)])}"
    )


def _unusable(weights: pl.Series, usable: pl.Series, countries: pl.Series) -> str:
    """In which countries weights are zero, empty or otherwise none, with numbers of rows."""
    kinds = pl.when(pl.col("weight") == 0).then(pl.lit("zero")).when(pl.col("weight").is_null())
    told = pl.DataFrame({"weight": weights, "usable": usable, "country": countries}).with_columns(
        kind=kinds.then(pl.lit("none")).otherwise(pl.lit("impossible"))
    )
    bad = told.filter(~pl.col("usable")).group_by("kind", "country").len().sort("kind", "country")
    sizes = dict(countries.value_counts().iter_rows())
    said = []
    for kind in bad["kind"].unique(maintain_order=True):
        rows = [(country, n) for found, country, n in bad.iter_rows() if found == kind]
        named = ", ".join(f"{country} ({n} of its {sizes[country]} rows)" for country, n in rows[:_MOST_NAMED])
        further = f" and {len(rows) - _MOST_NAMED} further countries" if len(rows) > _MOST_NAMED else ""
        said.append(f"; {kind} in {sum(n for _, n in rows)} rows: {named}{further}")
    return "".join(said)


def _design(raw: pl.DataFrame, layout: Layout, countries: pl.Series, survey: Survey, where: object) -> list[pl.Series]:  # noqa: ARG001 - readers share a signature
    """Strata and sampling units as text, null where a cell names none."""
    unknown = [*survey.missing, *survey.no_unit]
    units = []
    for name, column in (("stratum", layout.stratum), ("psu", layout.psu)):
        if column is not None:
            texts = cell_texts(raw[column], where=where)
            units.append(texts.set(texts.is_in(unknown).fill_null(value=False), None).alias(name))
    return units


Counts = tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]
"""Group, place and number of cells of every pair that occurs."""


def _recode(cells: CodedColumn, meaning: Meaning, used: Counts, *, place: str) -> pl.Series:
    """Values of one item or demographic."""
    values: list[int | str | None] = [None] * (cells.empty + 1)
    unknown = []
    for number in np.unique(used[1]).tolist():
        text = cells.text(number)
        if meaning.lost_as(text) is None:
            values[number] = meaning.value(text)
            if values[number] is None:
                unknown.append(number)
    if unknown:
        counts = {number: int(used[2][used[1] == number].sum()) for number in unknown}
        found = [(cells.text(number), counts[number], cells.first_row(number)) for number in unknown]
        raise DataError(_undeclared(place, ("code", "codes"), found, declared=f"; {meaning.declared}"))
    table = pl.Series(meaning.part.id, values, dtype=pl.Int32 if isinstance(meaning.part, Item) else pl.String)
    return table.gather(pl.Series(cells.places))


def _check_labels(meaning: Meaning, cells: CodedColumn, labels: Mapping[str, str], used: Counts, *, place: str) -> None:
    """Refuse a column whose labels in the file say something else than the survey."""
    found = contradictions(meaning.part, labels, mirrored=meaning.mirrored)
    if not found:
        return
    counts: dict[str, int] = {}
    for number, n in zip(used[1].tolist(), used[2].tolist(), strict=True):
        counts[cells.text(number)] = counts.get(cells.text(number), 0) + n
    rows = [sum(counts.get(code, 0) for code in one.codes) for one in found]
    raise DataError("\n".join(f"{place}: {one.text}; {n:,} rows" for one, n in zip(found, rows, strict=True)))


def _numbers(cells: CodedColumn, meaning: Meaning, used: Counts) -> pl.Series:
    """The number in each cell of a banded demographic."""
    values: list[float | None] = [None] * (cells.empty + 1)
    for number in np.unique(used[1]).tolist():
        text = cells.text(number)
        if meaning.lost_as(text) is None:
            values[number] = float(text)
    return pl.Series(meaning.part.id, values, dtype=pl.Float64).gather(pl.Series(cells.places))


class _Losses:
    """Counts of cells that became null, gathered part by part."""

    def __init__(self, countries: Sequence[str]) -> None:
        self._countries = countries
        self._rows: list[tuple[str, str, str, str, int]] = []

    def add(self, cells: CodedColumn, meaning: Meaning, used: Counts) -> None:
        lost = {number: meaning.lost_as(cells.text(number)) for number in np.unique(used[1]).tolist()}
        counts: dict[tuple[str, str], int] = {}
        for group, number, n in zip(*(column.tolist() for column in used), strict=True):
            if (code := lost[number]) is not None:
                key = (self._countries[group], code)
                counts[key] = counts.get(key, 0) + n
        self._rows.extend(
            (meaning.part.id, country, code, meaning.reason(code, country=country), counts[country, code])
            for country, code in sorted(counts)
        )

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, schema=_MISSING, orient="row")


def _check_asked_in(recoded: pl.Series, meaning: Meaning, countries: pl.Series, *, place: str) -> None:
    """Refuse answers from a country where, says the survey, the item was not asked."""
    item = meaning.part
    if not isinstance(item, Item) or item.asked_in is None:
        return
    stray = recoded.is_not_null() & ~countries.is_in(list(item.asked_in))
    if stray.any():
        row = _first(stray)
        raise DataError(
            f"{place}, row {row}: an answer from {countries[row - 1]!r}, "
            f"where {item.id!r} was not asked{_more(int(stray.sum()) - 1)}"
        )


def _undeclared(place: str, noun: tuple[str, str], found: list[tuple[str, int, int]], *, declared: str) -> str:
    """One line that names texts which a survey does not declare, each with its number of rows and its first row."""
    found = sorted(found, key=lambda one: one[2])
    (text, n, row), *others = found
    if not others:
        return f"{place}, row {row}: {noun[0]} {text!r} is not declared{declared}{_more(n - 1)}"
    named = ", ".join(f"{text!r} ({_rows(n)} from row {row})" for text, n, row in found[:_MOST_NAMED])
    further = f" and {len(found) - _MOST_NAMED} further ones" if len(found) > _MOST_NAMED else ""
    return f"{place}, row {row}: {noun[1]} {named}{further} are not declared{declared}"


def _rows(n: int) -> str:
    return f"{n} row{'s' * (n != 1)}"


def _more(rows: int) -> str:
    return f"; and {rows} further row{'s' * (rows != 1)}" if rows else ""


def _first(mask: pl.Series) -> int:
    """Number of the first row (from 1) where ``mask`` holds."""
    return int(mask.fill_null(value=False).arg_max() or 0) + 1
