"""Rows of the store that look like a run's, made from a number alone."""

from __future__ import annotations

import hashlib
import random

from demoscope.schema import CELLS

ORDERS = ("given", "reversed")
ITEMS = ("trust", "vote", "life", "work", "faith")


def key_of(number: int) -> str:
    return hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).hexdigest()


def row(number: int, *, status: str = "valid", reason: str | None = None, **changes):
    """An answer that scores all options; equal numbers give equal answers."""
    rng = random.Random(number)
    weights = [rng.random() for _ in range(rng.randrange(2, 8))]
    total = sum(weights)
    values = {
        "cell": key_of(number),
        "model": "org/some-model-8b-instruct",
        "revision": "0123456789abcdef",
        "steering": "persona",
        "adapter": None,
        "profile": f"sex=a woman|age={18 + number % 70}|town=town {number % 1000}",
        "persona_id": None,
        "item": ITEMS[number % len(ITEMS)],
        "wording": "default",
        "language": "en",
        "order": ORDERS[number % 2],
        "presentation": "single",
        "mode": "logprobs",
        "draw": -1,
        "prompt_hash": key_of(-number % 2**60),
        "status": status,
        "reason": reason,
        "code": None,
        "probs": [weight / total for weight in weights] if status == "valid" else None,
        "label_mass": rng.random(),
        "unseen_mass": 0.0,
        "text": None,
        "thought": None,
        "prompt_tokens": 200 + number % 50,
        "output_tokens": 1,
    }
    values.update(changes)
    assert list(values) == list(CELLS)
    return values


def rows(first: int, last: int):
    return [row(number) for number in range(first, last)]


def failed(number: int, reason: str = "tired"):
    return row(number, status="error", reason=reason)
