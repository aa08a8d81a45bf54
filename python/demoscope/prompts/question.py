"""One item as it is put to a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What a model reads of an item, and what its answers mean.

    Attributes:
        item: Id of the item.
        body: The question and its options, without the line that says how to answer.
        instruction: The line that says how to answer.
        labels: What may be answered, in displayed order, all different.
        options: Texts of the options, in displayed order.
        codes: Code of the option that each label stands for, in displayed order.
    """

    item: str
    body: str
    instruction: str
    labels: tuple[str, ...]
    options: tuple[str, ...]
    codes: tuple[int, ...]

    @property
    def text(self) -> str:
        """The turn that asks it."""
        return f"{self.body}\n{self.instruction}"

    def label_of(self, code: int) -> str:
        """What stands for a code in this display."""
        return self.labels[self.codes.index(code)]
