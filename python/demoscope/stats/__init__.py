"""Frames to arrays, arrays to the Rust core, arrays to frames."""

from demoscope.stats.bootstrap import PolychoricBootstrap as PolychoricBootstrap
from demoscope.stats.bootstrap import bootstrap_polychoric as bootstrap_polychoric
from demoscope.stats.cramer_v import cramer_v as cramer_v
from demoscope.stats.divergences import divergences as divergences
from demoscope.stats.nearest_correlation import NearestCorrelation as NearestCorrelation
from demoscope.stats.nearest_correlation import nearest_correlation as nearest_correlation
from demoscope.stats.pearson import pearson as pearson
from demoscope.stats.polychoric import PolychoricFit as PolychoricFit
from demoscope.stats.polychoric import polychoric as polychoric
from demoscope.stats.polychoric import polychoric_table as polychoric_table
from demoscope.stats.polychoric_fit import polychoric_fit as polychoric_fit
from demoscope.stats.polyserial import polyserial as polyserial
from demoscope.stats.spearman import spearman as spearman
