"""Prompts: an item as text that a model can answer with one letter."""

from demoscope.prompts.single import Prompt as Prompt
from demoscope.prompts.single import item_prompt as item_prompt
