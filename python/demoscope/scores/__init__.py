"""Humans against models: marginals, structure, references and verdicts."""

from demoscope.scores.compare import compare as compare
from demoscope.scores.comparison import Comparison as Comparison
from demoscope.scores.verdict import Verdict as Verdict
