"""Keyed random numbers against a slow twin that shares no code with the core."""

import numpy as np
import pytest

from demoscope import _native
from demoscope.errors import ConfigError, DataError
from demoscope.stats import kernels
from tests.reference import streams


@pytest.mark.parametrize(("seed", "country"), [(0, ""), (20260101, "Ohio"), (2**64 - 1, "Côte d'Ivoire")])
def test_replicates_follow_their_streams(seed: int, country: str) -> None:
    counts = kernels.respondent_multiplicities(50, replicates=4, seed=seed, country=country)
    orders = kernels.permutations(50, 4, seed=seed, purpose="references", country=country)
    for replicate in range(4):
        label = f"{country}|{replicate}"
        assert counts[replicate].tolist() == streams.multiplicities(50, seed=seed, label=f"respondent|{label}")
        assert orders[replicate].tolist() == streams.permutation(50, seed=seed, label=f"references|{label}")


def test_golden_values() -> None:
    assert streams.stream_number("respondent|Ohio|0") == 18385824047209434579
    assert next(streams.numbers(20260101, "respondent|Ohio|0")) == 17826283543334102174
    counts = kernels.respondent_multiplicities(8, replicates=2, seed=1, country="Ohio")
    assert counts.tolist() == [[1, 2, 1, 0, 1, 0, 1, 2], [2, 0, 2, 1, 0, 1, 2, 0]]
    order = kernels.permutation(8, seed=1, purpose="shuffle", country="Ohio", replicate=0)
    assert order.tolist() == [1, 3, 2, 4, 5, 6, 0, 7]
    drawn = _native.draw_answers(np.array([[0.2, 0.3, 0.5]]), np.array([0]), ["p1|q1|given"], 1, 0, 12)
    assert drawn[0].tolist() == [2, 2, 2, 2, 1, 0, 1, 0, 1, 1, 2, 1]


def test_a_replicate_does_not_depend_on_the_others() -> None:
    few = kernels.respondent_multiplicities(30, replicates=100, seed=3, country="Texas", threads=1)
    many = kernels.respondent_multiplicities(30, replicates=1000, seed=3, country="Texas", threads=4)
    later = kernels.respondent_multiplicities(30, replicates=5, first=95, seed=3, country="Texas")
    assert np.array_equal(few, many[:100])
    assert np.array_equal(later, many[95:100])
    assert (many.sum(axis=1) == 30).all()
    one = kernels.permutation(30, seed=3, purpose="x", country="Texas", replicate=7)
    assert np.array_equal(one, kernels.permutations(30, 10, seed=3, purpose="x", country="Texas")[7])


def test_draws_follow_their_streams_and_can_be_extended() -> None:
    probs = np.array([[0.1, 0.0, 0.2, 0.7], [np.nan] * 4])
    labels = [f"p{persona}|trust|given" for persona in range(6)]
    rows = np.array([0, 0, 1, 0, 0, 0])
    drawn = _native.draw_answers(probs, rows, labels, 9, 0, 500)
    assert np.array_equal(_native.draw_answers(probs, rows, labels, 9, 0, 20), drawn[:, :20])
    assert np.array_equal(_native.draw_answers(probs, rows, labels, 9, 20, 480), drawn[:, 20:])
    assert (drawn[2] == kernels.MISSING).all()
    for persona in (0, 1, 3):
        assert drawn[persona].tolist() == streams.draws([0.1, 0.0, 0.2, 0.7], 500, seed=9, label=labels[persona])
    assert not (drawn == 1).any()


def test_broken_draws_are_named() -> None:
    with pytest.raises(DataError, match=r"row, position 1: 5 is not below 1"):
        _native.draw_answers(np.array([[0.5, 0.5]]), np.array([0, 5]), ["a", "b"], 0, 0, 1)
    with pytest.raises(DataError, match="sum of 1"):
        _native.draw_answers(np.array([[0.5, 0.4]]), np.array([0]), ["a"], 0, 0, 1)
    with pytest.raises(DataError, match="streams has 1 values, 2 are needed"):
        _native.draw_answers(np.array([[0.5, 0.5]]), np.array([0, 0]), ["a"], 0, 0, 1)
    with pytest.raises(ConfigError, match="seed"):
        kernels.respondent_multiplicities(3, replicates=1, seed=-1, country="")
