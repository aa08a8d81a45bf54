"""One model after it was asked, as the manifest and the report tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demoscope.config import ModelSettings
    from demoscope.responses import Summary


@dataclass(frozen=True)
class Asked:
    """One model after it was asked.

    Attributes:
        settings: Its table in the settings.
        revision: Which weights and settings answered.
        facts: Versions and hardware.
        summary: Counts of the answers.
    """

    settings: ModelSettings
    revision: str
    facts: dict[str, str]
    summary: Summary
