"""Replies of a server as answers to requests."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from demoscope.engines.base import Answer
from demoscope.engines.server.wire import enum_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.engines.base import Request
    from demoscope.engines.server.wire import FirstToken, Reply

ChoiceWay: TypeAlias = Literal["vllm", "json_schema"]
"""How all but the labels was ruled out."""


def exact_answer(request: Request, reply: Reply, *, ids: Sequence[int]) -> Answer | None:
    """Probabilities of all labels, or ``None`` where the server does not name every label token.

    Args:
        request: What was asked.
        reply: With log-probabilities where the answer starts.
        ids: Token of each label.
    """
    first = _first(reply)
    tokens = [f"token_id:{token}" for token in ids]
    if any(token not in first.logprobs for token in tokens):
        return None
    return _scored(request, [math.exp(first.logprobs[token]) for token in tokens], unseen=0.0, reply=reply)


def top_answer(request: Request, reply: Reply) -> Answer:
    """Probabilities of the labels among the likeliest tokens.

    A label is its plain token and the one with a space before it, together.
    A label with neither of them gets 0; what such labels may weigh stands in ``unseen_mass``: each of their tokens is
    at most as likely as the last that the server names, and all of them as what its tokens leave.
    """
    if reply.refusal is not None:
        return refused(request, reply)
    first = _first(reply)
    forms = [[form for form in (label, f" {label}") if form in first.logprobs] for label in request.labels]
    masses = [math.fsum(math.exp(first.logprobs[form]) for form in found) for found in forms]
    absent = sum(2 - len(found) for found in forms if not found)
    rest = max(0.0, 1.0 - math.fsum(map(math.exp, first.logprobs.values())))
    unseen = min(math.exp(_least(first)) * absent, rest)
    return _scored(request, masses, unseen=unseen, reply=reply)


def chosen(request: Request, reply: Reply, *, way: ChoiceWay) -> Answer:
    """The label that was chosen; ``invalid`` where a server that was told otherwise wrote something else."""
    if reply.refusal is not None:
        return refused(request, reply)
    label = reply.text if way == "vllm" else enum_value(reply.text)
    if label not in request.labels:
        return replace(_text(request, reply, status="invalid"), reason="invalid_key")
    return replace(_text(request, reply, status="valid"), text=label)


def written(request: Request, reply: Reply) -> Answer:
    """Whatever was written."""
    return _text(request, reply, status="valid") if reply.refusal is None else refused(request, reply)


def refused(request: Request, reply: Reply) -> Answer:
    """An answer that the model refuses."""
    return replace(_text(request, reply, status="refusal"), text=reply.refusal or reply.text)


def _text(request: Request, reply: Reply, *, status: Literal["valid", "invalid", "refusal"]) -> Answer:
    return Answer(
        request.key,
        status,
        text=reply.text,
        truncated=reply.truncated,
        thought=reply.thought,
        prompt_tokens=reply.prompt_tokens,
        output_tokens=reply.output_tokens,
    )


def _first(reply: Reply) -> FirstToken:
    assert reply.first is not None, "a reply without log-probabilities is a fault, not an answer"
    return reply.first


def _least(first: FirstToken) -> float:
    """Log-probability of the last of the likeliest tokens.

    The drawn token is named too, and may be less likely than some that are not named.
    """
    listed = sorted(first.logprobs.values())
    if len(listed) > 1 and listed[0] == first.logprobs[first.sampled]:
        return listed[1]
    return listed[0]


def _scored(request: Request, masses: Sequence[float], *, unseen: float, reply: Reply) -> Answer:
    mass = math.fsum(masses)
    valid = mass > 0.0
    return Answer(
        request.key,
        "valid" if valid else "invalid",
        probs=tuple(part / mass for part in masses) if valid else None,
        label_mass=min(mass, 1.0),  # single precision: the sum may pass 1 by a rounding
        unseen_mass=unseen,
        reason=None if valid else "no_label_mass",
        prompt_tokens=reply.prompt_tokens,
        output_tokens=reply.output_tokens,
    )
