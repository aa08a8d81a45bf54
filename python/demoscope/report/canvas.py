"""What all figures share: templates, fitting of text, scales and ticks.

Figures are SVG in units of CSS pixels at their natural width of 390, so that they stay readable on a phone.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

WIDTH: Final = 390
FONT: Final = 12
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("demoscope.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["px"] = px
    return environment


def render(template: str, **values: object) -> Markup:
    """Fill a template of this package; every value is escaped unless it is :class:`Markup` already."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - autoescaped


def px(number: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def text_width(text: str, *, size: float = FONT) -> float:
    """Estimated width of a line, in the unit of ``size``: no font is measured, a wide sans-serif one is assumed."""
    return size * sum(_character_width(character) for character in text)


def _character_width(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "MWmw@%":
        return 0.96
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.4
    return 0.71 if character.isupper() else 0.63


def fit(text: str, width: float, *, size: float = FONT) -> str:
    """``text``, cut with an ellipsis where it is estimated wider than ``width``."""
    if text_width(text, size=size) <= width:
        return text
    room = width - text_width(ELLIPSIS, size=size)
    kept = 0
    for character in text:
        room -= text_width(character, size=size)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS


def wrap(text: str, width: float, *, lines: int = 2, size: float = FONT) -> tuple[str, ...]:
    """``text`` on at most ``lines`` lines, the last one cut if need be."""
    words = text.split(" ")
    found: list[str] = []
    while words and len(found) < lines - 1 and text_width(" ".join(words), size=size) > width:
        taken = 1
        while taken < len(words) and text_width(" ".join(words[: taken + 1]), size=size) <= width:
            taken += 1
        found.append(fit(" ".join(words[:taken]), width, size=size))
        words = words[taken:]
    return (*found, fit(" ".join(words), width, size=size)) if words else tuple(found)


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Values to places.

    Attributes:
        low, high: Ends of the axis, in values.
        start, end: Ends of the axis, in pixels.
        log: Whether equal steps are equal ratios; then ``low`` is positive.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Place of a value; values beyond an end lie on it."""
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, *, most: int = 6) -> tuple[Tick, ...]:
        """Round values between both ends."""
        if self.log:
            return tuple(Tick(self(v), f"{v:,}") for v in _decades(self.low, self.high))
        step = _round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return tuple(Tick(self(n * step), f"{n * step:.{decimals}f}") for n in range(first, last + 1))


def _decades(low: float, high: float) -> list[int]:
    found, value = [], 1
    while value <= high * (1 + 1e-9):
        if value >= low:
            found.append(value)
        value *= 10
    return found


def _round_step(rough: float) -> float:
    magnitude: float = 10.0 ** math.floor(math.log10(rough))
    return next(magnitude * nice for nice in (1, 2, 5, 10) if magnitude * nice >= rough * (1 - 1e-9))
