"""Numbers and names as text, the same way everywhere on the page."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

UNDEFINED: Final = "not defined"

# These reorder or overwrite what stands around them; a label must not change how the rest of a line reads.
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def clean(text: object) -> str:
    """One line of visible text: white space collapsed, controls and lone surrogates replaced, blank text named."""
    shown = "".join(_visible(character) for character in str(text))
    return " ".join(shown.split()) or "(blank)"


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    if character in _REORDERING or unicodedata.category(character) in ("Cc", "Cs"):
        return _REPLACEMENT
    return character


def finite(value: object) -> float | None:
    """``value`` as a number, or ``None`` where it is null, NaN or infinite."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def score(value: object) -> str:
    """A score with two decimals."""
    number = finite(value)
    if number is None:
        return UNDEFINED
    text = f"{number:.2f}"
    return "0.00" if text == "-0.00" else text


def count(value: object) -> str:
    """A count without decimals, thousands separated."""
    number = finite(value)
    return UNDEFINED if number is None else f"{number:,.0f}"


def share(value: object) -> str:
    """A share as a percentage without decimals."""
    number = finite(value)
    return UNDEFINED if number is None else f"{round(100 * number)}\N{NO-BREAK SPACE}%"


def p_value(value: object) -> str:
    """A p value with three decimals."""
    number = finite(value)
    if number is None:
        return UNDEFINED
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def estimate(
    row: Mapping[str, Any], name: str, *, ends: str | None = None
) -> tuple[float | None, float | None, float | None]:
    """A score of a row with the ends of its interval.

    Args:
        row: Row of a score table.
        name: Column of the score.
        ends: What the columns of the ends are called, before ``_low`` and ``_high``, if not as the score.
    """
    ends = name if ends is None else ends
    return finite(row.get(name)), finite(row.get(f"{ends}_low")), finite(row.get(f"{ends}_high"))


def with_interval(row: Mapping[str, Any], name: str, *, ends: str | None = None) -> str:
    """The score in column ``name`` of a row with its 95 % interval in brackets; see :func:`estimate`."""
    value, low, high = estimate(row, name, ends=ends)
    if value is None:
        return UNDEFINED
    if low is None or high is None:
        return score(value)
    return f"{score(value)} [{score(low)}, {score(high)}]"


def interviews(row: Mapping[str, Any], name: str = "interviews", *, most: object = None) -> str:
    """A number of interviews with its interval; "more than n" where it is cut off at the number of people.

    Args:
        row: Row of a score table.
        name: Column; ``name + "_censored"`` says whether it is cut off.
        most: Number of people, where intervals are cut off too.
    """
    value, low, high = estimate(row, name)
    if value is None:
        return UNDEFINED
    limit = finite(most)

    def end(number: float) -> str:
        return f"more than {count(limit)}" if limit is not None and number >= limit else interview_count(number)

    text = f"more than {count(value)}" if row.get(f"{name}_censored") else interview_count(value)
    return text if low is None or high is None else f"{text} [{end(low)}, {end(high)}]"


def interview_count(number: float) -> str:
    """A number of interviews, "less than 1" below one."""
    return "less than 1" if number < 1 else count(number)


def country_name(country: object) -> str:
    """Name of a country, or of all of them together."""
    return "all countries" if country == ALL else clean(country)


def group_name(group: Mapping[str, object]) -> str:
    """Name of the answers of one model: the values that tell it apart."""
    return " · ".join(clean(value) for value in group.values()) or "the model"


def sentence(text: str) -> str:
    """``text`` with a capital letter in front."""
    return text[:1].upper() + text[1:]


def listed(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
