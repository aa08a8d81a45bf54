"""Labels of a file against what a survey takes its codes for."""

from __future__ import annotations

import pytest

from demoscope.surveys import Demographic, Item
from demoscope.surveys.labels import contradictions, missing_reason

IMPORTANCE = {"1": "Very important", "2": "Rather important", "3": "Not very important", "4": "Not at all important"}
TURNED = dict(zip(IMPORTANCE, reversed(IMPORTANCE.values()), strict=True))


def label_problems(part, labels, **how):
    return [found.text for found in contradictions(part, labels, **how)]


def item(options, **keys):
    return Item.model_validate({"id": "q", "text": "Well?", "options": options, **keys})


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Don't know", "dont_know"),
        ("Don\N{RIGHT SINGLE QUOTATION MARK}t know", "dont_know"),
        ("DK", "dont_know"),
        ("Refused", "refused"),
        ("No answer/refused", "refused"),
        ("Not applicable", "not_applicable"),
        ("IAP", "not_applicable"),
        ("Not asked in survey", "not_asked"),
        ("Missing; Unknown", "other_missing"),
        ("Not at all", None),
        ("Not very important", None),
        ("No", None),
        ("None at all", None),
        ("Never", None),
        ("Canada", None),
    ],
)
def test_labels_that_say_that_there_is_no_answer(label, reason):
    assert missing_reason(label) == reason


def test_other_words_for_the_same_scale_agree():
    ours = item({"1": "Agree strongly", "2": "Agree", "3": "Neither", "4": "Disagree", "5": "Disagree strongly"})
    theirs = {"1": "Strongly agree", "2": "Agree", "3": "Neither agree nor disagree", "4": "Disagree"}
    assert label_problems(ours, theirs | {"5": "Strongly disagree", "-1": "Don't know"}) == []


def test_labels_without_words_say_nothing():
    ours = item({str(i): f"{i}" for i in range(11)})
    assert label_problems(ours, {"0": "0", "10": "Complete trust"}) == []
    assert label_problems(item(IMPORTANCE), {}) == []


def test_a_scale_that_runs_the_other_way_is_found():
    (found,) = contradictions(item(IMPORTANCE), TURNED)
    assert found.codes == ("1", "2", "3", "4")
    (problem,) = label_problems(item(IMPORTANCE), TURNED)
    assert problem.startswith("the labels run the other way: code 1 is 'Not at all important' in the file")
    assert label_problems(item(IMPORTANCE), TURNED, mirrored=True) == []
    assert label_problems(item(IMPORTANCE), IMPORTANCE, mirrored=True) != []


def test_a_scale_with_named_ends_only_is_found_as_well():
    ours = item(
        {str(i): {1: "1 (never justifiable)", 10: "10 (always justifiable)"}.get(i, f"{i}") for i in range(1, 11)}
    )
    assert label_problems(ours, {"1": "Never justifiable", "10": "Always justifiable"}) == []
    assert label_problems(ours, {"10": "Never justifiable", "1": "Always justifiable"}) != []


def test_options_that_changed_places_are_found():
    ours = item({"1": "Better off", "3": "About the same", "2": "Worse off"})
    assert label_problems(ours, {"1": "Better off", "2": "Worse off", "3": "Or about the same"}) == []
    (problem,) = label_problems(ours, {"1": "Better off", "3": "Worse off", "2": "About the same"})
    assert "codes 3 and 2 have changed places" in problem


def test_an_answer_that_the_file_calls_missing_is_found():
    ours = item({"1": "Yes", "2": "No", "3": "Perhaps"})
    assert label_problems(ours, {"1": "Yes", "2": "No", "3": "Don't know"}) == [
        "code 3 is labelled \"Don't know\" in the file and declared as the answer 'Perhaps'"
    ]
    unsure = item({"1": "Yes", "2": "No", "3": "Not sure"})
    assert label_problems(unsure, {"1": "Yes", "2": "No", "3": "Unsure"}) == []


def test_attributes_are_compared_as_well():
    sex = Demographic.model_validate({"id": "sex", "values": {"1": "man", "2": "woman"}})
    assert label_problems(sex, {"1": "Male", "2": "Female"}) == []
    (problem,) = label_problems(sex, {"1": "Female", "2": "Male"})
    assert "changed places" in problem
    nominal = item({"1": "Catholic", "2": "Protestant", "3": "Muslim"}, type="nominal")
    assert label_problems(nominal, {"1": "Muslim", "2": "Protestant", "3": "Catholic"}) != []
