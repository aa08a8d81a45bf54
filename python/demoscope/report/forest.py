"""Forest plots: estimates with their 95 % intervals, one row each, on a common axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from demoscope.report.canvas import FONT, WIDTH, Scale, render, text_width, wrap
from demoscope.report.words import UNDEFINED, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

Kind = Literal["human", "model", "reference", "chance", "floor"]

_ROW: Final = 24
_ROW_OF_TWO: Final = 31
_TALL_ROW: Final = 40
_NARROWEST: Final = 120
_MARGIN: Final = 8


@dataclass(frozen=True)
class Mark:
    """One estimate.

    Attributes:
        kind: What it is of; decides colour and shape.
        value: The estimate, ``None`` where it is not defined (then nothing is drawn).
        low, high: Its 95 % interval, ``None`` where there is none.
        beyond: Whether the true value may be anything above ``value``; drawn as an arrow.
    """

    kind: Kind
    value: float | None
    low: float | None = None
    high: float | None = None
    beyond: bool = False

    @classmethod
    def of(cls, kind: Kind, row: Mapping[str, Any], name: str, *, ends: str | None = None) -> Mark:
        """A score of a row; see :func:`demoscope.report.words.estimate`."""
        value, low, high = estimate(row, name, ends=ends)
        return cls(kind, value, low, high, beyond=bool(row.get(f"{name}_censored")))


@dataclass(frozen=True)
class Row:
    """One line of the plot.

    Attributes:
        label: What stands to the left, or above where rows are tall.
        marks: Estimates, later ones over earlier ones.
        text: Values in words, to the right.
        strong: Whether it is a summary.
        apart: Whether a line separates it from the rows above.
    """

    label: str
    marks: tuple[Mark, ...]
    text: str
    strong: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Axis:
    """The common axis.

    Attributes:
        low, high: Values that are always shown.
        lowest, highest: Values beyond which nothing is shown; what lies there gets an arrow at the edge.
        lines: Values marked by a line, such as 0 and 1.
        log: Whether it is logarithmic.
    """

    low: float = 0.0
    high: float = 1.0
    lowest: float = -1.0
    highest: float = 2.0
    lines: tuple[float, ...] = (0.0, 1.0)
    log: bool = False


@dataclass(frozen=True)
class _Drawn:
    kind: Kind
    at: float
    low: float | None
    high: float | None
    arrow: Literal["", "left", "right"]


@dataclass(frozen=True)
class _Line:
    label: tuple[str, ...]
    full: str
    text: str
    strong: bool
    apart: bool
    top: float
    y: float
    marks: tuple[_Drawn, ...]


def forest(rows: Sequence[Row], *, axis: Axis, key: str, title: str, desc: str, tall: bool = False) -> Markup:
    """Draw the plot.

    Args:
        rows: From top to bottom, at least one.
        axis: Common axis.
        key: Prefix of ids, unique on the page.
        title: Accessible name.
        desc: Accessible description; the rows in words are added.
        tall: Whether labels stand above their marks, for long ones.
    """
    text_room = max((_bolder(row) * text_width(row.text, size=FONT - 1) for row in rows), default=0.0)
    if tall:
        scale = _scale(rows, axis, start=_MARGIN, end=WIDTH - _MARGIN)
        label_room = WIDTH - text_room - 12
    else:
        end = WIDTH - text_room - 2 * _MARGIN
        label_room = min(end - _NARROWEST, 6 + max(_bolder(row) * text_width(row.label) for row in rows))
        scale = _scale(rows, axis, start=label_room + _MARGIN, end=end)
    labels = [wrap(row.label, (label_room - 4) / _bolder(row), lines=1 if tall else 2) for row in rows]
    height = _TALL_ROW if tall else _ROW_OF_TWO if any(len(label) > 1 for label in labels) else _ROW
    lines = tuple(
        _Line(
            label=label,
            full="" if " ".join(label) == row.label else row.label,
            text=row.text,
            strong=row.strong,
            apart=row.apart,
            top=6 + number * height,
            y=6 + number * height + (28 if tall else height / 2),
            marks=tuple(_drawn(mark, scale, axis) for mark in row.marks if mark.value is not None),
        )
        for number, (row, label) in enumerate(zip(rows, labels, strict=True))
    )
    foot = 6.0 + height * len(rows)
    return render(
        "forest.svg.j2",
        key=key,
        title=title,
        desc=" ".join([desc, *(f"{row.label}: {row.text or UNDEFINED}." for row in rows)]),
        width=WIDTH,
        height=foot + 22,
        foot=foot,
        lines=lines,
        tall=tall,
        start=scale.start,
        end=scale.end,
        ticks=scale.ticks(most=5),
        guides=[scale(value) for value in axis.lines if scale.low <= value <= scale.high],
    )


def _bolder(row: Row) -> float:
    """How much wider the text of a row is for being bold."""
    return 1.12 if row.strong else 1.0


def _scale(rows: Iterable[Row], axis: Axis, *, start: float, end: float) -> Scale:
    ends = [v for row in rows for mark in row.marks for v in (mark.value, mark.low, mark.high) if v is not None]
    low = max(axis.lowest, min([axis.low, *ends]))
    high = min(axis.highest, max([axis.high, *ends]))
    return Scale(low, high, start, end, log=axis.log)


def _drawn(mark: Mark, scale: Scale, axis: Axis) -> _Drawn:
    assert mark.value is not None
    arrow: Literal["", "left", "right"] = ""
    if mark.beyond or mark.value > axis.highest:
        arrow = "right"
    elif mark.value < axis.lowest:
        arrow = "left"
    low = None if mark.low is None else scale(mark.low)
    high = None if mark.high is None else scale(mark.high)
    return _Drawn(mark.kind, scale(mark.value), low, high, arrow)
