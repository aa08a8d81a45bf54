"""One item asked alone."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Literal, TypeAlias

from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from demoscope.schema import Order
    from demoscope.surveys import Item

Role: TypeAlias = Literal["system", "user"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that waits for one letter.

    Attributes:
        messages: (role, content) of each turn; the persona, where there is one, is the system turn, so that all prompts
            of a persona begin alike.
        labels: The letters in displayed order, ``"A"`` on top.
        option_codes: Code of the option that each letter stands for, in displayed order.
    """

    messages: tuple[tuple[Role, str], ...]
    labels: tuple[str, ...]
    option_codes: tuple[int, ...]


def item_prompt(item: Item, *, persona: str | None, order: Order) -> Prompt:
    """Ask one item.

    Args:
        item: The item.
        persona: Sentence that says who answers; ``None`` asks the model as it is.
        order: ``"given"`` shows the options as the survey lists them, ``"reversed"`` from the last to the first; the
            letters run from A on top either way.

    Raises:
        ConfigError: The item has more options than there are letters.
    """
    if len(item.options) > len(ascii_uppercase):
        raise ConfigError(
            f"item {item.id!r} has {len(item.options)} options; a prompt has letters for {len(ascii_uppercase)}"
        )
    options = item.options if order == "given" else item.options[::-1]
    labels = tuple(ascii_uppercase[: len(options)])
    lines = [f"{label}. {option.label}" for label, option in zip(labels, options, strict=True)]
    question = "\n".join((item.text, *lines, "Answer with one letter."))
    messages: tuple[tuple[Role, str], ...] = (("user", question),)
    if persona is not None:
        messages = (("system", persona), *messages)
    return Prompt(messages, labels, tuple(option.code for option in options))
