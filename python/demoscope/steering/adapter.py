"""A model that was fine-tuned on the answers of a group answers for its members."""

from __future__ import annotations

from typing import ClassVar

from demoscope.steering.persona import PersonaSteering
from demoscope.steering.unsteered import UnsteeredSteering


class AdapterSteering(UnsteeredSteering):
    """Demographic fine-tuning: the bare question, put to the adapter of the persona's group."""

    adapted: ClassVar[bool] = True


class AdapterPersonaSteering(PersonaSteering):
    """Both at once: the adapter of the group is told who answers."""

    adapted: ClassVar[bool] = True
