"""Which audience sees an item in which order of its options and in which wording."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from demoscope.responses.draw import draw_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.schema import Order

T = TypeVar("T")

OrderDesign = Literal["given", "reversed", "both", "balanced", "shuffled"]

BOTH: tuple[Order, Order] = ("given", "reversed")


def shared_orders(design: OrderDesign) -> tuple[Order, ...]:
    """Orders in which a prompt that serves everybody is asked: both where none is named, and scores average them."""
    return (design,) if design in ("given", "reversed") else BOTH


def profile_orders(
    profiles: Mapping[str, Sequence[str]], *, item: str, design: OrderDesign, seed: int
) -> dict[str, tuple[Order, ...]]:
    """Orders in which each profile is asked one item.

    A balanced design shows one order to a random half of the profiles of each country and the other order to the rest;
    of an odd number, the half that gets one more is random too.
    The halves are drawn for each item anew: were they the same for all items, a model that prefers the option on top
    would prefer it for the same profiles every time, and its answers to any two items would correlate for no other
    reason.

    Args:
        profiles: Each profile to its countries, sorted; profiles of the same countries are halved together.
        item: Id of the item.
        design: The design.
        seed: Names the halves.

    Returns:
        Each profile to one order, or to both where the design is ``"both"``.
    """
    if design != "balanced":
        return dict.fromkeys(profiles, BOTH if design == "both" else (design,))
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for profile, countries in profiles.items():
        groups[tuple(countries)].append(profile)
    orders: dict[str, tuple[Order, ...]] = {}
    for countries, members in groups.items():
        place = "|".join((str(seed), *countries, item))
        shuffled = sorted(members, key=lambda profile, place=place: _key(f"{place}|{profile}"))  # type: ignore[misc]
        coin = _key(place)[0] & 1
        half = (len(shuffled) + coin) // 2
        orders |= dict.fromkeys(shuffled[:half], BOTH[:1]) | dict.fromkeys(shuffled[half:], BOTH[1:])
    return orders


def profile_wordings(names: Sequence[str], *, profile: str, item: str, design: str, seed: int) -> tuple[str, ...]:
    """Wordings in which a profile is asked one item.

    Args:
        names: All wordings of the item, its own text first.
        profile: The profile, or anything else that names the audience.
        item: Id of the item.
        design: ``"first"``, ``"all"``, or ``"balanced"``: one for each profile, at random.
        seed: Names the choice.
    """
    if design == "first":
        return (names[0],)
    if design == "all":
        return tuple(names)
    number = int.from_bytes(_key(f"wording|{seed}|{item}|{profile}")[:8], "big")
    return (names[number % len(names)],)


def shown_places(order: Order, *, size: int, audience: str, item: str, seed: int) -> tuple[int, ...]:
    """Places of the options in the item's own order, in the order in which they are displayed.

    Args:
        order: Name of the order; ``"shuffled"`` is another permutation for each audience and item.
        size: Number of options.
        audience: Profile or persona.
        item: Id of the item.
        seed: Names the permutations.
    """
    if order == "given":
        return tuple(range(size))
    if order == "reversed":
        return tuple(range(size))[::-1]
    return tuple(shuffled(range(size), name=f"shuffle|{seed}|{item}|{audience}", key=str))


def shuffled(things: Iterable[T], *, name: str, key: Callable[[T], str]) -> list[T]:
    """Things in an order that depends on nothing but the name of the shuffle and the keys of the things."""
    return sorted(things, key=lambda thing: _key(f"{name}|{key(thing)}"))


def first_turns(persona_ids: Sequence[str], *, item: str, turns: int, seed: int) -> NDArray[np.int64]:
    """Which of several displays of an item has draw 0, for each persona; the next draws take turns.

    A coin for each persona and item decides, so that a single draw of many personas is balanced too.
    """
    if turns == 1:
        return np.zeros(len(persona_ids), dtype=np.int64)
    streams = [f"{persona}|{item}|first order" for persona in persona_ids]
    evenly = np.full((1, turns), 1 / turns)
    rows = np.zeros(len(persona_ids), dtype=np.int64)
    return draw_answers(evenly, rows, streams, seed=seed, draws=1)[:, 0].astype(np.int64)


def _key(text: str) -> bytes:
    return hashlib.blake2b(f"order|{text}".encode(), digest_size=16).digest()
