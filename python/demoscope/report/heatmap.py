"""Correlation heat maps: same order, same colours and the same scale for people and models."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

from demoscope.report.canvas import FONT, WIDTH, fit, px, render, text_width, wrap
from demoscope.report.palette import STEPS, css_class, step_of
from demoscope.report.words import score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names

MOST_NAMED: Final = 24
"""With more items a map of the usual width has room for the names of domains only; a larger map has those of items."""

_LABEL_ROOM: Final = 128
_CELL: Final = 28
_SMALLEST_NUMBERED: Final = 25
_LARGE_CELL: Final = 13
_TWO_LINES: Final = 24
_NUMBER_FONT: Final = 9.5

Pair = tuple[str, str]


@dataclass(frozen=True)
class Matrix:
    """Correlations of one side.

    Attributes:
        items: Ids in the order of rows and columns, length p.
        values: Correlation of a pair, each pair once in either order; ``None`` where it cannot be estimated.
            A pair that is absent is not scored at all.
    """

    items: tuple[str, ...]
    values: Mapping[Pair, float | None]

    def value(self, row: int, column: int) -> float | Literal["absent"] | None:
        """Correlation of two items by position."""
        a, b = self.items[row], self.items[column]
        return self.values[a, b] if (a, b) in self.values else self.values.get((b, a), "absent")


@dataclass(frozen=True)
class _Text:
    x: float
    y: float
    text: str
    kind: str
    full: str = ""


def heatmap(matrix: Matrix, *, names: Names, key: str, title: str, desc: str) -> Markup:
    """Draw one side at the usual width.

    Args:
        matrix: Correlations, at least one item.
        names: Names and domains of items.
        key: Prefix of ids, unique on the page.
        title: Accessible name.
        desc: Accessible description.
    """
    count = len(matrix.items)
    named = count <= MOST_NAMED
    labels = _item_names(matrix, names) if named else ()
    room = min(_LABEL_ROOM, 8 + max((text_width(label, size=FONT) for label in labels), default=_LABEL_ROOM))
    cell = min(_CELL, (WIDTH - room - 1) / count)
    if named:
        texts = [*_row_names(labels, room, cell), *_column_numbers(count, cell)]
    else:
        texts = _domain_names(matrix, names, room, cell)
    if cell >= _SMALLEST_NUMBERED:
        texts += _numbers(matrix, cell)
    top = 16.0 if named else 6.0
    return render(
        "heatmap.svg.j2",
        key=key,
        title=title,
        desc=desc,
        width=WIDTH,
        height=top + cell * count + 1,
        transform=f"translate({px(room)} {px(top)}) scale({cell:.4f})",
        top=top,
        shapes=_shapes(matrix),
        shared=None,
        count=count,
        borders=_borders(matrix, names),
        texts=texts,
        wide=False,
    )


def large_heatmap(matrix: Matrix, *, names: Names, key: str, shared: str, title: str, desc: str) -> Markup:
    """Draw all names at a width that has to be scrolled; cells are those of the map with key ``shared``."""
    count = len(matrix.items)
    labels = _item_names(matrix, names)
    room = min(220.0, 8 + max(text_width(label, size=FONT) for label in labels))
    texts = [*_row_names(labels, room, _LARGE_CELL), *_column_numbers(count, _LARGE_CELL)]
    return render(
        "heatmap.svg.j2",
        key=key,
        title=title,
        desc=desc,
        width=room + _LARGE_CELL * count + 1,
        height=24.0 + _LARGE_CELL * count,
        transform=f"translate({px(room)} 22) scale({_LARGE_CELL})",
        top=22.0,
        shapes=(),
        shared=shared,
        count=count,
        borders=_borders(matrix, names),
        texts=texts,
        wide=True,
    )


def colour_scale(*, key: str) -> Markup:
    """The printed scale from -1 to 1."""
    steps = [(step + STEPS, css_class(step)) for step in range(-STEPS, STEPS + 1)]
    return render("scale.svg.j2", key=key, steps=steps, count=2 * STEPS + 1)


def _shapes(matrix: Matrix) -> tuple[tuple[str, str], ...]:
    """Class and path of the cells below the diagonal, in units of cells; the others are their mirror image."""
    paths: dict[str, list[str]] = {}
    for row in range(len(matrix.items)):
        for column in range(row):
            value = matrix.value(row, column)
            if value == "absent":
                continue
            shade = "undefined" if value is None else css_class(step_of(value))
            paths.setdefault(shade, []).append(f"M{column} {row}h1v1h-1z")
    return tuple((shade, "".join(parts)) for shade, parts in sorted(paths.items()))


def _item_names(matrix: Matrix, names: Names) -> tuple[str, ...]:
    return tuple(f"{names.item(item)} {number}" for number, item in enumerate(matrix.items, start=1))


def _row_names(labels: Sequence[str], room: float, cell: float) -> list[_Text]:
    """Names to the left of rows, on two lines where rows are high enough; the number at the end is never cut."""
    texts = []
    for row, label in enumerate(labels):
        name, _, number = label.rpartition(" ")
        cut = wrap(name, room - 8 - text_width(f" {number}"), lines=2 if cell >= _TWO_LINES else 1)
        for place, line in enumerate(cut):
            y = (row + 0.5) * cell + (place - (len(cut) - 1) / 2) * (FONT - 0.5)
            last = place == len(cut) - 1
            texts.append(_Text(-6, y, f"{line} {number}" if last else line, "row", label))
    return texts


def _column_numbers(count: int, cell: float) -> list[_Text]:
    """All numbers where the widest has room over its column, else every fifth."""
    every = 1 if text_width(str(count), size=_NUMBER_FONT) <= cell else 5
    return [_Text((n - 0.5) * cell, -5, str(n), "column") for n in range(1, count + 1) if n % every == 0]


def _domain_names(matrix: Matrix, names: Names, room: float, cell: float) -> list[_Text]:
    """Names of domains beside their rows, where they have room; numbers of items if there are no domains."""
    texts, start, free = [], 0, -1e9
    for domain, members in groupby(matrix.items, key=names.domain):
        size = sum(1 for _ in members)
        middle = (start + size / 2) * cell
        label = domain or f"items {start + 1}\N{EN DASH}{start + size}"
        if middle - FONT / 2 >= free:
            texts.append(_Text(-6, middle, fit(label, room - 8), "row", label))
            free = middle + FONT / 2
        start += size
    return texts


def _numbers(matrix: Matrix, cell: float) -> list[_Text]:
    count = len(matrix.items)
    texts = []
    for row in range(count):
        for column in range(count):
            value = matrix.value(row, column) if row != column else "absent"
            if isinstance(value, float):
                kind = f"number n{css_class(step_of(value))}"
                short = score(value).replace("0.", ".", 1)
                texts.append(_Text((column + 0.5) * cell, (row + 0.5) * cell, short, kind))
    return texts


def _borders(matrix: Matrix, names: Names) -> tuple[int, ...]:
    """Rows above which another domain begins."""
    domains = [names.domain(item) for item in matrix.items]
    return tuple(row for row in range(1, len(domains)) if domains[row] != domains[row - 1])
