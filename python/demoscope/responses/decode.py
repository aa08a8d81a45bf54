"""An engine's answer as a row of the store."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from demoscope.responses.reading import read_distribution, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.engines import Answer
    from demoscope.responses.cell import Cell
    from demoscope.schema import AnswerStatus

SUM_TOLERANCE: Final = 1e-6
"""Probabilities of one answer must sum to 1 up to this; they are then divided by their sum."""


Reading: TypeAlias = "tuple[AnswerStatus, str | None, int | None, list[float] | None]"
"""Status, reason, code, probabilities."""


def decode(cell: Cell, answer: Answer) -> dict[str, Any]:
    """Turn the answer to a cell into a row of ``schema.CELLS``.

    Probabilities go from displayed order to the item's own order of options, and a label or text becomes a code.
    Probabilities that are none (a wrong number of them, negative or not finite values, a sum other than 1) make the
    status ``error`` with the reason ``bad_probabilities``: an engine that fails must not look like an opinion.
    A text that names no option, or not clearly one, stays without a code and says why.

    Args:
        cell: What was asked.
        answer: What came back.
    """
    status, reason, code, probs = answer.status, answer.reason, None, None
    if status == "valid":
        status, reason, code, probs = _READERS[cell.way.mode](cell, answer)
    return {
        "cell": cell.key,
        "model": cell.way.model,
        "revision": cell.way.revision,
        "steering": cell.way.steering,
        "adapter": cell.audience.adapter,
        "profile": cell.audience.profile,
        "persona_id": cell.audience.persona_id,
        "item": cell.item.id,
        "wording": cell.display.wording,
        "language": cell.display.language,
        "order": cell.display.order,
        "presentation": cell.way.presentation,
        "mode": cell.way.mode,
        "draw": cell.audience.draw,
        "prompt_hash": cell.prompt_hash,
        "status": status,
        "reason": reason,
        "code": code,
        "probs": probs,
        "label_mass": _finite(answer.label_mass),
        "unseen_mass": _finite(answer.unseen_mass) if cell.way.mode == "logprobs" else None,
        "text": answer.text,
        "thought": answer.thought,
        "prompt_tokens": answer.prompt_tokens,
        "output_tokens": answer.output_tokens,
    }


def _scored(cell: Cell, answer: Answer) -> Reading:
    probs = None if answer.probs is None else _in_own_order(cell, answer.probs)
    return ("valid", None, None, probs) if probs is not None else ("error", "bad_probabilities", None, None)


def _chosen(cell: Cell, answer: Answer) -> Reading:
    if answer.text not in cell.question.labels:
        return "invalid", "invalid_key", None, None
    return "valid", None, cell.question.codes[cell.question.labels.index(answer.text)], None


def _written(cell: Cell, answer: Answer) -> Reading:
    question = cell.question
    reading = read_text(answer.text or "", labels=question.labels, options=question.options, truncated=answer.truncated)
    code = None if reading.option is None else question.codes[reading.option]
    return reading.status, reading.reason, code, None


def _verbalized(cell: Cell, answer: Answer) -> Reading:
    question = cell.question
    reading = read_distribution(
        answer.text or "", labels=question.labels, options=question.options, truncated=answer.truncated
    )
    return reading.status, reading.reason, None, None if reading.probs is None else _in_own_order(cell, reading.probs)


_READERS: Final = {"logprobs": _scored, "choice": _chosen, "text": _written, "verbalized": _verbalized}


def _in_own_order(cell: Cell, shown: Sequence[float]) -> list[float] | None:
    """Probabilities in the item's own order, summing to 1, or ``None`` where they are none."""
    codes = cell.item.codes
    if len(shown) != len(codes) or not all(math.isfinite(part) and part >= 0 for part in shown):
        return None
    total = math.fsum(shown)
    if abs(total - 1.0) > SUM_TOLERANCE:
        return None
    by_code = dict(zip(cell.question.codes, shown, strict=True))
    return [by_code[code] / total for code in codes]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
