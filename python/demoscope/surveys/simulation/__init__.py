"""People who were never interviewed, in the form of a survey's own file."""

from demoscope.surveys.simulation.people import simulate as simulate
from demoscope.surveys.simulation.truth import SimulationTruth as SimulationTruth
from demoscope.surveys.simulation.truth import simulation_truth as simulation_truth
from demoscope.surveys.simulation.write import write_simulated as write_simulated
