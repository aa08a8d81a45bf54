"""What a data file becomes under the definition of a survey, and everything that stands in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import DataError, DemoscopeError
from demoscope.surveys.code_table import UNKNOWN, UNREADABLE, code_table
from demoscope.surveys.files import open_source
from demoscope.surveys.microdata import load_microdata
from demoscope.surveys.recognise import recognised
from demoscope.surveys.survey import DEFINED, EMBEDDED, load_survey

if TYPE_CHECKING:
    from pathlib import Path

    from demoscope.surveys.files import Source
    from demoscope.surveys.microdata import Microdata
    from demoscope.surveys.survey import Survey
    from demoscope.surveys.variant import Variant

FEWEST_ITEMS: Final = 0.3
"""Share of a definition's items for which a file has columns, from which on it may be a file of that survey."""


@dataclass(frozen=True)
class Check:
    """A file under a definition.

    Attributes:
        survey: The definition.
        variant: The declared kind of file that it is, if any.
        notes: What should be said about how it was read.
        codes: Every code of every item and attribute: the columns of :func:`.code_table.code_table` and ``in_file``,
            the label that the file has for it.
        absent: ``part`` and ``column`` of what the file lacks.
        data: The people; ``None`` where a problem keeps them from being read.
        problems: Sentences; none where the file can be used as it is.
    """

    survey: Survey
    variant: Variant | None
    notes: tuple[str, ...]
    codes: pl.DataFrame
    absent: tuple[str, ...]
    data: Microdata | None
    problems: tuple[str, ...]

    @property
    def unknown(self) -> pl.DataFrame:
        """Rows of ``codes`` that nobody declared."""
        return self.codes.filter(pl.col("why").is_in([UNKNOWN, UNREADABLE]))


def check_file(path: Path, survey: Survey, *, weight: str | None = None) -> Check:
    """Read a file as a survey and tell what became of it.

    Args:
        path: The file.
        survey: The definition.
        weight: Column of weights in place of the survey's own, or ``"none"``.

    Raises:
        DataError: The file cannot be opened, is damaged, or is of a kind that the survey refuses.
        MissingPartError: The package that reads this format is not installed.
    """
    source = open_source(path)
    variant = recognised(survey, source.columns, source.read, where=path)
    codes = code_table(source, survey, variant=variant)
    present = set(codes["part"])
    data: Microdata | None = None
    problems: tuple[str, ...] = ()
    try:
        data = load_microdata(survey, path=path, weight=weight)
    except DemoscopeError as error:
        problems = tuple(str(error).splitlines())
    return Check(
        survey=survey,
        variant=variant,
        notes=source.notes,
        codes=_with_file_labels(codes, source),
        absent=tuple(part.id for part in survey.parts if part.id not in present),
        data=data,
        problems=problems,
    )


def likely_survey(path: Path) -> str:
    """Name of the definition of the package most of whose items a file has.

    Raises:
        DataError: The file has few of any; the message says how a definition is drafted.
    """
    columns = set(open_source(path).columns)
    shares = {name: _share(load_survey(name), columns) for name in (*EMBEDDED, *DEFINED)}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] < FEWEST_ITEMS:
        raise DataError(
            f"{path}: a file of no survey that comes with the package ({', '.join(sorted(shares))}); name its TOML "
            "file with --survey, or draft one with `demoscope survey new`"
        )
    return best


def _share(survey: Survey, columns: set[str]) -> float:
    return sum(bool(columns.intersection(item.columns)) for item in survey.items) / len(survey.items)


def _with_file_labels(codes: pl.DataFrame, source: Source) -> pl.DataFrame:
    labels = [source.labels.get(column, {}).get(code) for column, code in codes.select("column", "code").iter_rows()]
    return codes.with_columns(pl.Series("in_file", labels, dtype=pl.String))
