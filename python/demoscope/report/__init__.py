"""One HTML file that shows a comparison: it needs no network, no script and no other file."""

from demoscope.report.facts import FactSection as FactSection
from demoscope.report.facts import Respondents as Respondents
from demoscope.report.facts import RunFacts as RunFacts
from demoscope.report.facts import Unanswered as Unanswered
from demoscope.report.facts import Weighted as Weighted
from demoscope.report.page import write_report as write_report
