"""A persona as one sentence in the second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.surveys import Survey


def persona_text(survey: Survey, attributes: Mapping[str, str]) -> str:
    """Describe a persona: ``"You are a woman aged 18-34 from Ohio without a college degree."``.

    The noun comes first ("a person" where the survey has none or does not show it), the other attributes follow in the
    order of the survey.

    Args:
        survey: What the attributes are and how they are said.
        attributes: Name of each shown attribute to its value, as in the columns of personas.

    Raises:
        ConfigError: An attribute is not one of the survey.
    """
    shown = [survey.demographic(name) for name in survey.shown(attributes)]
    phrases = {part.id: part.text.replace("{value}", attributes[part.id]) for part in shown}
    noun = next((phrases.pop(part.id) for part in shown if part.noun), "a person")
    return f"You are {' '.join((noun, *phrases.values()))}."
