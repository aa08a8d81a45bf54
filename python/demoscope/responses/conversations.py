"""Items that stand together: interviews show earlier answers, batteries show all questions.

A conversation belongs to one persona and one draw.
Its answers are drawn, put into its history, and the next item is asked: the next prompts of a hundred conversations
or so make one round.
What was drawn follows from what is stored, so a stopped run finds its way back by reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from demoscope.prompts import asked_as_battery, asked_in_interview
from demoscope.responses.display import first_turns, shuffled
from demoscope.responses.draw import draw_answers
from demoscope.responses.table import conversation_table
from demoscope.responses.words import is_asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from demoscope.config import QuestionSettings
    from demoscope.prompts import Question
    from demoscope.prompts import Turn as Said
    from demoscope.responses.cell import Cell, Display
    from demoscope.responses.store import Store
    from demoscope.responses.words import Wording
    from demoscope.surveys import Item, Survey

TOGETHER: Final = 128
"""Conversations that go on side by side: enough for large batches, few enough that an engine still has in its memory
what they have said when their next item comes."""

_ANSWER: Final = ("cell", "status", "reason", "code", "probs", "label_mass", "unseen_mass", "text")


@dataclass(slots=True)
class Conversation:
    """One conversation on its way.

    Attributes:
        group: Number of the group.
        persona_id: Whose it is.
        country: Where the persona lives.
        draw: Number of the draw.
        items: What is asked, in this order.
        said: What was answered to each item so far; ``None`` where nothing came back that can be quoted.
        broken: Whether an answer ended in an error, so that it cannot go on.
    """

    group: int
    persona_id: str
    country: str
    draw: int
    items: tuple[Item, ...]
    said: list[str | None]
    broken: bool = False


class Conversations:
    """The cells of one steering, items asked together.

    Args:
        words: How the items of the steering are put into words, and for whom.
        survey: Order of the items in tables.
        questions: Draws, presentation and history.
        seed: Seed of the run.
    """

    def __init__(self, words: Wording, *, survey: Survey, questions: QuestionSettings, seed: int) -> None:
        self.way = words.way
        self.adapted = words.adapted
        self._words = words
        self._survey = survey
        self._questions = questions
        self._seed = seed
        self._displays: dict[tuple[int, str], tuple[Display, ...]] = {}
        self._coins = self._first_turns()

    @property
    def total(self) -> int:
        """Number of answers that all conversations need; prompts that turn out the same are asked once."""
        return sum(len(conversation.items) for conversation in self._conversations())

    def rounds(self, store: Store) -> Iterator[Iterable[Cell]]:
        """Cells of the first items of ``TOGETHER`` conversations, then of their second ones, and so on."""
        for _, cells in self._walk(store, rows=None):
            yield cells

    def keys(self, store: Store) -> Iterator[str]:
        """Keys of all cells that the stored answers lead to."""
        for keys, cells in self._walk(store, rows=None):
            for _ in cells:
                pass
            yield from keys

    def responses(self, store: Store) -> pl.DataFrame:
        """Answers of every conversation, see :class:`demoscope.responses.plan.Plan`."""
        rows: list[dict[str, Any]] = []
        for _, cells in self._walk(store, rows=rows):
            for _ in cells:
                pass
        return conversation_table(rows)

    def _walk(
        self, store: Store, *, rows: list[dict[str, Any]] | None
    ) -> Iterator[tuple[dict[str, None], Iterable[Cell]]]:
        """Step through all conversations; what is yielded has to be used up before the next step."""
        every = self._conversations()
        while going := list(islice(every, TOGETHER)):
            yield from self._walk_together(store, going, rows=rows)

    def _walk_together(
        self, store: Store, going: Sequence[Conversation], *, rows: list[dict[str, Any]] | None
    ) -> Iterator[tuple[dict[str, None], Iterable[Cell]]]:
        for step in range(max(len(conversation.items) for conversation in going)):
            here = [conversation for conversation in going if step < len(conversation.items)]
            asked: list[tuple[Conversation, Display, str]] = []
            distinct: dict[str, None] = {}
            yield distinct, self._cells(here, step, asked, distinct)
            found = _answers(store, distinct)
            drawn = self._drawn(asked, step, found)
            for (conversation, display, key), code in zip(asked, drawn, strict=True):
                self._hear(conversation, step, found.get(key), code)
                if rows is not None:
                    rows.append(self._row(conversation, step, display, key, found.get(key), code))
            if rows is not None:
                stuck = {id(conversation) for conversation, _, _ in asked}
                rows += [self._lost(c, step) for c in here if id(c) not in stuck]

    def _cells(
        self,
        going: Sequence[Conversation],
        step: int,
        asked: list[tuple[Conversation, Display, str]],
        distinct: dict[str, None],
    ) -> Iterator[Cell]:
        """The next cell of each conversation, those with the same prompt once."""
        for conversation in going:
            if conversation.broken:
                continue
            item, group = conversation.items[step], self._words.groups[conversation.group]
            display = self._display(conversation, item)
            alone = None if self.way.scored else conversation.persona_id
            cell = self._words.cell(
                self._turns(conversation, step),
                group,
                item,
                display,
                persona_id=alone,
                draw=-1 if alone is None else conversation.draw,
            )
            asked.append((conversation, display, cell.key))
            if cell.key not in distinct:
                distinct[cell.key] = None
                yield cell

    def _turns(self, conversation: Conversation, step: int) -> tuple[Said, ...]:
        opening = self._words.opening(conversation.group)
        questions = [self._question(conversation, item) for item in conversation.items[: step + 1]]
        if self.way.presentation == "battery":
            group = self._words.groups[conversation.group]
            every = [self._question(conversation, item) for item in conversation.items]
            announced, turns = self._words.asker.battery(every, language=group.language)
            heard = [(turns[place], said) for place, said in enumerate(conversation.said) if said is not None]
            return asked_as_battery(opening, announced, heard, turns[step])
        past = [
            (questions[place], said)
            for place in self._in_view(conversation.items, step)
            if (said := conversation.said[place]) is not None
        ]
        return asked_in_interview(opening, past, questions[step])

    def _in_view(self, items: Sequence[Item], step: int) -> Sequence[int]:
        """Places of the earlier items that an interview still shows."""
        history = self._questions.interview.history
        if history == "full":
            return range(step)
        if history == "domain":
            return [place for place in range(step) if items[place].domain == items[step].domain]
        return range(max(0, step - history), step)

    def _drawn(
        self, asked: Sequence[tuple[Conversation, Display, str]], step: int, found: Mapping[str, Mapping[str, Any]]
    ) -> list[int | None]:
        """Code of each answer: drawn from a distribution with the noise of its persona, item, order and draw."""
        codes: list[int | None] = [None] * len(asked)
        for item_id, places in _by_item(asked, step).items():
            codes_of_item = self._survey.item(item_id).codes
            known = [place for place in places if found.get(asked[place][2], {}).get("status") == "valid"]
            if not self.way.scored:
                for place in known:
                    codes[place] = found[asked[place][2]]["code"]
                continue
            distributions: dict[str, int] = {}
            for place in known:
                distributions.setdefault(asked[place][2], len(distributions))
            if not known:
                continue
            probs = np.array([found[key]["probs"] for key in distributions])
            for draw, members in _by_draw(asked, known).items():
                streams = [f"{asked[m][0].persona_id}|{item_id}|{asked[m][1].order}" for m in members]
                rows = np.array([distributions[asked[m][2]] for m in members], dtype=np.int64)
                options = draw_answers(probs, rows, streams, seed=self._seed, first=draw, draws=1)[:, 0]
                for member, option in zip(members, options.tolist(), strict=True):
                    codes[member] = codes_of_item[option]
        return codes

    def _hear(
        self,
        conversation: Conversation,
        step: int,
        answer: Mapping[str, Any] | None,
        code: int | None,
    ) -> None:
        """Put what was answered into the history: a label, or the model's own words where they name no option."""
        if answer is None or answer["status"] == "error":
            conversation.broken = True
            return
        question = self._question(conversation, conversation.items[step])
        if code is not None:
            conversation.said.append(question.label_of(code))
        else:
            conversation.said.append((answer["text"] or "").strip() or None)

    def _row(
        self,
        conversation: Conversation,
        step: int,
        display: Display,
        key: str,
        answer: Mapping[str, Any] | None,
        code: int | None,
    ) -> dict[str, Any]:
        return {
            **self._head(conversation, step),
            "wording": display.wording,
            "language": display.language,
            "order": display.order,
            "cell": key,
            "status": "error" if answer is None else answer["status"],
            "reason": "not_asked" if answer is None else answer["reason"],
            "code": code,
            "label_mass": None if answer is None else answer["label_mass"],
            "unseen_mass": None if answer is None else answer["unseen_mass"],
        }

    def _lost(self, conversation: Conversation, step: int) -> dict[str, Any]:
        """The row of an item that was not reached, because an earlier answer ended in an error."""
        display = self._display(conversation, conversation.items[step])
        return {
            **self._head(conversation, step),
            "wording": display.wording,
            "language": display.language,
            "order": display.order,
            "cell": None,
            "status": "error",
            "reason": "not_reached",
            "code": None,
            "label_mass": None,
            "unseen_mass": None,
        }

    def _head(self, conversation: Conversation, step: int) -> dict[str, Any]:
        return {
            "model": self.way.model,
            "steering": self.way.steering,
            "adapter": self._words.groups[conversation.group].adapter,
            "country": conversation.country,
            "persona_id": conversation.persona_id,
            "item": conversation.items[step].id,
            "presentation": self.way.presentation,
            "position": step,
            "draw": conversation.draw,
        }

    def _question(self, conversation: Conversation, item: Item) -> Question:
        audience = self._words.groups[conversation.group].profile or ""
        return self._words.question(item.id, self._display(conversation, item), audience)

    def _display(self, conversation: Conversation, item: Item) -> Display:
        """The display whose turn it is; several take turns over draws, and a coin says which one begins."""
        displays = self._displays.get((conversation.group, item.id))
        if displays is None:
            displays = self._words.displays(self._words.groups[conversation.group], item)
            self._displays[conversation.group, item.id] = displays
        if len(displays) == 1:
            return displays[0]
        coin = self._coins[item.id, len(displays)][conversation.persona_id]
        return displays[(conversation.draw + coin) % len(displays)]

    def _first_turns(self) -> dict[tuple[str, int], dict[str, int]]:
        """For each item and number of displays: which one has draw 0, by persona."""
        coins: dict[tuple[str, int], dict[str, int]] = {}
        for group in self._words.groups:
            for item in self._words.items:
                members = [persona for persona, country in group.members if is_asked(item, (country,))]
                turns = len(self._words.displays(group, item)) if members else 1
                if turns > 1:
                    first = first_turns(members, item=item.id, turns=turns, seed=self._seed)
                    coins.setdefault((item.id, turns), {}).update(zip(members, first.tolist(), strict=True))
        return coins

    def _conversations(self) -> Iterator[Conversation]:
        """Every conversation at its start, neighbours of one group together."""
        for number, group in enumerate(self._words.groups):
            for persona_id, country in group.members:
                items = tuple(item for item in self._words.items if is_asked(item, (country,)))
                for draw in range(self._questions.draws):
                    for part in self._parts(items, persona_id, draw):
                        yield Conversation(number, persona_id, country, draw, part, [])

    def _parts(self, items: tuple[Item, ...], persona_id: str, draw: int) -> Iterator[tuple[Item, ...]]:
        """Items of each conversation that a persona has."""
        if self.way.presentation == "battery":
            for domain in _domains(items):
                size = self._questions.battery_size
                yield from (domain[first : first + size] for first in range(0, len(domain), size))
            return
        if self._questions.interview.sequence == "random":
            items = tuple(shuffled(items, name=f"sequence|{self._seed}|{persona_id}|{draw}", key=lambda item: item.id))
        if self._questions.interview.reset == "domain":
            yield from _domains(items)
        elif items:
            yield items


def _domains(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """Items of each domain, domains in the order of their first item."""
    first = {item.domain: place for place, item in reversed(list(enumerate(items)))}
    ordered = sorted(items, key=lambda item: first[item.domain])
    for _, members in groupby(ordered, key=lambda item: item.domain):
        yield tuple(members)


def _answers(store: Store, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    frame = store.cells(keys).select(_ANSWER)
    return {row["cell"]: row for row in frame.iter_rows(named=True)}


def _by_item(asked: Sequence[tuple[Conversation, Display, str]], step: int) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, (conversation, _, _) in enumerate(asked):
        places.setdefault(conversation.items[step].id, []).append(place)
    return places


def _by_draw(asked: Sequence[tuple[Conversation, Display, str]], places: Sequence[int]) -> dict[int, list[int]]:
    draws: dict[int, list[int]] = {}
    for place in places:
        draws.setdefault(asked[place][0].draw, []).append(place)
    return draws
