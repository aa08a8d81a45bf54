"""Log-probabilities that a server names as probabilities of labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from demoscope.engines.base import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.engines.server.wire import FirstToken, Reply


def exact_answer(key: str, first: FirstToken, ids: Sequence[int], *, reply: Reply) -> Answer | None:
    """Probabilities of all labels, or ``None`` where the server does not name every label token."""
    tokens = [f"token_id:{token}" for token in ids]
    if any(token not in first.logprobs for token in tokens):
        return None
    return _answer(key, [math.exp(first.logprobs[token]) for token in tokens], unseen=0.0, reply=reply)


def top_answer(key: str, first: FirstToken, labels: Sequence[str], *, reply: Reply) -> Answer:
    """Probabilities of the labels among the likeliest tokens.

    A label is its plain token and the one with a space before it, together.
    A label with neither of them gets 0; what such labels may weigh stands in ``unseen_mass``: each of their tokens is
    at most as likely as the last that the server names, and all of them as what its tokens leave.
    """
    forms = [[form for form in (label, f" {label}") if form in first.logprobs] for label in labels]
    masses = [math.fsum(math.exp(first.logprobs[form]) for form in found) for found in forms]
    absent = sum(2 - len(found) for found in forms if not found)
    rest = max(0.0, 1.0 - math.fsum(map(math.exp, first.logprobs.values())))
    unseen = min(math.exp(_least(first)) * absent, rest)
    return _answer(key, masses, unseen=unseen, reply=reply)


def _least(first: FirstToken) -> float:
    """Log-probability of the last of the likeliest tokens.

    The drawn token is named too, and may be less likely than some that are not named.
    """
    listed = sorted(first.logprobs.values())
    if len(listed) > 1 and listed[0] == first.logprobs[first.sampled]:
        return listed[1]
    return listed[0]


def _answer(key: str, masses: Sequence[float], *, unseen: float, reply: Reply) -> Answer:
    mass = math.fsum(masses)
    valid = mass > 0.0
    return Answer(
        key,
        "valid" if valid else "invalid",
        probs=tuple(part / mass for part in masses) if valid else None,
        label_mass=min(mass, 1.0),  # single precision: the sum may pass 1 by a rounding
        unseen_mass=unseen,
        reason=None if valid else "no_label_mass",
        prompt_tokens=reply.prompt_tokens,
        output_tokens=reply.output_tokens,
    )
