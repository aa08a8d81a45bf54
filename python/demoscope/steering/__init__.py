"""Steerings: how a persona reaches a model."""

from typing import Final

from demoscope.registry import Registry
from demoscope.steering.base import Steering as Steering

STEERINGS: Final = Registry(
    "steering",
    {
        "adapter": "demoscope.steering.adapter:AdapterSteering",
        "adapter+persona": "demoscope.steering.adapter:AdapterPersonaSteering",
        "persona": "demoscope.steering.persona:PersonaSteering",
        "unsteered": "demoscope.steering.unsteered:UnsteeredSteering",
    },
)
"""Every steering by name; an entry is a class without arguments that satisfies ``Steering``."""
