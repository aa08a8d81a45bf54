import math

import pytest

from demoscope.engines import Sampling
from demoscope.engines.label_probs import label_answer, pick, shares_of, tempered


def test_labels_are_renormalised_and_their_mass_is_kept():
    answer = label_answer("k", [math.log(0.3), math.log(0.1)], prompt_tokens=7)
    assert answer.probs == pytest.approx((0.75, 0.25))
    assert answer.label_mass == pytest.approx(0.4)
    assert (answer.status, answer.prompt_tokens) == ("valid", 7)


def test_a_label_without_probability_and_tiny_masses_keep_their_proportions():
    assert label_answer("k", [math.log(0.2), -math.inf], prompt_tokens=1).probs == (1.0, 0.0)
    answer = label_answer("k", [-700.0, -700.0], prompt_tokens=1)
    assert (answer.probs, answer.label_mass) == ((0.5, 0.5), pytest.approx(2 * math.exp(-700.0)))


def test_a_mass_above_one_by_a_rounding_is_one():
    assert label_answer("k", [1e-7, -20.0], prompt_tokens=1).label_mass == 1.0


@pytest.mark.parametrize("logprobs", [[math.nan, -1.0], [-1.0, math.nan]])
def test_what_is_no_number_is_an_error(logprobs):
    answer = label_answer("k", logprobs, prompt_tokens=1)
    assert (answer.status, answer.reason, answer.probs) == ("error", "not_a_number", None)


@pytest.mark.parametrize("logprob", [-math.inf, -800.0])
def test_labels_without_any_mass_are_an_invalid_answer(logprob):
    answer = label_answer("k", [logprob, logprob], prompt_tokens=1)
    assert (answer.status, answer.reason, answer.probs, answer.label_mass) == ("invalid", "no_label_mass", None, 0.0)


@pytest.mark.parametrize("logprob", [-1.0, math.nan, -math.inf])
def test_a_thought_and_its_tokens_are_kept_whatever_comes_after_it(logprob):
    answer = label_answer("k", [logprob], prompt_tokens=3, output_tokens=5, thought="Tea.")
    assert (answer.thought, answer.output_tokens, answer.prompt_tokens) == ("Tea.", 5, 3)


def test_shares_of_what_is_tiny():
    assert shares_of([-1000.0, -1000.0 + math.log(3)]) == pytest.approx([0.25, 0.75])
    assert shares_of([-math.inf, -math.inf]) == [0.5, 0.5]


def test_temperature_and_nucleus():
    probs = [0.2, 0.5, 0.3]
    assert tempered(probs, Sampling()) == pytest.approx(probs)
    assert tempered(probs, Sampling(temperature=0)) == [0, 1, 0]
    assert tempered(probs, Sampling(temperature=0.5)) == pytest.approx([0.04 / 0.38, 0.25 / 0.38, 0.09 / 0.38])
    assert tempered(probs, Sampling(top_p=0.5)) == [0, 1, 0]
    assert tempered(probs, Sampling(top_p=0.51)) == pytest.approx([0, 0.625, 0.375])
    assert tempered([1e-200, 2e-200, 0.0], Sampling(temperature=0.1)) == pytest.approx([1 / 1025, 1024 / 1025, 0])


def test_pick_never_takes_what_has_no_probability():
    probs = [0.0, 0.25, 0.0, 0.75, 0.0]
    assert [pick(probs, u) for u in (0.0, 0.2499, 0.25, 0.999999999999)] == [1, 1, 3, 3]
