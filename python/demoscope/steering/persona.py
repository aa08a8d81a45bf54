"""A text before the question says who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Asker


class PersonaSteering:
    """Persona prompting: "You are a woman aged 18-34 from Ohio ..." comes first, then the question."""

    personal: ClassVar[bool] = True
    adapted: ClassVar[bool] = False

    def opening(self, asker: Asker, *, attributes: Mapping[str, str], language: str) -> str | None:
        """The persona; see :meth:`demoscope.steering.base.Steering.opening`."""
        return asker.persona(attributes, language=language)
