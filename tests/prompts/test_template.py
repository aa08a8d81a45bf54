"""Prompts in a user's own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from demoscope.config import PromptSettings
from demoscope.errors import ConfigError
from demoscope.prompts import Asker
from demoscope.surveys import survey_from_table
from tests.prompts.test_asker import HOSTILE, TOWN, WOMAN

DOCS = Path(__file__).parents[2] / "docs/settings.md"

WHOLE = '''
persona = "Answer as somebody who is {{ attributes|join(', ', attribute='value') }} ({{ language }})."
question = """
Q: {{ text }}
{% for option in options -%}
{{ option.label }}) {{ option.text }}
{% endfor -%}
"""
instruction = "{{ instruction }} ({{ labels|join('/') }})"
battery = "{% for q in questions %}[{{ q.number }}] {{ q.text }}\\n{% endfor %}"
battery_turn = "[{{ number }} of {{ count }}] {{ instruction }}"
'''


@pytest.fixture
def asker(tmp_path):
    def made(source, *, survey=TOWN, mode="logprobs", **settings):
        path = tmp_path / "mine.toml"
        path.write_text(source, encoding="utf-8")
        return Asker(survey, settings=PromptSettings(template=str(path), **settings), mode=mode)

    return made


def ask(asker, name="voted", language="en"):
    item = TOWN.item(name)
    return asker.question(item, shown=range(len(item.options))[::-1], language=language, wording="0")


def test_all_parts_in_own_words(asker):
    one = asker(WHOLE)
    assert one.persona(WOMAN, language="es") == "Answer as somebody who is una mujer, menos de 40, Lima (es)."
    question = ask(one)
    assert question.body == "Q: Did you vote in the last election?\nA) No\nB) Yes"
    assert question.instruction == "Answer with one letter. (A/B)"
    assert question.codes == (0, 1)
    announced, turns = one.battery([question, question], language="en")
    assert announced == f"[1] {question.body}\n[2] {question.body}"
    assert turns[1] == "[2 of 2] Answer with one letter. (A/B)"
    one.check(TOWN.items, countries=("Ohio", "Peru"), battery=True)


def test_parts_that_are_absent_stay_as_they_are(asker):
    one = asker('persona = "{{ persona }} Answer as yourself."', persona="portrait")
    assert one.persona(WOMAN, language="en") == "I am a woman aged under 40 from Lima. Answer as yourself."
    assert ask(one).text == "Did you vote in the last election?\nA. No\nB. Yes\nAnswer with one letter."


@pytest.mark.parametrize("hostile", HOSTILE)
def test_values_stay_data(asker, hostile):
    one = asker("persona = '[{{ values.city }}] {{ persona }}'")
    text = one.persona({"city": hostile}, language="en")
    value = text[1 : text.index("] You are")]
    assert text.count(value) == 2
    assert not {"\n", "\x00", "\u202e", "\ud800"} & set(value)
    assert "<|im_" not in text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("question = '{{ text }}'", "question: never shows the text of option 1"),
        ("question = '{{ options|join(attribute=\"text\") }}'", "question: never shows the text of the question"),
        (
            "question = '{{ text }} {{ options|join(attribute=\"text\") }}'",
            "question: never shows the label of option 1 (option.label)",
        ),
        ("battery = '{{ questions[0].text }}'", "battery: never shows question 2 (question.text)"),
        ("battery_turn = '{{ instruction }}'", "battery_turn: never shows which question it is about ({{ number }})"),
        ("persona = '''\n\n{{ attribute }}'''", "persona, line 2: no variable 'attribute'; did you mean 'attributes'?"),
        ("instruction = '  '", "instruction: writes nothing"),
        ("instruction = ''", "key 'instruction'"),
        ("questoin = 'x'", "unknown key 'questoin'; did you mean 'question'?"),
        ("question = 3", "key 'question'"),
        ("question = [", "not a TOML file"),
        ("", "no template; keys are persona, question, instruction, battery, battery_turn"),
        ("question = '{% for i in range(1000000000) %}{% endfor %}'", "question, line 1: range has more"),
    ],
)
def test_wrong_files_are_named_with_key_and_reason(asker, source, message):
    with pytest.raises(ConfigError) as error:
        asker(source)
    assert "mine.toml: " in str(error.value)
    assert message in str(error.value)


def test_options_that_are_their_own_labels_need_no_others(asker):
    source = 'question = \'{{ text }} {{ options|join(", ", attribute="text") }}\''
    assert ask(asker(source, labels="text")).body == "Did you vote in the last election? No, Yes"


def test_an_absent_file_is_an_error():
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file"):
        Asker(TOWN, settings=PromptSettings(template="/absent.toml"), mode="logprobs")


def test_a_persona_has_to_tell_its_values_apart(asker):
    one = asker("persona = 'A {{ values.sex }} of {{ values.age_band }}.'")
    one.check(TOWN.items, countries=("Ohio",), attributes=("sex", "age_band"))
    with pytest.raises(ConfigError, match=r"mine\.toml: persona: two values of 'city' read the same"):
        one.check(TOWN.items, countries=("Ohio",))
    with pytest.raises(ConfigError, match=r"mine\.toml: persona, line 1: there is no 'age_band' here"):
        one.check(TOWN.items, countries=("Ohio",), attributes=("sex",))
    pronouns = asker("persona = \"{{ 'She' if values.sex == 'woman' else 'He' }} answers.\"")
    pronouns.check(TOWN.items, countries=("Ohio",), attributes=("sex",))


def test_words_of_the_file_are_tried_as_they_are_translated(asker):
    table = TOWN.model_dump(exclude_unset=True, mode="json")
    city = next(part for part in table["demographics"] if part["id"] == "city")
    city["translations"]["es"] = {"text": "de {value}", "values": {"Lima": "Lima", "Cuzco": "Cusco"}}
    survey = type(TOWN).model_validate(table)
    one = asker("persona = '{{ values.city }}'", survey=survey)
    one.check(survey.items, countries=("Peru",), attributes=("city",))
    assert one.persona({"city": "Cuzco"}, language="es") == "Cusco"


def test_own_words_need_no_phrases(asker):
    table = TOWN.model_dump(exclude_unset=True, mode="json") | {"language": "sw", "languages": {}}
    survey = type(TOWN).model_validate(table)
    asker("persona = '{{ values.city }}'\ninstruction = 'Jibu.'", survey=survey).check(
        survey.items, countries=("Ohio",), attributes=("city",)
    )
    with pytest.raises(ConfigError, match="lacks 'letter' in"):
        asker("persona = '{{ values.city }}'\ninstruction = '{{ instruction }}'", survey=survey).check(
            survey.items, countries=("Ohio",), attributes=("city",)
        )


def test_a_question_may_tell_modes_and_labels_apart(asker):
    source = "instruction = \"{{ 'Percent, please.' if mode == 'verbalized' else 'One word.' }}\""
    assert ask(asker(source, mode="verbalized")).instruction == "Percent, please."
    assert ask(asker(source, labels="text")).text.endswith("- No\n- Yes\nOne word.")


def blocks():
    """TOML examples of the documentation, by the comment in their first line."""
    found = re.findall(r"```toml\n# (.*?)\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    return dict(found)


def test_the_template_of_the_documentation_words_its_survey(asker):
    survey = survey_from_table(tomllib.loads(blocks()["my-survey.toml"]), where=Path("my-survey.toml"))
    one = asker(blocks()["my-prompts.toml"], survey=survey)
    one.check(survey.items, countries=("Ohio",), battery=True)
    assert one.persona({"sex": "woman", "age_band": "40 or over"}, language="en") == (
        "Answer like somebody who is woman, 40 or over."
    )
    question = one.question(survey.item("voted"), shown=(0, 1), language="en", wording="0")
    assert question.text == (
        "Question: Did you vote in the last election?\n(A) Yes\n(B) No\nAnswer with one letter. Write nothing else."
    )


def test_styles_and_translations_of_the_documentation():
    table = tomllib.loads(blocks()["my-survey.toml"])
    survey = survey_from_table(table, where=Path("my-survey.toml"))
    shown = dict(
        re.findall(r"^\| `(sentence|portrait|list|dialogue)` \| (.*) \|$", DOCS.read_text(), flags=re.MULTILINE)
    )
    for style, text in shown.items():
        one = Asker(survey, settings=PromptSettings(persona=style), mode="logprobs")
        told = one.persona({"sex": "woman", "age_band": "40 or over"}, language="en")
        assert told.replace("\n", "<br>") == text
    assert len(shown) == 4
    example = next(text for title, text in blocks().items() if "country_column" in title)
    head = 'id = "town"\ntitle = "Town"\ncountry_column = "land"\ncountries = { 1 = "Ohio", 2 = "Peru" }\n'
    scales = '[scales]\nagreement = { 1 = "Agree", 2 = "Neither", 3 = "Disagree" }\n'
    languages, _, rest = example.partition("\n\n")
    survey = survey_from_table(tomllib.loads(f"{head}{languages}\n{scales}{rest}"), where=Path("town.toml"))
    one = Asker(survey, settings=PromptSettings(wordings="all"), mode="logprobs")
    one.check(survey.items, countries=("Ohio", "Peru"))
    assert one.persona({"sex": "woman"}, language="es") == "Eres una mujer."
