"""Conversations as models take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.engines.base import Message

if TYPE_CHECKING:
    from collections.abc import Sequence


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The same conversation for a model without system turns: what they say opens the first turn of the user."""
    said = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if said and rest:
        rest[0] = Message(rest[0].role, "\n\n".join([*said, rest[0].content]))
    return rest
