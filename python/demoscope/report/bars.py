"""Distributions of one item: bars of people and of the model over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from demoscope.report.canvas import FONT, WIDTH, Scale, Tick, fit, px, render, text_width, wrap
from demoscope.report.words import finite, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

MOST_LABELLED: Final = 14
"""With more options the large figure has no room for their labels and shows columns."""

_LABEL_ROOM: Final = 132
_NUMBERS_ROOM: Final = 96
_ROOM_FOR_ROWS: Final = 220
_LOWEST_ROW: Final = 28
_HIGHEST_ROW: Final = 40
_SMALL_WIDTH: Final = 168
_SMALL_HEIGHT: Final = 76
_NARROWEST_WITH_WHISKER: Final = 5


@dataclass(frozen=True)
class Distribution:
    """Shares of the options of one item on both sides.

    Attributes:
        labels: Options in the order of the scale, length K.
        human, model: Shares, length K or empty where a side has no answers.
        low, high: 95 % interval of the human shares, length K or empty.
    """

    labels: tuple[str, ...]
    human: tuple[float | None, ...]
    model: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], labels: Sequence[str]) -> Distribution:
        """From a row of the table of marginals."""

        def shares(name: str) -> tuple[float | None, ...]:
            values = row.get(name)
            return tuple(finite(value) for value in values) if isinstance(values, list) else ()

        return cls(
            tuple(labels), shares("human_shares"), shares("model_shares"), shares("human_low"), shares("human_high")
        )

    @property
    def options(self) -> tuple[_Option, ...]:
        """One entry per option; what is absent is ``None``."""

        def at(values: tuple[float | None, ...], n: int) -> float | None:
            return values[n] if n < len(values) else None

        return tuple(
            _Option(label, at(self.human, n), at(self.model, n), at(self.low, n), at(self.high, n))
            for n, label in enumerate(self.labels)
        )

    @property
    def highest(self) -> float:
        """The largest share or end of an interval, at least 0.05."""
        return (
            max((value for value in (*self.human, *self.model, *self.high) if value is not None), default=0.0) or 0.05
        )


@dataclass(frozen=True)
class _Option:
    label: str
    human: float | None
    model: float | None
    low: float | None
    high: float | None

    @property
    def words(self) -> str:
        """Both shares as a sentence."""
        return f"{self.label}: people {share(self.human)}, model {share(self.model)}"


@dataclass(frozen=True)
class _Row:
    """One horizontal pair of bars, in pixels."""

    top: float
    lines: tuple[str, ...]
    words: str
    human: float | None
    model: float | None
    low: float | None
    high: float | None
    human_share: str
    model_share: str


def bars(distribution: Distribution, *, key: str, title: str) -> Markup:
    """Draw one item large, options from top to bottom with their labels, human intervals as whiskers."""
    options = distribution.options
    if len(options) > MOST_LABELLED:
        return columns(distribution, key=key, title=title, width=WIDTH, height=260)
    room = min(_LABEL_ROOM, 8 + max(text_width(option.label) for option in options))
    scale = Scale(0, min(1.0, distribution.highest * 1.04), room, WIDTH - _NUMBERS_ROOM)
    height = max(_LOWEST_ROW, min(_HIGHEST_ROW, _ROOM_FOR_ROWS / len(options)))
    rows = tuple(
        _Row(
            top=18 + number * height,
            lines=wrap(option.label, room - 8),
            words=option.words,
            human=None if option.human is None else scale(option.human),
            model=None if option.model is None else scale(option.model),
            low=None if option.low is None else scale(option.low),
            high=None if option.high is None else scale(option.high),
            human_share=_brief(option.human),
            model_share=_brief(option.model),
        )
        for number, option in enumerate(options)
    )
    return render(
        "bars.svg.j2",
        key=key,
        title=title,
        desc="; ".join(option.words for option in options),
        width=WIDTH,
        height=18 + height * len(rows) + 22,
        row=height,
        start=room,
        foot=18 + height * len(rows),
        rows=rows,
        ticks=tuple(Tick(tick.at, share(float(tick.label))) for tick in scale.ticks(most=4)),
        human_at=WIDTH - 50,
        model_at=WIDTH - 2,
    )


def columns(
    distribution: Distribution, *, key: str, title: str, width: float = _SMALL_WIDTH, height: float = _SMALL_HEIGHT
) -> Markup:
    """Draw one item small, options from left to right; only the ends of the scale are named."""
    options = distribution.options
    foot = height - 14
    scale = Scale(0, distribution.highest * 1.02, foot, 2)
    step = width / max(1, len(options))
    shapes: dict[str, list[str]] = {"human": [], "model": [], "whisker": []}
    for number, option in enumerate(options):
        left, middle = number * step, (number + 0.5) * step
        if option.human is not None:
            shapes["human"].append(_box(left + 0.08 * step, scale(option.human), 0.84 * step, foot))
        if option.model is not None:
            shapes["model"].append(_box(middle - 0.2 * step, scale(option.model), 0.4 * step, foot))
        if option.low is not None and option.high is not None and step >= _NARROWEST_WITH_WHISKER:
            at = left + 0.18 * step
            shapes["whisker"].append(f"M{px(at)} {px(scale(option.low))}V{px(scale(option.high))}")
    ends = (distribution.labels[0], distribution.labels[-1]) if len(options) > 1 else (*distribution.labels, "")
    return render(
        "columns.svg.j2",
        key=key,
        title=title,
        desc="; ".join(option.words for option in options),
        width=width,
        height=height,
        foot=foot,
        shapes={name: "".join(parts) for name, parts in shapes.items()},
        first=fit(ends[0], width / 2 - 4, size=_END_FONT),
        last=fit(ends[1], width / 2 - 4, size=_END_FONT),
    )


_END_FONT: Final = FONT - 2


def _box(left: float, top: float, width: float, foot: float) -> str:
    return f"M{px(left)} {px(foot)}V{px(top)}h{px(width)}V{px(foot)}z"


def _brief(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else share(value)
