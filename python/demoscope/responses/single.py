"""Every item in a conversation of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.prompts import asked_alone
from demoscope.responses.audiences import who_is_asked
from demoscope.responses.display import first_turns
from demoscope.responses.table import drawn_table, scored_table
from demoscope.responses.words import is_asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from demoscope.config import QuestionSettings
    from demoscope.responses.audiences import Group
    from demoscope.responses.cell import Cell, Display
    from demoscope.responses.store import Store
    from demoscope.responses.words import Wording
    from demoscope.surveys import Item, Survey


class Singles:
    """The cells of one steering, each item asked alone.

    Args:
        words: How the items of the steering are put into words, and for whom.
        survey: Where items were asked.
        questions: Number of draws.
        seed: Seed of the run.
    """

    def __init__(self, words: Wording, *, survey: Survey, questions: QuestionSettings, seed: int) -> None:
        self.way = words.way
        self.adapted = words.adapted
        self._words = words
        self._survey = survey
        self._draws = questions.draws
        self._seed = seed

    @property
    def total(self) -> int:
        """Number of cells."""
        if self.way.scored:
            return sum(len(self._words.displays(group, item)) for group, item in self._asked())
        return self._draws * sum(
            is_asked(item, (country,))
            for g in self._words.groups
            for _, country in g.members
            for item in self._words.items
        )

    def rounds(self, store: Store) -> Iterator[Iterable[Cell]]:  # noqa: ARG002 - no prompt depends on an answer
        """All cells in one round."""
        yield self._cells()

    def keys(self, store: Store) -> Iterator[str]:  # noqa: ARG002 - as above
        """Keys of all cells."""
        return (cell.key for cell in self._cells())

    def responses(self, store: Store) -> pl.DataFrame:
        """Answers of every persona to every item, see :class:`demoscope.responses.plan.Plan`."""
        cells = store.cells(self.keys(store))
        who = who_is_asked(self._words.groups)
        if self.way.scored:
            return scored_table(cells, who, survey=self._survey, draws=self._draws, seed=self._seed)
        return drawn_table(cells, who)

    def _asked(self) -> Iterator[tuple[Group, Item]]:
        for group in self._words.groups:
            for item in self._words.items:
                if is_asked(item, group.places):
                    yield group, item

    def _cells(self) -> Iterator[Cell]:
        for number, group in enumerate(self._words.groups):
            opening = self._words.opening(number)
            for item in self._words.items:
                if not is_asked(item, group.places):
                    continue
                displays = self._words.displays(group, item)
                prompts = {
                    display: asked_alone(opening, self._words.question(item.id, display, group.profile or ""))
                    for display in displays
                }
                for display, persona_id, draw in self._turns(group, item, displays):
                    yield self._words.cell(prompts[display], group, item, display, persona_id=persona_id, draw=draw)

    def _turns(
        self, group: Group, item: Item, displays: Sequence[Display]
    ) -> Iterator[tuple[Display, str | None, int]]:
        """Each display once where answers are distributions; else each member and draw in the display of its turn."""
        if self.way.scored:
            yield from ((display, None, -1) for display in displays)
            return
        members = [persona for persona, country in group.members if is_asked(item, (country,))]
        coins = first_turns(members, item=item.id, turns=len(displays), seed=self._seed)
        for persona_id, coin in zip(members, coins.tolist(), strict=True):
            for draw in range(self._draws):
                yield displays[(draw + coin) % len(displays)], persona_id, draw
