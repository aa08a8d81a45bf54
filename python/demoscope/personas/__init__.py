"""Personas: respondents as a prompt can describe them."""

from demoscope.personas.matched import match_personas as match_personas
from demoscope.personas.matched import unmatched as unmatched
from demoscope.personas.text import persona_text as persona_text
