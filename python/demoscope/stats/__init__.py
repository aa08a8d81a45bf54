"""Frames to arrays, arrays to the Rust core, arrays to frames."""

from demoscope.stats.bootstrap import PolychoricBootstrap as PolychoricBootstrap
from demoscope.stats.bootstrap import bootstrap_polychoric as bootstrap_polychoric
from demoscope.stats.divergences import divergences as divergences
from demoscope.stats.polychoric import PolychoricFit as PolychoricFit
from demoscope.stats.polychoric import polychoric as polychoric
from demoscope.stats.polychoric import polychoric_table as polychoric_table
