"""Responses: what is asked, what came back, and where it is kept."""

from demoscope.responses.cell import Cell as Cell
from demoscope.responses.collect import Summary as Summary
from demoscope.responses.collect import collect as collect
from demoscope.responses.content import answers_hash as answers_hash
from demoscope.responses.plan import Plan as Plan
from demoscope.responses.plan import plan_cells as plan_cells
from demoscope.responses.store import Store as Store
