from __future__ import annotations

import pytest

from demoscope.engines.thinking import Thinking

FIRST = Thinking("first", 64)
SWITCHED = "{% if not enable_thinking %}<think></think>{% endif %}"


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_switch_in_the_template_is_used(mode: str) -> None:
    thinking = Thinking(mode)  # type: ignore[arg-type]
    assert thinking.variables(SWITCHED, {"date": "today"}) == {"enable_thinking": False, "date": "today"}
    assert thinking.variables("{{ messages }}", {}) == {}
    assert thinking.described(SWITCHED) == "switched off in the template"
    assert thinking.described("{{ messages }}") == "none"


def test_thinking_first_switches_it_on() -> None:
    assert FIRST.variables(SWITCHED, {}) == {"enable_thinking": True}
    assert FIRST.described(SWITCHED) == FIRST.described("") == "first, up to 64 tokens"


@pytest.mark.parametrize(
    ("behind", "is_open"),
    [
        ("<a>", False),
        ("<a><think>\n", True),
        ("<a><think>\n\n</think>\n\n", False),
        ("<a><think>\n\n</think>\n\n<think>", True),
        ("<a></think>", False),
    ],
)
def test_an_open_thought_is_seen(behind: str, is_open: bool) -> None:
    assert Thinking().is_open("<u>Tea?<e>" + behind, said=" Tea? ") is is_open


def test_a_message_may_speak_of_thoughts() -> None:
    said = "What does <think> mean?"
    assert not Thinking().is_open(f"<u>{said}<e><a>", said=said)


def test_a_thought_is_opened_once() -> None:
    assert FIRST.opened("<u>Tea?<e><a>", said="Tea?") == "<u>Tea?<e><a><think>\n"
    assert FIRST.opened("<u>Tea?<e><a><think>\n", said="Tea?") == "<u>Tea?<e><a><think>\n"


def test_markers_of_ones_own() -> None:
    assert Thinking("first", end="[/THINK]").opened("Tea?<a>", said="Tea?") == "Tea?<a>[THINK]\n"
    # Nothing tells how such a thought begins: that is left to the model, or to the template.
    assert Thinking("first", end="so:").opened("Tea?<a>", said="Tea?") == "Tea?<a>"
    assert not Thinking(end="so:").is_open("Tea?<a>so", said="Tea?")


def test_a_thought_that_was_cut_is_closed_and_can_be_told() -> None:
    assert FIRST.closed("I like tea.\n", ended=True) == "I like tea.\n</think>\n\n"
    assert FIRST.closed("I like", ended=False) == "I like\n</think>\n\n"
    assert FIRST.written("I like tea.\n", ended=True) == "I like tea.\n</think>"
    assert FIRST.written("I like", ended=False) == "I like"


def test_what_decides_about_answers() -> None:
    assert Thinking("auto", 64).identity == Thinking("off", 512).identity
    assert len({str(Thinking("first", budget).identity) for budget in (64, 128)} | {str(Thinking().identity)}) == 3
