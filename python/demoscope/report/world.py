"""The culture map as a scatter plot: where people of each country are, and where the model puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demoscope.report.canvas import Scale, fit, render, text_width
from demoscope.report.words import score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

WIDTH: Final = 920
_HEIGHT: Final = 760
_LEFT: Final = 34
_RIGHT: Final = 10
_TOP: Final = 24
_FOOT: Final = 44
_NAME: Final = 10.5
_LONGEST: Final = 110
_WAY: Final = 13.0
_LIMIT: Final = 6.0
"""Places farther out than this many standard deviations are drawn at the edge."""

Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Place:
    """One side of a country.

    Attributes:
        x: Position to the right.
        y: Position upward.
        x_ends: 95 % interval of x.
        y_ends: 95 % interval of y.
    """

    x: float
    y: float
    x_ends: Ends = (None, None)
    y_ends: Ends = (None, None)


@dataclass(frozen=True)
class Country:
    """One country.

    Attributes:
        name: Its name.
        human: Where its people are.
        model: Where the model puts them, if it has all indicators there.
    """

    name: str
    human: Place
    model: Place | None


@dataclass(frozen=True)
class Direction:
    """One axis in words.

    Attributes:
        low: Its low end.
        high: Its high end.
    """

    low: str
    high: str


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class _Oval:
    kind: str
    x: float
    y: float
    rx: float
    ry: float


@dataclass(frozen=True)
class _Label:
    x: float
    y: float
    anchor: str
    text: str
    full: str


@dataclass(frozen=True)
class _Drawn:
    words: str
    human: tuple[float, float]
    model: tuple[float, float] | None


def world(countries: Sequence[Country], *, right: Direction, up: Direction, key: str, title: str) -> tuple[Markup, int]:
    """Draw the map.

    Names stand beside the dots of people where they have room.

    Args:
        countries: At least one.
        right: Axis to the right.
        up: Axis upward.
        key: Prefix of ids, unique on the page.
        title: Accessible name.

    Returns:
        The figure, and how many countries have no name on it.
    """
    right, up = (_fitted(ends) for ends in (right, up))
    places = [place for one in countries for place in (one.human, one.model) if place is not None]
    x = Scale(*_range(place.x for place in places), _LEFT, WIDTH - _RIGHT)
    y = Scale(*_range(place.y for place in places), _HEIGHT - _FOOT, _TOP)

    def at(place: Place) -> tuple[float, float]:
        return x(place.x), y(place.y)

    drawn = [_Drawn(_words(one), at(one.human), at(one.model) if one.model else None) for one in countries]
    labels = _labels(countries, drawn, corner=text_width(up.low, size=_WAY) + 20)
    figure = render(
        "world.svg.j2",
        key=key,
        title=title,
        desc=" ".join(f"{one.words}." for one in drawn),
        width=WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right_end=WIDTH - _RIGHT,
        top=_TOP,
        foot=_HEIGHT - _FOOT,
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        right=right,
        up=up,
        ovals=[
            _Oval(kind, *at(place), _reach(place.x_ends, x), _reach(place.y_ends, y))
            for one in countries
            for kind, place in (("human", one.human), ("model", one.model))
            if place is not None and None not in (*place.x_ends, *place.y_ends)
        ],
        countries=drawn,
        labels=labels,
    )
    return figure, len(countries) - len(labels)


def _fitted(ends: Direction) -> Direction:
    """Words that leave room for each other, in bold."""
    low, high = (fit(text, 0.45 * (WIDTH - _LEFT), size=_WAY) for text in (ends.low, ends.high))
    return Direction(low, high)


def _range(values: Iterable[float]) -> tuple[float, float]:
    """From one end to the other with some room, at least two standard deviations of people to either side."""
    found = [max(-_LIMIT, min(_LIMIT, value)) for value in values]
    return min(-2.0, min(found) - 0.25), max(2.0, max(found) + 0.25)


def _reach(ends: Ends, scale: Scale) -> float:
    low, high = ends
    assert low is not None
    assert high is not None
    return abs(scale(high) - scale(low)) / 2


def _labels(countries: Sequence[Country], drawn: Sequence[_Drawn], *, corner: float) -> list[_Label]:
    """Names beside dots of people, those in crowds first, where they meet no dot and no other name.

    What is left stands where it meets no name and no dot of people, over a dot of the model if need be.
    The lower left corner, ``corner`` wide, is taken by the words for the low end of the axis upward.
    """
    people = [_around(one.human) for one in drawn]
    models = [_around(one.model) for one in drawn if one.model is not None]
    taken = [_Box(_LEFT, _HEIGHT - _FOOT - 18, _LEFT + corner, _HEIGHT - _FOOT)]
    labels: dict[int, _Label] = {}
    crowds = sorted(range(len(drawn)), key=lambda n: -_neighbours(drawn, n))
    for dots in ((*people, *models), people):
        for n in crowds:
            own = _around(drawn[n].human)
            if n not in labels and (
                found := _label(countries[n].name, drawn[n].human, [*taken, *(dot for dot in dots if dot != own)])
            ):
                labels[n], box = found
                taken.append(box)
    return [labels[n] for n in sorted(labels)]


def _label(name: str, dot: tuple[float, float], obstacles: Sequence[_Box]) -> tuple[_Label, _Box] | None:
    """The first place around a dot where a name fits."""
    text = fit(name, _LONGEST, size=_NAME)
    width, half = text_width(text, size=_NAME), _NAME / 2 + 0.5
    for anchor, dx, dy in _AROUND:
        x, y = dot[0] + dx, dot[1] + dy
        left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
        box = _Box(left, y - half, left + width, y + half)
        inside = box.left >= _LEFT and box.right <= WIDTH and box.top >= _TOP and box.bottom <= _HEIGHT - _FOOT
        if inside and not any(box.meets(other) for other in obstacles):
            return _Label(x, y, anchor, text, name), box
    return None


_AROUND: Final = (
    ("start", 7.0, 0.0),
    ("end", -7.0, 0.0),
    ("middle", 0.0, -11.0),
    ("middle", 0.0, 11.0),
    ("start", 5.0, -9.0),
    ("start", 5.0, 9.0),
    ("end", -5.0, -9.0),
    ("end", -5.0, 9.0),
    ("middle", 0.0, -20.0),
    ("middle", 0.0, 20.0),
)


def _around(place: tuple[float, float]) -> _Box:
    return _Box(place[0] - 4, place[1] - 4, place[0] + 4, place[1] + 4)


def _neighbours(drawn: Sequence[_Drawn], n: int) -> int:
    x, y = drawn[n].human
    return sum(abs(one.human[0] - x) < 60 and abs(one.human[1] - y) < 30 for one in drawn)


def _words(one: Country) -> str:
    people = f"{one.name}: people at {score(one.human.x)} to the right and {score(one.human.y)} up"
    return people if one.model is None else f"{people}, the model at {score(one.model.x)} and {score(one.model.y)}"
