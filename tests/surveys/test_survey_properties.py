"""Properties over arbitrary surveys and frames, valid and spoiled: no error but our own, and no answer lost."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.config import PromptSettings
from demoscope.errors import ConfigError, DataError, DemoscopeError
from demoscope.personas import match_personas, unmatched
from demoscope.prompts import Asker
from demoscope.surveys import load_microdata, microdata_from_frame, survey_from_table
from tests.surveys.survey_strategies import raw_frames, spoiled, spoiled_frames, surveys

WHERE = Path("s.toml")


@settings(max_examples=50)
@given(st.data())
def test_valid_surveys_read_fitting_frames_and_account_for_every_cell(data):
    table = data.draw(surveys())
    raw = data.draw(raw_frames(table))
    survey = survey_from_table(table, where=WHERE)
    micro = microdata_from_frame(raw, survey=survey)
    assert micro.frame.height == raw.height
    counted = dict(micro.missing.group_by("item").agg(pl.col("n").sum()).iter_rows())
    for part in survey.parts:
        column = micro.frame[part.id]
        assert column.null_count() == counted.get(part.id, 0)
        assert column.drop_nulls().is_in(part.codes if part in survey.items else (part.words or column)).all()
    for item in survey.items:
        kept = raw[item.id].cast(pl.Int64).is_in(item.codes)
        assert (kept.fill_null(value=False) == micro.frame[item.id].is_not_null()).all()


@settings(max_examples=50)
@given(st.data())
def test_spoiled_survey_tables_raise_config_errors_only(data):
    with suppress(ConfigError):
        survey_from_table(data.draw(spoiled(data.draw(surveys()))), where=WHERE)


@settings(max_examples=50)
@given(st.data())
def test_spoiled_frames_raise_data_errors_only(data):
    table = data.draw(surveys())
    survey = survey_from_table(table, where=WHERE)
    with suppress(DataError):
        microdata_from_frame(data.draw(spoiled_frames(data.draw(raw_frames(table)))), survey=survey)


@settings(max_examples=50)
@given(st.data())
def test_files_and_frames_give_the_same_answers(tmp_path_factory, data):
    table = data.draw(surveys())
    raw = data.draw(raw_frames(table))
    survey = survey_from_table(table, where=WHERE)
    from_frame = microdata_from_frame(raw, survey=survey)
    folder = tmp_path_factory.mktemp("files")
    raw.write_csv(folder / "x.csv")
    raw.write_parquet(folder / "x.parquet")
    for kind in ("csv", "parquet"):
        from_file = load_microdata(survey, path=folder / f"x.{kind}")
        assert from_file.frame.equals(from_frame.frame)
        assert from_file.missing.equals(from_frame.missing)


@settings(max_examples=50)
@given(st.data())
def test_personas_and_prompts_follow_from_any_survey(data):
    table = data.draw(surveys())
    survey = survey_from_table(table, where=WHERE)
    micro = microdata_from_frame(data.draw(raw_frames(table)), survey=survey)
    shown = data.draw(
        st.none() | st.lists(st.sampled_from([d.id for d in survey.demographics] or ["absent"]), max_size=3)
    )
    try:
        personas = match_personas(micro, attributes=shown, per_country=data.draw(st.none() | st.integers(1, 4)))
    except DemoscopeError:
        return
    names = survey.shown(shown)
    assert not any(personas[name].null_count() for name in names)
    facts = personas.select("profile", *names).unique()
    assert facts["profile"].n_unique() == facts.height
    assert unmatched(micro, attributes=shown)["n"].sum() + len(personas) <= micro.frame.height
    for style in ("sentence", "list", "dialogue", "portrait"):
        asker = Asker(survey, settings=PromptSettings(persona=style), mode="logprobs")
        told = asker.persona({name: personas[name][0] for name in names}, language="en")
        assert all(asker.persona({name: personas[name][0]}, language="en") for name in names)
        assert told.strip()
    for item in survey.items:
        places = range(len(item.options))
        given_order, reverse = (
            asker.question(item, shown=shown, language="en", wording="0") for shown in (places, places[::-1])
        )
        assert given_order.codes == item.codes == reverse.codes[::-1]
        assert given_order.labels == reverse.labels
        if "es" in item.translations:
            for wording in asker.wordings(item):
                spanish = asker.question(item, shown=places, language="es", wording=wording)
                assert spanish.codes == item.codes
                assert spanish.instruction == "Una letra."
