"""A group of people, as an expression over what is known about them; a survey and a run declare it alike."""

from demoscope.config import Group as Group
