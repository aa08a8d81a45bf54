"""Who is asked as, whom answers are compared with, and what must not be asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.errors import ConfigError, nearest
from demoscope.personas import draw_from_cells, match_personas, raked
from demoscope.runs.settings import data_path, survey_source
from demoscope.surveys import load_microdata, load_survey, microdata_from_frame
from demoscope.surveys.groups import GROUP, grouped
from demoscope.surveys.simulation import simulate
from demoscope.surveys.wordings import with_wordings

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from demoscope.config import Group, ModelSettings, RunConfig
    from demoscope.surveys import Microdata, Survey


def load_people(config: RunConfig, base: Path) -> tuple[Survey, Microdata, pl.DataFrame]:
    """Survey, people, and the personas that stand for them.

    Where personas come from groups, survey and people are those with groups in the place of countries; where targets
    are given, people are weighted to meet them as well.

    Raises:
        ConfigError: Settings name an item, attribute or group that the survey does not have, or targets cannot be met.
        DataError: The data break a rule of the survey.
    """
    survey = load_survey(survey_source(config, base))
    if config.wording is not None:
        survey = with_wordings(survey, base / config.wording)
    data = load_data(config, survey, base)
    settings = config.personas
    if settings.source == "groups":
        data = grouped(data, chosen_groups(config, survey), pooling=settings.pooling)
    if settings.source == "cells":
        personas = draw_from_cells(
            data,
            attributes=settings.attributes,
            countries=settings.countries,
            per_country=settings.per_country,
            targets=settings.targets,
            seed=config.seed,
        )
        if settings.targets:
            data = raked(data, settings.targets, shown=survey.shown(settings.attributes))
    else:
        personas = match_personas(
            data,
            attributes=settings.attributes,
            countries=settings.countries,
            per_country=settings.per_country,
            seed=config.seed,
        )
    return data.survey, data, personas


def load_data(config: RunConfig, survey: Survey, base: Path) -> Microdata:
    """Respondents of a file, or simulated ones.

    Raises:
        ConfigError: The survey has no country that is to be simulated.
        DataError: The file breaks a rule of the survey.
    """
    if config.simulated is None:
        return load_microdata(survey, path=data_path(config, base), weight=config.weight)
    made = config.simulated
    raw = simulate(survey, countries=made.countries, respondents=made.respondents, seed=made.seed)
    return microdata_from_frame(raw, survey=survey, where=f"simulated {survey.id}", weight=config.weight)


def chosen_groups(config: RunConfig, survey: Survey) -> dict[str, Group]:
    """The groups whose members are personas: those named, or else those of the run, or else those of the survey.

    Raises:
        ConfigError: There is no group of a name that is given.
    """
    known = {**survey.groups, **config.groups}
    names = config.personas.groups or tuple(config.groups or survey.groups)
    for name in names:
        if name not in known:
            raise ConfigError(f"personas.groups: no group {name!r}{nearest(name, known)}")
    return {name: known[name] for name in names}


def told_items(config: RunConfig, survey: Survey) -> tuple[str, ...]:
    """Items whose answer a persona tells, in the order of the survey; ``survey`` is that of :func:`load_people`."""
    return survey.items_told_by(survey.shown(config.personas.attributes))


def with_asked_items(config: RunConfig, survey: Survey) -> RunConfig:
    """Settings that name their items: those given, or all; none whose answer a prompt tells unless told ones count.

    Adapters of groups are looked up by what personas show, so a name of a group becomes its text.

    Raises:
        ConfigError: An item is unknown, or is told by the prompt and asked for by name; or fewer than two are left.
    """
    told = told_items(config, survey) if config.scores.told_items == "exclude" else ()
    items = config.questions.items
    if items is None:
        items = tuple(item.id for item in survey.items if item.id not in told)
    for name in items:
        if survey.item(name).id in told:
            raise ConfigError(
                f"questions.items: {name!r} is told by the prompt; it cannot be asked as well, "
                "unless scores.told_items is 'include'"
            )
    if len(items) < 2:
        raise ConfigError(f"questions.items: {len(items)} left to ask; structure needs at least 2")
    questions = config.questions.model_copy(update={"items": items})
    models = config.models
    if config.personas.source == "groups":
        models = tuple(_with_texts_of_groups(model, survey) for model in models)
    return config.model_copy(update={"questions": questions, "models": models})


def _with_texts_of_groups(model: ModelSettings, survey: Survey) -> ModelSettings:
    texts = survey.demographic(GROUP).values
    adapters = {}
    for name, adapter in model.adapters.items():
        said = adapter.when.get(GROUP)
        if said is not None and said not in (*texts, *texts.values()):
            raise ConfigError(
                f"model {model.name!r}: adapters.{name}.when: no group {said!r} among personas{nearest(said, texts)}"
            )
        when = adapter.when if said is None else {**adapter.when, GROUP: texts.get(said, said)}
        adapters[name] = adapter.model_copy(update={"when": when})
    return model.model_copy(update={"adapters": adapters})
