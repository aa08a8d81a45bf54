"""Cells of one steering in words: which display of an item a group sees, and the question that it makes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from demoscope.responses.cell import Audience, Cell, Display, Way
from demoscope.responses.display import profile_orders, profile_wordings, shared_orders, shown_places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from demoscope.config import AdapterSettings, RunConfig
    from demoscope.prompts import Asker, Question, Turn
    from demoscope.responses.audiences import Group
    from demoscope.schema import Order
    from demoscope.steering import Steering
    from demoscope.surveys import Item


class Wording:
    """Puts the items of one steering into words.

    Args:
        way: How the model is asked.
        steering: What is said before all questions.
        asker: How things are said.
        items: What is asked.
        groups: Who is asked.
        config: Designs of order and wording, and the seed.
        adapters: Where the adapters lie.

    Attributes:
        way: How the model is asked.
        adapted: Whether it answers through adapters.
        asker: How things are said.
        items: What is asked.
        groups: Who is asked.
    """

    def __init__(
        self,
        way: Way,
        steering: Steering,
        *,
        asker: Asker,
        items: Sequence[Item],
        groups: Sequence[Group],
        config: RunConfig,
        adapters: Mapping[str, AdapterSettings],
    ) -> None:
        self.way = way
        self.adapted = steering.adapted
        self.asker = asker
        self.items = items
        self.groups = groups
        self._steering = steering
        self._config = config
        self._adapters = adapters
        self._orders = _orders(items, groups, config=config)
        self._by_id = {item.id: item for item in items}
        self.question: Callable[[str, Display, str], Question] = lru_cache(maxsize=4096)(self._question)
        self.opening: Callable[[int], str | None] = lru_cache(maxsize=4096)(self._opening)

    def displays(self, group: Group, item: Item) -> tuple[Display, ...]:
        """How a group sees an item: one display, or several that are averaged or take turns."""
        design = self._config.prompts.wordings
        names = self.asker.wordings(item)
        if group.profile is None:
            orders = shared_orders(self._config.questions.order)
            wordings = names[:1] if design == "first" else names
        else:
            orders = self._orders[item.id][group.profile]
            wordings = profile_wordings(
                names, profile=group.profile, item=item.id, design=design, seed=self._config.seed
            )
        return tuple(Display(order, wording, group.language) for order in orders for wording in wordings)

    def cell(
        self, turns: Sequence[Turn], group: Group, item: Item, display: Display, *, persona_id: str | None, draw: int
    ) -> Cell:
        """The cell that asks a group, or one of its members, by a conversation."""
        audience = Audience(
            profile=group.profile,
            attributes=group.attributes,
            adapter=group.adapter,
            adapter_directory=None if group.adapter is None else self._adapters[group.adapter].path,
            persona_id=persona_id,
            draw=draw,
        )
        question = self.question(item.id, display, group.profile or "")
        return Cell.of(turns, way=self.way, audience=audience, item=item, display=display, question=question)

    def _question(self, item_id: str, display: Display, audience: str) -> Question:
        item = self._by_id[item_id]
        shown = shown_places(
            display.order, size=len(item.options), audience=audience, item=item.id, seed=self._config.seed
        )
        return self.asker.question(item, shown=shown, language=display.language, wording=display.wording)

    def _opening(self, number: int) -> str | None:
        group = self.groups[number]
        return self._steering.opening(self.asker, attributes=group.attributes, language=group.language)


def is_asked(item: Item, countries: Sequence[str]) -> bool:
    """Whether an item is declared for one of these countries."""
    return item.asked_in is None or not set(item.asked_in).isdisjoint(countries)


def _orders(
    items: Sequence[Item], groups: Sequence[Group], *, config: RunConfig
) -> dict[str, dict[str, tuple[Order, ...]]]:
    """Orders in which each profile sees each item."""
    countries = {group.profile: group.countries for group in groups if group.profile is not None}
    return {
        item.id: profile_orders(
            {profile: places for profile, places in countries.items() if is_asked(item, places)},
            item=item.id,
            design=config.questions.order,
            seed=config.seed,
        )
        for item in items
    }
