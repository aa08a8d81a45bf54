"""What a check found, as text, JSON and a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from demoscope.surveys.check import Check
    from demoscope.surveys.microdata import Microdata

SCHEMA: Final = 1
"""Version of the JSON; a key that goes or changes its meaning raises it."""

_VALID: Final = "valid"


def check_as_text(found: Check, *, every: bool) -> str:
    """A page for readers.

    Args:
        found: The check.
        every: Whether each code has a line, or each item.
    """
    lines = [f"survey   {found.survey.title}"]
    if found.variant is not None:
        lines.append(f"file     {found.variant.name}. {found.variant.says}".rstrip())
    lines += [f"note     {note}" for note in found.notes]
    if found.data is not None:
        lines += _people(found.data)
    if found.absent:
        lines.append(f"absent   {len(found.absent)} items and attributes have no column: {', '.join(found.absent)}")
    lines.append("")
    for (part,), rows in found.codes.group_by(["part"], maintain_order=True):
        lines += _every_code(str(part), rows) if every else [_one_line(str(part), rows)]
    return "\n".join(lines)


def check_as_json(found: Check) -> str:
    """The same for programs."""
    table: dict[str, Any] = {
        "schema": SCHEMA,
        "survey": found.survey.id,
        "variant": None if found.variant is None else found.variant.name,
        "notes": list(found.notes),
        "weight_column": None if found.data is None else found.data.weight_column,
        "countries": [] if found.data is None else _countries(found.data).to_dicts(),
        "absent": list(found.absent),
        "codes": found.codes.to_dicts(),
        "problems": list(found.problems),
    }
    return json.dumps(table, indent=2, ensure_ascii=False, allow_nan=False)


def write_codes(found: Check, path: Path) -> None:
    """Write the table of codes as CSV or Parquet, by the end of the name."""
    if path.suffix == ".csv":
        found.codes.write_csv(path)
    elif path.suffix == ".parquet":
        found.codes.write_parquet(path)
    else:
        raise click.UsageError(f"{path}: the table of codes is written as .csv or .parquet")


def _people(data: Microdata) -> list[str]:
    countries = _countries(data)
    lines = [f"people   {data.frame.height:,} in {countries.height} countries"]
    weights = "everybody counts alike" if data.weight_column is None else f"column {data.weight_column}"
    lines.append(f"weights  {weights}; worth {countries['n_eff'].sum():,.0f} people of equal weight")
    design = [name for name in ("stratum", "psu") if name in data.frame.columns]
    lines.append(f"design   {', '.join(design)}" if design else "design   weights only")
    return lines


def _countries(data: Microdata) -> pl.DataFrame:
    import polars as pl

    weight = pl.col("weight")
    return (
        data.frame.group_by("country")
        .agg(n=pl.len(), mean_weight=weight.mean(), n_eff=weight.sum() ** 2 / (weight**2).sum())
        .sort("country")
    )


def _one_line(part: str, rows: pl.DataFrame) -> str:
    total = int(rows["n"].sum())
    valid = sum(n for n, why in rows.select("n", "why").iter_rows() if why == _VALID)
    lost: dict[str, list[tuple[str, int]]] = {}
    for code, n, why in rows.select("code", "n", "why").iter_rows():
        if why != _VALID:
            lost.setdefault(why, []).append((code or "empty", n))
    reasons = "; ".join(
        f"{why.replace('_', ' ')} {sum(n for _, n in codes):,} ({', '.join(code for code, _ in codes)})"
        for why, codes in lost.items()
    )
    return f"{part:18} answered {valid:,} of {total:,}{f'; {reasons}' if reasons else ''}"


def _every_code(part: str, rows: pl.DataFrame) -> list[str]:
    lines = [f"{part}  (column {rows['column'][0]})"]
    for code, n, label, why, in_file in rows.select("code", "n", "label", "why", "in_file").iter_rows():
        became = label if why == _VALID else why.replace("_", " ")
        lines.append(f"  {code or 'empty':>8} {n:>9,}  {became}{'' if in_file is None else f'  [{in_file}]'}")
    return lines
