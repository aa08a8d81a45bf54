"""Personas: respondents, or kinds of people, as a prompt can describe them."""

from demoscope.personas.cells import draw_from_cells as draw_from_cells
from demoscope.personas.matched import match_personas as match_personas
from demoscope.personas.matched import unmatched as unmatched
from demoscope.personas.targets import raked as raked
from demoscope.personas.text import persona_text as persona_text
