"""A run is a folder: settings, personas, answers, scores, report; each stage reads the files before it."""

from demoscope.runs.execute import Outcome as Outcome
from demoscope.runs.execute import execute as execute
from demoscope.runs.execute import rewrite_report as rewrite_report
from demoscope.runs.external import Scored as Scored
from demoscope.runs.external import score_files as score_files
from demoscope.runs.installation import Check as Check
from demoscope.runs.installation import check_installation as check_installation
from demoscope.runs.preview import describe_plan as describe_plan
from demoscope.runs.prices import read_prices as read_prices
from demoscope.runs.settings import demo_config as demo_config
from demoscope.runs.settings import read_config as read_config
from demoscope.runs.show_prompt import show_prompts as show_prompts
