"""Columns of an official file that its definition does not read, so that a simulated one is as wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def further_columns(
    table: Mapping[str, Any], cells: Mapping[str, Any], *, country: str, n: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Cells of columns that no item or attribute reads.

    Args:
        table: Tables ``same`` (a cell for everybody), ``by_country`` (column to cell of ``country_column`` to cell),
            ``range`` (whole numbers from low to high), ``cut`` (another column, cut into 1, 2, ...), ``recoded``
            (another column, code for code; other codes stay) and ``equilibrated`` (weights that sum to 1,000).
        cells: Columns that there are already.
        country: Cell of the country's column.
        n: People.
        rng: Random numbers.
    """
    found: dict[str, Any] = {name: [cell] * n for name, cell in table.get("same", {}).items()}
    for name, by_country in table.get("by_country", {}).items():
        found[name] = [by_country.get(country, "")] * n
    for name, (low, high) in table.get("range", {}).items():
        found[name] = rng.integers(low, high + 1, n)
    for name, (source, ends) in table.get("cut", {}).items():
        found[name] = 1 + np.searchsorted(np.array(ends), np.asarray(cells[source]))
    for name, (source, codes) in table.get("recoded", {}).items():
        mapping = {int(code): value for code, value in codes.items()}
        found[name] = [mapping.get(int(cell), int(cell)) for cell in cells[source]]
    for name, source in table.get("equilibrated", {}).items():
        weights = np.asarray(cells[source])
        found[name] = np.round(1000 * weights / weights.sum(), 8)
    return {name: column for name, column in found.items() if name not in cells}
