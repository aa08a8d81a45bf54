"""From log-probabilities of labels to answers: renormalised, or drawn from."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from demoscope.engines.base import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.engines.base import Sampling


def label_answer(
    key: str, logprobs: Sequence[float], *, prompt_tokens: int, output_tokens: int = 0, thought: str | None = None
) -> Answer:
    """Renormalise over the labels; what they weigh together stays as ``label_mass``.

    Args:
        key: That of the request.
        logprobs: Natural log of the probability of each label over all continuations.
        prompt_tokens: Length of the prompt.
        output_tokens: Length of what was written before the label.
        thought: What was thought before it.

    Returns:
        An answer with ``probs``; status ``error`` with the reason ``not_a_number`` if one is NaN, and ``invalid`` with
        ``no_label_mass`` if no label has any probability.
    """
    blank = Answer(key, "error", thought=thought, prompt_tokens=prompt_tokens, output_tokens=output_tokens)
    if any(math.isnan(value) for value in logprobs):
        return replace(blank, reason="not_a_number")
    masses = [math.exp(value) for value in logprobs]
    mass = math.fsum(masses)
    if mass == 0.0:
        return replace(blank, status="invalid", reason="no_label_mass", label_mass=0.0)
    return replace(
        blank,
        status="valid",
        probs=tuple(part / mass for part in masses),
        label_mass=min(mass, 1.0),  # single precision: the sum may pass 1 by a rounding
    )


def shares_of(logprobs: Sequence[float]) -> list[float]:
    """The distribution over alternatives, however small all of them are; alike where all are impossible."""
    best = max(logprobs)
    masses = [math.exp(value - best) if math.isfinite(best) else 1.0 for value in logprobs]
    mass = math.fsum(masses)
    return [part / mass for part in masses]


def tempered(probs: Sequence[float], sampling: Sampling) -> list[float]:
    """What is drawn from at a temperature and with a nucleus.

    Args:
        probs: A distribution.
        sampling: ``temperature`` 0 leaves the likeliest (the first of equals); ``top_p`` then leaves the smallest set
            of likeliest ones with that much probability.

    Returns:
        A distribution of the same length.
    """
    best = max(range(len(probs)), key=probs.__getitem__)
    if sampling.temperature == 0:
        return [float(place == best) for place in range(len(probs))]
    # Divided by the largest first, since a power of small numbers alone would all round to 0.
    powers = [(prob / probs[best]) ** (1 / sampling.temperature) for prob in probs]
    total = math.fsum(powers)
    shares = [power / total for power in powers]
    if sampling.top_p < 1:
        falling = sorted(range(len(shares)), key=lambda place: -shares[place])
        before = accumulate((shares[place] for place in falling), initial=0.0)
        kept = {place for place, mass in zip(falling, before, strict=False) if mass < sampling.top_p}
        total = math.fsum(shares[place] for place in kept)
        shares = [share / total if place in kept else 0.0 for place, share in enumerate(shares)]
    return shares


def pick(probs: Sequence[float], uniform: float) -> int:
    """Which of ``probs`` a number from [0, 1) draws; one with probability 0 never."""
    reached = list(accumulate(probs))
    return next(place for place, mass in enumerate(reached) if mass > uniform * reached[-1])
