"""Languages, wordings and orders as factors of a plan."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import ConfigError
from demoscope.responses import Store, collect
from demoscope.surveys import survey_from_table
from tests.responses.small import Listening, cells_of, plan

TABLE = {
    "id": "two",
    "title": "Two",
    "country_column": "land",
    "languages": {"B": "es"},
    "demographics": [
        {
            "id": "sex",
            "text": "{value}",
            "noun": True,
            "values": {"1": "a man", "2": "a woman"},
            "translations": {"es": {"values": {"a man": "un hombre", "a woman": "una mujer"}}},
        }
    ],
    "items": [
        {
            "id": name,
            "text": f"{name}?",
            "paraphrases": [f"Really {name}?"],
            "options": {"1": "no", "2": "some", "3": "much"},
            "translations": {
                "es": {"text": f"¿{name}?", "paraphrases": [f"¿De veras {name}?"], "options": ["a", "b", "c"]}
            },
        }
        for name in ("trust", "vote")
    ],
}
SURVEY = survey_from_table(TABLE, where=Path("two.toml"))


def people(each=20):
    rows = [
        (f"p-{country}{sex[2]}{n}", country, None, 1.0, f"sex={sex}|n={n}", sex)
        for country in "AB"
        for sex in ("a man", "a woman")
        for n in range(each)
    ]
    names = ["persona_id", "country", "source_respondent_id", "weight", "profile", "sex"]
    return pl.DataFrame(
        rows, schema={name: pl.Float64 if name == "weight" else pl.String for name in names}, orient="row"
    )


def test_each_country_is_asked_in_its_language(tmp_path):
    asked = plan(people(2), survey=SURVEY, order="given")
    for cell in cells_of(asked):
        text = "\n".join(message.content for message in cell.request.messages)
        assert ("¿" in text) == (cell.display.language == "es")
        assert ("mujer" in text or "hombre" in text) == (
            cell.display.language == "es" and cell.way.steering == "persona"
        )
    with Store(tmp_path) as store:
        collect(asked, Listening(), store)
        table = asked.responses(store)
    languages = table.select("country", "language").unique().sort("country").rows()
    assert languages == [("A", "en"), ("B", "es")]
    # A distribution and a draw for each of 8 personas, 2 items and 2 steerings.
    assert table.height == 2 * 8 * 2 * 2


def test_one_language_for_everybody():
    cells = cells_of(plan(people(2), survey=SURVEY, prompts={"language": "en"}))
    assert {cell.display.language for cell in cells} == {"en"}


def test_what_a_language_lacks_is_said_before_anything_is_asked():
    table = {**TABLE, "items": [{k: v for k, v in item.items() if k != "translations"} for item in TABLE["items"]]}
    with pytest.raises(ConfigError, match=r"'es'.*'trust'"):
        plan(people(2), survey=survey_from_table(table, where=Path("two.toml")))


def test_wordings(tmp_path):
    balanced = cells_of(
        plan(people(), survey=SURVEY, order="given", steerings=("persona",), prompts={"wordings": "balanced"})
    )
    counts = Counter(cell.display.wording for cell in balanced)
    assert counts.total() == 160
    assert min(counts.values()) > 50
    every = plan(people(2), survey=SURVEY, order="given", prompts={"wordings": "all"}, draws=4)
    with Store(tmp_path) as store:
        collect(every, Listening(), store)
        table = every.responses(store)
    for part in table.filter(pl.col("draw") >= 0).partition_by("steering", "persona_id", "item"):
        assert sorted(part["wording"]) == ["0", "0", "1", "1"]
    assert table.filter(draw=-1).height == 2 * 8 * 2 * 2


def test_shuffled_options_differ_between_profiles_and_come_back_in_order(tmp_path):
    asked = plan(people(), survey=SURVEY, order="shuffled", steerings=("persona",))
    shown = Counter(cell.question.codes for cell in cells_of(asked))
    assert len(shown) == 6
    assert min(shown.values()) > 10
    with Store(tmp_path) as store:
        collect(asked, Listening(), store)
        probs = {row["cell"]: row["probs"] for row in store.cells().iter_rows(named=True)}
    for cell in cells_of(asked):
        weights = dict(zip(cell.question.codes, probabilities(cell), strict=True))
        assert probs[cell.key] == pytest.approx([weights[code] for code in (1, 2, 3)])


def probabilities(cell):
    (answer,) = Listening().ask([cell.request])
    return answer.probs


def test_a_prompt_for_everybody_is_shuffled_by_asking_both_orders():
    cells = cells_of(plan(people(2), survey=SURVEY, order="shuffled", steerings=("unsteered",)))
    assert {cell.display.order for cell in cells} == {"given", "reversed"}
