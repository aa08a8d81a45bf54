"""A simulated frame as a file of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demoscope.errors import DataError, MissingPartError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from demoscope.surveys.survey import Survey

_LONGEST_TITLE = 80
"""Characters of the label of a column in a file for Stata."""

SUFFIXES = (".csv", ".parquet", ".sav", ".dta")


def write_simulated(frame: pl.DataFrame, path: Path, *, survey: Survey) -> None:
    """Write a file whole or not at all.

    Args:
        frame: What :func:`.people.simulate` made.
        path: Name that ends in one of ``SUFFIXES``.
        survey: Labels of codes, and codes that a file for SPSS declares missing.

    Raises:
        DataError: The name says no known format, or the file cannot be written.
        MissingPartError: The package that writes this format is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: unknown kind of file {path.suffix!r}; known are {', '.join(SUFFIXES)}")
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        if path.suffix == ".csv":
            frame.write_csv(part)
        elif path.suffix == ".parquet":
            frame.write_parquet(part)
        else:
            _write_labelled(frame, part, survey)
        part.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _write_labelled(frame: pl.DataFrame, path: Path, survey: Survey) -> None:
    try:
        import pyreadstat
    except ImportError:
        raise MissingPartError("files of SPSS and Stata need pyreadstat: pip install 'demoscope[files]'") from None
    labels: dict[str, dict[int, str]] = {}
    missing: dict[str, list[int]] = {}
    for item in survey.items:
        column = item.columns[0]
        codes = {int(text): reason for text, reason in survey.missing_codes(item).items() if text.lstrip("-").isdigit()}
        labels[column] = dict(zip(item.codes, item.labels, strict=True)) | {
            code: reason.replace("_", " ") for code, reason in codes.items()
        }
        missing[column] = list(codes)
    longest = _LONGEST_TITLE if path.suffix == ".dta" else None
    titles = {item.columns[0]: item.text[:longest] for item in survey.items}
    options: dict[str, Any] = {"column_labels": [titles.get(name, "") for name in frame.columns]}
    options["variable_value_labels"] = {name: table for name, table in labels.items() if name in frame.columns}
    if path.suffix == ".sav":
        options["missing_ranges"] = {
            name: declared
            for name, codes in missing.items()
            if name in frame.columns and (declared := _declared(codes, set(labels[name]) - set(codes)))
        }
    writer = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
    writer(frame, str(path), **options)


def _declared(codes: list[int], valid: set[int]) -> list[Any]:
    """Missing codes in the form of SPSS: three at most, or a range in which there is no answer; else nothing."""
    if len(codes) <= 3:
        return list(codes)
    low, high = min(codes), max(codes)
    return [] if any(low <= code <= high for code in valid) else [{"lo": low, "hi": high}]
