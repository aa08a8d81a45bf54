"""Surveys: what was asked, of whom, and what they said."""

from demoscope.surveys.demographic import Band as Band
from demoscope.surveys.demographic import Demographic as Demographic
from demoscope.surveys.files import Source as Source
from demoscope.surveys.files import open_source as open_source
from demoscope.surveys.files import read_table as read_table
from demoscope.surveys.item import Item as Item
from demoscope.surveys.item import Option as Option
from demoscope.surveys.microdata import Microdata as Microdata
from demoscope.surveys.microdata import load_microdata as load_microdata
from demoscope.surveys.microdata import microdata_from_frame as microdata_from_frame
from demoscope.surveys.survey import DEFINED as DEFINED
from demoscope.surveys.survey import EMBEDDED as EMBEDDED
from demoscope.surveys.survey import Survey as Survey
from demoscope.surveys.survey import load_survey as load_survey
from demoscope.surveys.survey import read_definition as read_definition
from demoscope.surveys.survey import survey_from_table as survey_from_table
from demoscope.surveys.synthetic import SyntheticTruth as SyntheticTruth
from demoscope.surveys.synthetic import synthetic_frame as synthetic_frame
from demoscope.surveys.synthetic import synthetic_population as synthetic_population
from demoscope.surveys.synthetic import synthetic_truth as synthetic_truth
