"""One HTML file that shows a comparison: it needs no network, no script and no other file."""

from demoscope.report.facts import FactSection as FactSection
from demoscope.report.facts import RunFacts as RunFacts
from demoscope.report.page import write_report as write_report
