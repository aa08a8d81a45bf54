"""Colours of correlations: purple (-1) over neutral (0) to green (1), in both colour schemes.

Purple against green keeps its two sides apart in all common forms of colour blindness, and is not used for anything
else on the page: people are blue-grey and models orange throughout.
"""

from __future__ import annotations

from typing import Final

STEPS: Final = 20
"""Colours on each side of zero: correlations are coloured in steps of 0.05."""

_Colour = tuple[float, float, float]

_STOPS: Final[dict[str, tuple[_Colour, ...]]] = {
    "light": ((64, 10, 90), (158, 112, 188), (246, 245, 243), (96, 174, 134), (0, 73, 46)),
    "dark": ((229, 199, 247), (147, 92, 184), (38, 43, 49), (56, 139, 100), (190, 240, 210)),
}
# Black or white reads on any colour: the better of the two has a contrast of at least 4.58.
_INK: Final[tuple[_Colour, ...]] = ((0, 0, 0), (255, 255, 255))


def step_of(correlation: float) -> int:
    """Number of the colour of a correlation, -20 to 20."""
    return round(max(-1.0, min(1.0, correlation)) * STEPS)


def css_class(step: int) -> str:
    """Class of cells of that colour; the class of a number on it is the same with ``n`` in front."""
    return f"m{-step}" if step < 0 else f"c{step}"


def stylesheet() -> str:
    """Rules for all colours, light ones first."""
    dark = "".join(_rules("dark"))
    return f"{''.join(_rules('light'))}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _rules(scheme: str) -> list[str]:
    rules = []
    for step in range(-STEPS, STEPS + 1):
        colour = _colour(scheme, step)
        ink = max(_INK, key=lambda candidate: contrast(candidate, colour))
        name = css_class(step)
        rules.append(f".{name}{{fill:{_hex(colour)}}}.n{name}{{fill:{_hex(ink)}}}\n")
    return rules


def _colour(scheme: str, step: int) -> _Colour:
    stops = _STOPS[scheme]
    place = (step + STEPS) / (2 * STEPS) * (len(stops) - 1)
    below = min(int(place), len(stops) - 2)
    share = place - below
    low, high = stops[below], stops[below + 1]
    return (
        low[0] + share * (high[0] - low[0]),
        low[1] + share * (high[1] - low[1]),
        low[2] + share * (high[2] - low[2]),
    )


def _hex(colour: _Colour) -> str:
    return "#" + "".join(f"{round(channel):02x}" for channel in colour)


def contrast(one: _Colour, other: _Colour) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: _Colour) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
