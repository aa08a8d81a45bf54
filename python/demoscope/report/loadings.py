"""Loadings as a strip of colours: items by factors, people on the left, the model on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demoscope.report.canvas import FONT, WIDTH, fit, px, render, text_width
from demoscope.report.palette import css_class, step_of
from demoscope.report.words import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names

MOST_SHOWN: Final = 40
"""With more items the strip is too long to stand beside a table."""

_LABEL_ROOM: Final = 150
"""What names of items get at least where they need it."""

_GAP: Final = 12
_TOP: Final = 32
_ROW: Final = 16
_WIDEST: Final = 34
_NUMBERED: Final = 24


@dataclass(frozen=True)
class Loadings:
    """Loadings of one item on k factors.

    Attributes:
        item: Its id.
        human: Loadings of people.
        model: Loadings of the model.
    """

    item: str
    human: tuple[float, ...]
    model: tuple[float, ...]


@dataclass(frozen=True)
class _Cell:
    x: float
    y: float
    shade: str
    number: str


@dataclass(frozen=True)
class _Label:
    y: float
    text: str
    full: str


def strip(rows: Sequence[Loadings], *, names: Names, key: str, title: str, desc: str) -> Markup:
    """Draw the strip.

    Args:
        rows: At least one item, all with the same number of factors.
        names: Names and domains of items.
        key: Prefix of ids, unique on the page.
        title: Accessible name.
        desc: Accessible description.
    """
    factors = len(rows[0].human)
    labels = [names.item(row.item) for row in rows]
    most = max(_LABEL_ROOM, WIDTH - _GAP - 2 * factors * _WIDEST)
    room = min(most, 8 + max(text_width(label) for label in labels))
    cell = min(_WIDEST, (WIDTH - room - _GAP) / (2 * factors))
    starts = (room, room + factors * cell + _GAP)
    cells = [
        _Cell(start + f * cell, _TOP + n * _ROW, css_class(step_of(value)), _number(value) if cell >= _NUMBERED else "")
        for n, row in enumerate(rows)
        for start, values in zip(starts, (row.human, row.model), strict=True)
        for f, value in enumerate(values)
    ]
    domains = [names.domain(row.item) for row in rows]
    every = 1 if cell >= text_width(str(factors), size=10.5) else 2
    return render(
        "loadings.svg.j2",
        key=key,
        title=title,
        desc=desc,
        width=WIDTH,
        height=_TOP + _ROW * len(rows) + 2,
        cell=cell,
        row=_ROW,
        room=room,
        end=starts[1] + factors * cell,
        cells=cells,
        sides=[
            ("human", "People", starts[0] + factors * cell / 2),
            ("model", "Model", starts[1] + factors * cell / 2),
        ],
        heads=[(str(f + 1), start + (f + 0.5) * cell) for start in starts for f in range(0, factors, every)],
        labels=[
            _Label(_TOP + (n + 0.5) * _ROW, fit(label, room - 8, size=FONT), label) for n, label in enumerate(labels)
        ],
        borders=[_TOP + n * _ROW for n in range(1, len(rows)) if domains[n] != domains[n - 1]],
        px=px,
    )


def _number(value: float) -> str:
    return score(value).replace("0.", ".", 1)
