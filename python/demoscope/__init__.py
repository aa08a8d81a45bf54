"""How well answers of language models represent people: marginals and correlation structure.

The public interface fits on this screen; parts load when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demoscope.errors import DemoscopeError as DemoscopeError
    from demoscope.personas import match_personas as match_personas
    from demoscope.scores import Comparison as Comparison
    from demoscope.scores.compare import compare as compare
    from demoscope.stats import NearestCorrelation as NearestCorrelation
    from demoscope.stats import PolychoricBootstrap as PolychoricBootstrap
    from demoscope.stats import PolychoricFit as PolychoricFit
    from demoscope.stats import bootstrap_polychoric as bootstrap_polychoric
    from demoscope.stats import polychoric_table as polychoric_table
    from demoscope.stats.cramer_v import cramer_v as cramer_v
    from demoscope.stats.divergences import divergences as divergences
    from demoscope.stats.nearest_correlation import nearest_correlation as nearest_correlation
    from demoscope.stats.pearson import pearson as pearson
    from demoscope.stats.polychoric import polychoric as polychoric
    from demoscope.stats.polychoric_fit import polychoric_fit as polychoric_fit
    from demoscope.stats.polyserial import polyserial as polyserial
    from demoscope.stats.spearman import spearman as spearman
    from demoscope.surveys import Item as Item
    from demoscope.surveys import Microdata as Microdata
    from demoscope.surveys import Survey as Survey
    from demoscope.surveys import load_microdata as load_microdata
    from demoscope.surveys import load_survey as load_survey

__version__ = "0.1.0"

_PLACES = {
    "DemoscopeError": "errors",
    "match_personas": "personas",
    "Comparison": "scores",
    "compare": "scores",
    "NearestCorrelation": "stats",
    "PolychoricBootstrap": "stats",
    "PolychoricFit": "stats",
    "bootstrap_polychoric": "stats",
    "cramer_v": "stats",
    "divergences": "stats",
    "nearest_correlation": "stats",
    "pearson": "stats",
    "polychoric": "stats",
    "polychoric_fit": "stats",
    "polychoric_table": "stats",
    "polyserial": "stats",
    "spearman": "stats",
    "Item": "surveys",
    "Microdata": "surveys",
    "Survey": "surveys",
    "load_microdata": "surveys",
    "load_survey": "surveys",
}

__all__ = ["__version__", *_PLACES]  # noqa: PLE0604 - the keys are names


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'demoscope' has no attribute {name!r}")
    value = getattr(import_module(f"demoscope.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
