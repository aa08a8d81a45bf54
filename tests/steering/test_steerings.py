import pytest

from demoscope.errors import ConfigError
from demoscope.steering import STEERINGS
from tests.responses.small import SURVEY

ATTRIBUTES = {"sex": "a woman", "town": "A1"}


@pytest.mark.parametrize("name", STEERINGS)
def test_every_steering_asks_the_item(name):
    steering = STEERINGS[name]()
    prompt = steering.prompt(
        SURVEY.item("trust"), survey=SURVEY, attributes=ATTRIBUTES if steering.personal else None, order="reversed"
    )
    assert prompt.option_codes == (3, 2, 1)
    assert prompt.labels == ("A", "B", "C")
    text = "\n".join(content for _, content in prompt.messages)
    assert text.index("A. much") < text.index("B. some") < text.index("C. no")


def test_unsteered_prompts_show_nobody():
    unsteered = STEERINGS["unsteered"]()
    assert not unsteered.personal
    item = SURVEY.item("vote")
    shown = unsteered.prompt(item, survey=SURVEY, attributes=ATTRIBUTES, order="given")
    assert shown == unsteered.prompt(item, survey=SURVEY, attributes=None, order="given")
    assert "woman" not in str(shown.messages)


def test_persona_comes_before_the_question_and_is_shared_by_items():
    persona = STEERINGS["persona"]()
    first, second = (
        persona.prompt(SURVEY.item(item), survey=SURVEY, attributes=ATTRIBUTES, order="given")
        for item in ("trust", "vote")
    )
    assert first.messages[0] == second.messages[0]
    assert first.messages[0][1] == "You are a woman from A1."
    assert "Trust?" in first.messages[1][1]


def test_unknown_steering_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'persona'"):
        STEERINGS["personas"]
