"""Prompts: an item as text that a model can answer, and conversations made of such texts."""

from demoscope.prompts.asker import Asker as Asker
from demoscope.prompts.conversation import Turn as Turn
from demoscope.prompts.conversation import asked_alone as asked_alone
from demoscope.prompts.conversation import asked_as_battery as asked_as_battery
from demoscope.prompts.conversation import asked_in_interview as asked_in_interview
from demoscope.prompts.question import Question as Question
