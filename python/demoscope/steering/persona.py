"""A sentence before the question says who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from demoscope.personas import persona_text
from demoscope.prompts import item_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Prompt
    from demoscope.schema import Order
    from demoscope.surveys import Item, Survey


class PersonaSteering:
    """Persona prompting: "You are a woman aged 18-34 from Ohio ..." comes first, then the question."""

    personal: ClassVar[bool] = True

    def prompt(self, item: Item, *, survey: Survey, attributes: Mapping[str, str] | None, order: Order) -> Prompt:
        """The question put to a persona; see :meth:`demoscope.steering.base.Steering.prompt`."""
        return item_prompt(item, persona=persona_text(survey, attributes or {}), order=order)
