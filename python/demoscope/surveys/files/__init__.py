"""Data files of surveys, by format."""

from demoscope.surveys.files.open import SUFFIXES as SUFFIXES
from demoscope.surveys.files.open import open_source as open_source
from demoscope.surveys.files.open import read_table as read_table
from demoscope.surveys.files.source import Source as Source
from demoscope.surveys.files.source import check_columns_exist as check_columns_exist
