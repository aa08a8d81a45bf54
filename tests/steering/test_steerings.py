import pytest

from demoscope.config import PromptSettings
from demoscope.errors import ConfigError
from demoscope.prompts import Asker
from demoscope.steering import STEERINGS
from tests.responses.small import SURVEY

ATTRIBUTES = {"sex": "a woman", "town": "A1"}
ASKER = Asker(SURVEY, settings=PromptSettings(), mode="logprobs")


@pytest.mark.parametrize("name", STEERINGS)
def test_only_personal_steerings_say_who_answers(name):
    steering = STEERINGS[name]()
    opening = steering.opening(ASKER, attributes=ATTRIBUTES, language="en")
    assert opening == ("You are a woman from A1." if steering.personal else None)


def test_a_steering_is_one_of_four_combinations():
    found = {name: (STEERINGS[name].personal, STEERINGS[name].adapted) for name in STEERINGS}
    assert found == {
        "unsteered": (False, False),
        "persona": (True, False),
        "adapter": (False, True),
        "adapter+persona": (True, True),
    }


def test_unknown_steering_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'persona'"):
        STEERINGS["personas"]
