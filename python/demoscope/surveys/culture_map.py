"""A map of cultures: which indicators place a country on which of two axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from demoscope.config import Settings
from demoscope.surveys.item import Identifier, repeated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demoscope.surveys.item import Item

Number = Annotated[float, Field(allow_inf_nan=False)]


class Indicator(Settings):
    """One number about a country: the sum over some items of the mean score of their answers.

    Attributes:
        id: Its name in tables.
        label: Its name for readers.
        axis: The axis that it belongs to.
        high: 1 where high values lie at the high end of the axis, else -1.
        scores: Item to code to score; all codes of each item.
    """

    id: Identifier
    label: str = Field(min_length=1)
    axis: Identifier
    high: Literal[1, -1] = 1
    scores: dict[str, dict[int, Number]] = Field(min_length=1)


class CultureMap(Settings):
    """Two axes, and the indicators that they are made of.

    Attributes:
        title: Name for readers.
        low: Axis to the words for its low end.
        high: Axis to the words for its high end; the first axis runs upward, the second to the right.
        indicators: At least two for each axis.
    """

    title: str = Field(min_length=1)
    low: dict[Identifier, str]
    high: dict[Identifier, str]
    indicators: tuple[Indicator, ...] = Field(min_length=4)

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes: upward, and to the right."""
        upward, rightward = self.high
        return upward, rightward

    @model_validator(mode="after")
    def _has_two_axes(self) -> CultureMap:
        if len(self.high) != 2 or set(self.low) != set(self.high):
            raise ValueError("low and high name the ends of the same two axes")
        for indicator in self.indicators:
            if indicator.axis not in self.high:
                raise ValueError(f"indicator {indicator.id!r}: no axis is called {indicator.axis!r}")
        for axis in self.high:
            if sum(indicator.axis == axis for indicator in self.indicators) < 2:
                raise ValueError(f"axis {axis!r} has fewer than two indicators")
        if twice := repeated(indicator.id for indicator in self.indicators):
            raise ValueError(f"two indicators are called {twice[0]!r}")
        return self

    def problems(self, items: Iterable[Item]) -> Iterable[str]:
        """What of the scores does not fit the items of a survey."""
        known = {item.id: set(item.codes) for item in items}
        for indicator in self.indicators:
            for name, scores in indicator.scores.items():
                if name not in known:
                    yield f"culture_map: indicator {indicator.id!r} scores {name!r}, no item of this survey"
                elif set(scores) != known[name]:
                    codes = ", ".join(map(str, sorted(known[name])))
                    yield f"culture_map: indicator {indicator.id!r} has to score the codes {codes} of {name!r}"
