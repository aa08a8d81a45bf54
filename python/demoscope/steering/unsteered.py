"""The model as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Asker


class UnsteeredSteering:
    """Asks without saying who answers: the reference that every other steering has to beat."""

    personal: ClassVar[bool] = False
    adapted: ClassVar[bool] = False

    def opening(self, asker: Asker, *, attributes: Mapping[str, str], language: str) -> str | None:  # noqa: ARG002 - the contract of every steering
        """Nothing; see :meth:`demoscope.steering.base.Steering.opening`."""
        return None
