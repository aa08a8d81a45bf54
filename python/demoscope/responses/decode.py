"""An engine's answer as a row of the store."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from demoscope.engines import Answer
    from demoscope.responses.cell import Cell

SUM_TOLERANCE: Final = 1e-6
"""Probabilities of one answer must sum to 1 up to this; they are then divided by their sum."""


def decode(cell: Cell, answer: Answer) -> dict[str, Any]:
    """Turn the answer to a cell into a row of ``schema.CELLS``.

    Probabilities go from displayed order to the item's own order of options.
    Probabilities that are none (a wrong number of them, negative or not finite values, a sum other than 1) make the
    status ``error`` with the reason ``bad_probabilities``: an engine that fails must not look like an opinion.

    Args:
        cell: What was asked.
        answer: What came back.
    """
    status, reason, probs = answer.status, answer.reason, None
    if status == "valid":
        probs = _probabilities(cell, answer)
        if probs is None:
            status, reason = "error", "bad_probabilities"
    mass = answer.label_mass
    return {
        "cell": cell.key,
        "model": cell.model,
        "revision": cell.revision,
        "steering": cell.steering,
        "adapter": cell.adapter,
        "profile": cell.profile,
        "item": cell.item,
        "order": cell.order,
        "presentation": cell.presentation,
        "mode": cell.request.mode,
        "prompt_hash": cell.prompt_hash,
        "status": status,
        "reason": reason,
        "probs": probs,
        "label_mass": mass if mass is not None and math.isfinite(mass) else None,
        "text": answer.text,
        "prompt_tokens": answer.prompt_tokens,
    }


def _probabilities(cell: Cell, answer: Answer) -> list[float] | None:
    """Probabilities in the item's own order, summing to 1, or ``None`` where there are none."""
    shown = answer.probs
    if shown is None or len(shown) != len(cell.codes):
        return None
    if not all(math.isfinite(part) and part >= 0 for part in shown):
        return None
    total = math.fsum(shown)
    if abs(total - 1.0) > SUM_TOLERANCE:
        return None
    by_code = dict(zip(cell.shown_codes, shown, strict=True))
    return [by_code[code] / total for code in cell.codes]
