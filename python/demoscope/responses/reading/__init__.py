"""Reading: which option a text names, or why it names none."""

from demoscope.responses.reading.distribution import DistributionReading as DistributionReading
from demoscope.responses.reading.distribution import read_distribution as read_distribution
from demoscope.responses.reading.text import Reading as Reading
from demoscope.responses.reading.text import read_text as read_text
