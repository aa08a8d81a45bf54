"""From log-probabilities of labels to answers: renormalised, or drawn from."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from demoscope.engines.base import Answer
from demoscope.engines.noise import stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from demoscope.engines.base import Request, Sampling

Tokens: TypeAlias = tuple[int, ...]


def label_answer(key: str, logprobs: Sequence[float], *, prompt_tokens: int) -> Answer:
    """Renormalise over the labels; what they weigh together stays as ``label_mass``.

    Args:
        key: That of the request.
        logprobs: Natural log of the probability of each label over all continuations.
        prompt_tokens: Length of the prompt.

    Returns:
        An answer with ``probs``; status ``error`` with the reason ``not_a_number`` if one is NaN, and ``invalid`` with
        ``no_label_mass`` if no label has any probability.
    """
    if any(math.isnan(value) for value in logprobs):
        return Answer(key, "error", reason="not_a_number", prompt_tokens=prompt_tokens)
    masses = [math.exp(value) for value in logprobs]
    mass = math.fsum(masses)
    if mass == 0.0:
        return Answer(key, "invalid", reason="no_label_mass", label_mass=0.0, prompt_tokens=prompt_tokens)
    return Answer(
        key,
        "valid",
        probs=tuple(part / mass for part in masses),
        label_mass=min(mass, 1.0),  # single precision: the sum may pass 1 by a rounding
        prompt_tokens=prompt_tokens,
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


def told_apart(labels: Sequence[Tokens], *, end: int) -> list[Tokens]:
    """Tokens of labels, none of them the beginning of another.

    Where one is, all of them are closed by ``end``: each is then a whole answer.
    Closing the shorter one alone would leave "10 of them" to "10" and take "1 of them" from "1".
    """
    begun = {label[:size] for label in labels for size in range(1, len(label))}
    return [(*label, end) for label in labels] if begun & set(labels) else list(labels)


def branches(labels: Sequence[Tokens]) -> dict[Tokens, list[int]]:
    """After each beginning of a label, the empty one included, the tokens with which some label goes on, sorted."""
    found: dict[Tokens, set[int]] = {}
    for label in labels:
        for size in range(len(label)):
            found.setdefault(label[:size], set()).add(label[size])
    return {beginning: sorted(tokens) for beginning, tokens in found.items()}


def along(label: Tokens, after: Mapping[Tokens, Mapping[int, float]]) -> float:
    """Log-probability of a label, given those of the tokens after each of its beginnings."""
    return math.fsum(after[label[:size]][label[size]] for size in range(len(label)))


def walk(labels: Sequence[Tokens], request: Request, after: Callable[[Tokens], Mapping[int, float]]) -> int:
    """Which label constrained decoding draws: token by token, with all that no label says ruled out.

    With labels of one token this is a draw from their renormalised probabilities.

    Args:
        labels: Tokens of each label, none of them the beginning of another.
        request: Names the noise and how it is used.
        after: Log-probabilities of the tokens with which labels go on after a beginning.
    """
    ways = branches(labels)
    noise = stream(request.seed)
    said: Tokens = ()
    while said in ways:
        logprobs = after(said)
        shares = shares_of([logprobs[token] for token in ways[said]])
        said = (*said, ways[said][pick(tempered(shares, request.sampling), noise.random())])
    return labels.index(said)
