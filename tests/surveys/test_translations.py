"""Surveys in several languages: what a file may say, and which mistakes it cannot make."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from demoscope.errors import ConfigError
from demoscope.surveys import load_survey, survey_from_table
from demoscope.surveys.phrases import Phrases, filled, shipped_phrases

FILE = Path(__file__).parent / "definitions/town.toml"
TOWN = load_survey(FILE)


def survey_with(change):
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    change(table)
    return survey_from_table(table, where=Path("s.toml"))


def part(table, name):
    return next(entry for entry in (*table["items"], *table["demographics"]) if entry["id"] == name)


def es(table, name):
    return part(table, name)["translations"]["es"]


def test_a_scale_is_translated_once_for_all_its_items():
    assert TOWN.item("taxes").labels_in("es") == ("De acuerdo", "Ni lo uno ni lo otro", "En desacuerdo")
    assert TOWN.item("taxes").labels_in() == ("Agree", "Neither", "Disagree")


@pytest.mark.parametrize("options", [{"1": "Sí", "0": "No"}, {"0": "No", "1": "Sí"}, ["Sí", "No"]])
def test_labels_come_by_code_or_in_the_order_of_the_item(options):
    survey = survey_with(lambda table: es(table, "voted").update(options=options))
    assert survey.item("voted").labels_in("es") == ("Sí", "No")


def test_a_translation_can_name_another_scale():
    def change(table):
        table["translations"]["es"]["scales"]["shorter"] = ["Sí", "Regular", "No"]
        table["scales"]["shorter"] = {"1": "Yes", "2": "So so", "3": "No"}
        es(table, "taxes")["options"] = "shorter"

    assert survey_with(change).item("taxes").labels_in("es") == ("Sí", "Regular", "No")


def test_languages_and_words():
    assert TOWN.known_languages == ("en", "es")
    assert TOWN.languages == {"Peru": "es"}
    sex, city = TOWN.demographic("sex"), TOWN.demographic("city")
    assert sex.word_in("es", value="woman") == "una mujer"
    assert sex.word_in(None, value="woman") == "woman"
    assert city.word_in("es", value="Lima") == "Lima"
    with pytest.raises(ConfigError, match=r"demographic 'sex' lacks 'child' in translations\.es\.values"):
        sex.word_in("es", value="child")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: part(t, "taxes").update(paraphrases=["Taxes should be lower. "]), "two of its wordings are 'Taxes"),
        (lambda t: part(t, "taxes").update(paraphrases=["a", "b", "a"]), "item 'taxes': two of its wordings are 'a'"),
        (lambda t: part(t, "taxes").update(paraphrases=["  "]), "key 'items.0.paraphrases.0'"),
        (lambda t: es(t, "taxes").update(text=" "), "key 'items.0.translations.es.text'"),
        (lambda t: es(t, "taxes").update(paraphrases=["a", "b", "c"]), "has 3 paraphrases, the item itself 2"),
        (lambda t: es(t, "taxes").update(paraphrases=["a", "a"]), "translations.es: two of its wordings are 'a'"),
        (lambda t: es(t, "voted").update(options=["Sí"]), "has 1 options, the item itself 2"),
        (lambda t: es(t, "voted").update(options={"1": "Sí", "2": "No"}), "has options 1, 2; the item has (1, 0)"),
        (lambda t: es(t, "voted").update(options=["No", "No"]), "label 'No' stands for several options"),
        (lambda t: es(t, "taxes").update(options="agrement"), "has no 'agrement'; did you mean 'agreement'?"),
        (lambda t: es(t, "taxes").update(txt="a"), "unknown key 'items.0.translations.es.txt'; did you mean 'text'?"),
        (lambda t: part(t, "taxes")["translations"].update(en={"text": "a"}), "'taxes': translations.en is the lang"),
        (lambda t: part(t, "taxes")["translations"].update({"E S": {}}), "translations"),
        (
            lambda t: es(t, "sex").update(text="una"),
            "demographic 'sex': translations.es.text must contain {value} once",
        ),
        (lambda t: es(t, "sex")["values"].update(womn="x"), "no value is 'womn'; did you mean 'woman'?"),
        (lambda t: t["languages"].update(Perú="es"), "languages has 'Perú', no country of this survey; did you mean"),
        (lambda t: t["languages"].update(Peru="qu"), "'Peru' speaks 'qu', in which the survey says nothing"),
        (lambda t: t["translations"]["es"]["scales"].update(x=["a"]), "translations.es.scales: no scale is called 'x'"),
        (lambda t: t["translations"].update(en={"scales": {"agreement": ["a"]}}), "'en' is the language of the survey"),
        (lambda t: t["translations"]["es"].update(phrases={"leter": "x"}), "did you mean 'letter'?"),
        (
            lambda t: t["translations"]["es"].update(phrases={"fact": "{label}"}),
            "must contain {label} once and {value}",
        ),
        (lambda t: t["translations"]["es"].update(phrases={"letter": "{x}"}), "must contain no braces"),
        (lambda t: t["translations"]["es"].update(phrases={"letter": " "}), "is blank"),
        (lambda t: t.update(language="English!"), "key 'language'"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ConfigError) as error:
        survey_with(change)
    assert message in str(error.value)
    assert "s.toml: " in str(error.value)


def test_every_shipped_language_has_every_phrase_with_its_places():
    shipped = shipped_phrases()
    assert {"en", "es", "fr", "de", "pt", "it"} <= set(shipped)
    for language, phrases in shipped.items():
        assert set(phrases.given()) == set(Phrases.model_fields), language
    for name in Phrases.model_fields:
        places = {tuple(sorted(re.findall(r"\{\w+\}", phrases.given()[name]))) for phrases in shipped.values()}
        assert len(places) == 1, name
        texts = {phrases.given()[name] for phrases in shipped.values()}
        assert len(texts) > 1 or name in ("fact", "label_question", "battery_question"), name


def test_a_survey_puts_its_phrases_in_place_of_shipped_ones():
    survey = survey_with(lambda t: t["translations"]["es"].update(phrases={"letter": "Contesta con una letra."}))
    assert survey.phrase("letter", language="es") == "Contesta con una letra."
    assert survey.phrase("number", language="es") == "Responde con un solo número."
    own = survey_with(lambda t: t["translations"].update(en={"phrases": {"letter": "One letter, please."}}))
    assert own.phrase("letter", language="en") == "One letter, please."


def test_a_regional_language_starts_from_its_base_and_no_other_from_english():
    assert TOWN.phrase("letter", language="es-PE") == TOWN.phrase("letter", language="es")
    with pytest.raises(ConfigError, match=r"language 'sw': survey 'town' lacks 'letter' in \[translations\.sw\.phras"):
        TOWN.phrase("letter", language="sw")


def test_braces_of_values_are_not_filled_again():
    assert filled("{label}: {value}", label="{value}", value="{label}") == "{value}: {label}"
