"""Prompts that depend on answers which nobody has given yet: they are walked to with answers that are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from demoscope.responses import Cell, Plan, Store
    from demoscope.responses.plan import Part

_COLUMNS: Final[dict[str, Any]] = {
    "cell": pl.String,
    "status": pl.String,
    "reason": pl.String,
    "code": pl.Int32,
    "probs": pl.List(pl.Float64),
    "label_mass": pl.Float64,
    "unseen_mass": pl.Float64,
    "text": pl.String,
}
"""What of an answer decides how a conversation goes on."""


class Pretending:
    """Answers as a plan reads them: those of a store, and made-up ones for what has none.

    Nothing is written anywhere.

    Args:
        store: Where real answers are; ``None`` where there are none.
        answers: ``"top"``: the option that is shown first.
            ``"any"``: one option as likely as another, so that conversations go different ways.
        wanted: Cells that get a made-up answer; conversations that need another one stop there.

    Attributes:
        cells: Cells that were walked to, by key.
        pretended: Keys of those whose answer is made up.
    """

    def __init__(
        self,
        store: Store | None,
        *,
        answers: Literal["top", "any"],
        wanted: Callable[[Cell], bool] = lambda _: True,
    ) -> None:
        self._store = store
        self._answers = answers
        self._wanted = wanted
        self.cells: dict[str, Cell] = {}
        self.pretended: set[str] = set()

    def walk(self, plan: Plan | Part) -> Iterator[Cell]:
        """The wanted cells of a plan, in the order in which they would be asked."""
        for cells in plan.rounds(self.as_store()):
            for cell in cells:
                if self._wanted(cell):
                    self.cells[cell.key] = cell
                    yield cell

    def as_store(self) -> Store:
        """This object where a plan wants a store; a plan that is only walked reads answers and nothing else."""
        return cast("Store", _Answers(self))

    def answers_to(self, keys: Iterable[str]) -> pl.DataFrame:
        """Columns that conversations read, one row for each wanted cell."""
        wanted = [key for key in keys if key in self.cells]
        real = pl.DataFrame(schema=_COLUMNS)
        if self._store is not None:
            real = self._store.cells(wanted).select(*_COLUMNS).filter(pl.col("status") != "error")
        known = set(real["cell"])
        rest = [key for key in wanted if key not in known]
        self.pretended.update(rest)
        return pl.concat([real, pl.DataFrame([self._made_up(key) for key in rest], schema=_COLUMNS, orient="row")])

    def _made_up(self, key: str) -> tuple[object, ...]:
        cell = self.cells[key]
        codes = cell.question.codes
        place = 0 if self._answers == "top" else int(key, 16) % len(codes)
        if not cell.way.scored:
            return key, "valid", None, codes[place], None, None, None, None
        even = 1 / len(codes)
        probs = [even if self._answers == "any" else float(code == codes[0]) for code in cell.item.codes]
        return key, "valid", None, None, probs, None, None, None


class _Answers:
    """The one method of a store that walking needs."""

    def __init__(self, pretending: Pretending) -> None:
        self._pretending = pretending

    def cells(self, keys: Iterable[str]) -> pl.DataFrame:
        return self._pretending.answers_to(keys)
