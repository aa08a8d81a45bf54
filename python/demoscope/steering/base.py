"""The contract of a steering."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Prompt
    from demoscope.schema import Order
    from demoscope.surveys import Item, Survey


class Steering(Protocol):
    """A way to make a model answer as somebody.

    Attributes:
        personal: Whether prompts depend on who is asked.
            Where they do not, an item is asked once and its answer serves every persona.
    """

    personal: ClassVar[bool]

    def prompt(self, item: Item, *, survey: Survey, attributes: Mapping[str, str] | None, order: Order) -> Prompt:
        """The conversation that asks one item.

        Args:
            item: What is asked.
            survey: How attributes are said.
            attributes: Name of each shown attribute to its value; ``None`` where the steering is not personal.
            order: Order of the options.

        Raises:
            ConfigError: The item has more options than a prompt has labels.
        """
        ...
