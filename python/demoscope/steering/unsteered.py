"""The model as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from demoscope.prompts import item_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Prompt
    from demoscope.schema import Order
    from demoscope.surveys import Item, Survey


class UnsteeredSteering:
    """Asks without saying who answers: the reference that every other steering has to beat."""

    personal: ClassVar[bool] = False

    def prompt(self, item: Item, *, survey: Survey, attributes: Mapping[str, str] | None, order: Order) -> Prompt:  # noqa: ARG002 - the contract of every steering
        """The bare question; see :meth:`demoscope.steering.base.Steering.prompt`."""
        return item_prompt(item, persona=None, order=order)
