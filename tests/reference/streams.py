"""Slow twin of the keyed random numbers: ChaCha8 and its seeding in plain Python, BLAKE2b from the standard library.

ChaCha: Bernstein (2008), 8 rounds, 64-bit block counter and 64-bit stream number.
Seeding from a 64-bit number: one PCG32 output (XSH RR) per key word, as the Rust crate ``rand_core`` documents it.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK_32 = 2**32 - 1
MASK_64 = 2**64 - 1


def stream_number(label: str) -> int:
    return int.from_bytes(hashlib.blake2b(label.encode()).digest()[:8], "little")


def key_words(seed: int) -> list[int]:
    words = []
    for _ in range(8):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & MASK_64
        shifted = (((seed >> 18) ^ seed) >> 27) & MASK_32
        turn = seed >> 59
        words.append(((shifted >> turn) | (shifted << (-turn & 31))) & MASK_32)
    return words


def words(seed: int, label: str) -> Iterator[int]:
    """32-bit words of the stream of a label."""
    key, stream, block = key_words(seed), stream_number(label), 0
    while True:
        yield from chacha8_block(key, block, stream)
        block += 1


def numbers(seed: int, label: str) -> Iterator[int]:
    """64-bit numbers: two words each, the low one first."""
    source = words(seed, label)
    for low in source:
        yield low | next(source) << 32


def chacha8_block(key: list[int], block: int, stream: int) -> list[int]:
    constants = [int.from_bytes(b"expand 32-byte k"[i : i + 4], "little") for i in range(0, 16, 4)]
    start = [*constants, *key, block & MASK_32, block >> 32, stream & MASK_32, stream >> 32]
    state = list(start)
    for _ in range(4):
        for column in range(4):
            quarter(state, column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter(state, column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return [(a + b) & MASK_32 for a, b in zip(state, start, strict=True)]


def quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for first, second, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[first] = (state[first] + state[second]) & MASK_32
        mixed = state[turned] ^ state[first]
        state[turned] = ((mixed << bits) | (mixed >> (32 - bits))) & MASK_32


def below(source: Iterator[int], limit: int) -> int:
    """Lemire's multiplication with rejection."""
    while True:
        product = next(source) * limit
        if product & MASK_32 >= 2**32 % limit:
            return product >> 32


def multiplicities(rows: int, *, seed: int, label: str) -> list[int]:
    source = words(seed, label)
    counts = [0] * rows
    for _ in range(rows):
        counts[below(source, rows)] += 1
    return counts


def permutation(rows: int, *, seed: int, label: str) -> list[int]:
    source = words(seed, label)
    order = list(range(rows))
    for last in range(rows - 1, 0, -1):
        other = below(source, last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def draws(probabilities: list[float], count: int, *, seed: int, label: str) -> list[int]:
    answers = []
    for _, number in zip(range(count), numbers(seed, label), strict=False):
        uniform, total = (number >> 11) * 2.0**-53, 0.0
        possible = [option for option, p in enumerate(probabilities) if p > 0]
        for option in possible:
            total += probabilities[option]
            if uniform < total:
                break
        answers.append(option)
    return answers


def poisson(rows: int, *, seed: int, label: str) -> list[int]:
    """Poisson(1) by inversion."""
    counts = []
    for _, number in zip(range(rows), numbers(seed, label), strict=False):
        uniform, count, probability = (number >> 11) * 2.0**-53, 0, math.exp(-1)
        cumulative = probability
        while uniform >= cumulative and cumulative + probability / (count + 1) > cumulative:
            count += 1
            probability /= count
            cumulative += probability
        counts.append(count)
    return counts


def exponential(rows: int, *, seed: int, label: str) -> list[float]:
    """Exp(1) by inversion."""
    return [
        -math.log(1 - (number >> 11) * 2.0**-53) for _, number in zip(range(rows), numbers(seed, label), strict=False)
    ]


def unit_draws(sizes: list[int], *, seed: int, label: str) -> list[list[int]]:
    """How often every unit is drawn in one draw less than its stratum has units; strata one after the other."""
    source = words(seed, label)
    draws = []
    for size in sizes:
        counts = [0] * size
        for _ in range(size - 1):
            counts[below(source, size)] += 1
        draws.append(counts)
    return draws
