"""Verdicts as lines on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demoscope.scores import Verdict


def verdict_line(verdict: Verdict, *, unnamed: str = "") -> str:
    """The name of a model, its headline, and the interviews that independent items would be worth.

    Args:
        verdict: What is said of the model.
        unnamed: Name of a model that no column names.
    """
    line = f"{' / '.join(verdict.group.values()) or unnamed}: {verdict.headline}"
    independent = verdict.numbers.get("interviews_independence")
    if independent is None:
        return line
    return f"{line} (independent items: {f'{independent:,.0f}' if independent >= 1 else 'less than 1'})"
