"""Requests of the embedded survey, worded as a run words them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.config import PromptSettings
from demoscope.engines import Message, Request
from demoscope.prompts import Asker, asked_alone
from demoscope.surveys import load_survey

if TYPE_CHECKING:
    from demoscope.surveys import Item

_ASKER = Asker(load_survey("ces2016"), settings=PromptSettings(), mode="logprobs")


def request_of(key: str, item: Item, *, persona: str | None, order: str) -> Request:
    """One item asked alone; ``order`` is ``"given"`` or ``"reversed"``."""
    shown = range(len(item.options)) if order == "given" else reversed(range(len(item.options)))
    question = _ASKER.question(item, shown=tuple(shown), language="en", wording="0")
    turns = asked_alone(persona, question)
    return Request(key, tuple(Message(role, content) for role, content in turns), question.labels)
