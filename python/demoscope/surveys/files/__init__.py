"""Data files of surveys, by format."""

from demoscope.surveys.files.cache import CachedFile as CachedFile
from demoscope.surveys.files.cache import cached_files as cached_files
from demoscope.surveys.files.cache import clear_cache as clear_cache
from demoscope.surveys.files.open import SUFFIXES as SUFFIXES
from demoscope.surveys.files.open import open_source as open_source
from demoscope.surveys.files.open import read_table as read_table
from demoscope.surveys.files.source import Source as Source
from demoscope.surveys.files.source import check_columns_exist as check_columns_exist
