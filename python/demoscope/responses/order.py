"""Which profile sees the options of which item in which order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.schema import Order

OrderDesign = Literal["given", "reversed", "both", "balanced"]

BOTH: tuple[Order, Order] = ("given", "reversed")


def shared_orders(design: OrderDesign) -> tuple[Order, ...]:
    """Orders in which a prompt that serves everybody is asked; a balanced design asks both, and scores average them."""
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
        return dict.fromkeys(profiles, shared_orders(design))
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


def _key(text: str) -> bytes:
    return hashlib.blake2b(f"order|{text}".encode(), digest_size=16).digest()
