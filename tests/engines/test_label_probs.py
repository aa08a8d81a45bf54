import math

import pytest

from demoscope.engines import Message, Request, Sampling
from demoscope.engines.label_probs import along, branches, label_answer, pick, shares_of, tempered, told_apart, walk


def test_labels_are_renormalised_and_their_mass_is_kept():
    answer = label_answer("k", [math.log(0.3), math.log(0.1)], prompt_tokens=7)
    assert answer.probs == pytest.approx((0.75, 0.25))
    assert answer.label_mass == pytest.approx(0.4)
    assert (answer.status, answer.prompt_tokens) == ("valid", 7)


def test_what_is_no_number_and_what_has_no_mass():
    assert label_answer("k", [math.nan, 0.0], prompt_tokens=1).reason == "not_a_number"
    answer = label_answer("k", [-math.inf, -1e4], prompt_tokens=1)
    assert (answer.status, answer.reason, answer.label_mass) == ("invalid", "no_label_mass", 0.0)


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


def test_labels_that_begin_alike_are_all_closed():
    assert told_apart([(1,), (2, 3)], end=9) == [(1,), (2, 3)]
    assert told_apart([(1, 2), (1, 3)], end=9) == [(1, 2), (1, 3)]
    assert told_apart([(1,), (1, 0), (2,)], end=9) == [(1, 9), (1, 0, 9), (2, 9)]


def test_labels_are_walked_token_by_token():
    labels = [(1, 9), (1, 0, 9), (2, 9)]
    assert branches(labels) == {(): [1, 2], (1,): [0, 9], (1, 0): [9], (2,): [9]}
    after = {(): {1: 0.5, 2: 0.3}, (1,): {0: 0.1, 9: 0.3}, (1, 0): {9: 0.01}, (2,): {9: 0.5}}
    logs = {path: {token: math.log(prob) for token, prob in tokens.items()} for path, tokens in after.items()}
    assert [math.exp(along(label, logs)) for label in labels] == pytest.approx([0.15, 0.0005, 0.15])
    number = 4000
    drawn = [
        walk(labels, Request("k", (Message("user", "?"),), ("1", "10", "2"), seed=seed), logs.__getitem__)
        for seed in range(number)
    ]
    for label, share in enumerate((0.625 * 0.75, 0.625 * 0.25, 0.375)):
        assert drawn.count(label) / number == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / number))
