"""Draws whose cells share their noise, and draws that do not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest, kstwobign

from demoscope.engines import ENGINES, Message, Request
from demoscope.engines.noise import kolmogorov_tail, shared_noise, stream
from demoscope.errors import DataError

CELLS = 400


class OneSeed:
    """Answers like the scripted engine, but gives all requests the same noise."""

    def __init__(self, engine):
        self._engine = engine

    def ask(self, requests):
        return self._engine.ask([replace(request, seed=7) for request in requests])


@pytest.fixture
def table(tmp_path):
    """Probabilities of four options, different for every item."""
    path = tmp_path / "table.csv"
    shares = np.random.default_rng(1).dirichlet((2, 2, 2, 2), CELLS)
    rows = [f"q{item},{code},{share}" for item, row in enumerate(shares) for code, share in enumerate(row)]
    path.write_text("item,code,probability\n" + "\n".join(rows) + "\n")
    return path


def requests(mode, *, run=0):
    return [
        Request(
            f"k{item}",
            (Message("user", "?"),),
            ("A", "B", "C", "D"),
            mode=mode,
            seed=run * CELLS + item,
            facts={"item": f"q{item}", "option_codes": "0,1,2,3"},
        )
        for item in range(CELLS)
    ]


def probs_and_choices(engine, *, mode, run=0):
    probs = [answer.probs for answer in engine.ask(requests("logprobs"))]
    texts = [answer.text for answer in engine.ask(requests(mode, run=run))]
    # What a check of single answers sees: each one is a label.
    assert set(texts) <= {"A", "B", "C", "D"}
    return probs, ["ABCD".index(text) for text in texts]


@pytest.mark.parametrize("mode", ["choice", "text"])
def test_one_seed_for_all_is_caught_and_a_seed_of_its_own_is_not(table, mode):
    honest = ENGINES["scripted"](model="m", options={"rule": "table", "table": str(table)})
    assert shared_noise(*probs_and_choices(OneSeed(honest), mode=mode)) < 1e-9
    assert min(shared_noise(*probs_and_choices(honest, mode=mode, run=run)) for run in range(5)) > 1e-3


def test_noise_shared_by_a_race_of_tokens_is_caught():
    """Language models draw by a race, the largest p/e with e exponential: one seed then favours some options."""
    generator = np.random.default_rng(2)
    probs = generator.dirichlet((2, 2, 2, 2), CELLS)
    own = generator.exponential(size=(CELLS, 4))
    assert shared_noise(probs, np.argmax(probs / own, axis=1)) > 1e-3
    assert shared_noise(probs, np.argmax(probs / own[0], axis=1)) < 1e-9


def test_p_values_of_independent_noise_are_uniform():
    generator = np.random.default_rng(3)
    found = []
    for _ in range(600):
        probs = generator.dirichlet((0.5, 0.5, 0.5), 100)
        chosen = [int(generator.choice(3, p=row)) for row in probs]
        found.append(shared_noise(probs, chosen))
    assert kstest(found, "uniform").pvalue > 1e-3
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_the_p_value_is_that_of_scipy():
    for distance in (0.05, 0.3, 0.7, 0.999, 1.001, 1.5, 3.0):
        assert kolmogorov_tail(distance) == pytest.approx(kstwobign.sf(distance), rel=1e-12, abs=1e-15)
    assert kolmogorov_tail(0.0) == 1.0
    generator = np.random.default_rng(4)
    for size in (20, 100, 1000):
        # With many equal options u is the option's place plus v, all over the number of options: known beforehand.
        chosen = generator.integers(1000, size=size)
        exact = kstest((chosen + 0.5) / 1000, "uniform").pvalue
        assert shared_noise([[0.001] * 1000] * size, chosen) == pytest.approx(exact, abs=0.02)


def test_what_is_no_draw_is_refused():
    with pytest.raises(DataError, match="1 cells have probabilities and 2 an answer"):
        shared_noise([[0.5, 0.5]], [0, 1])
    with pytest.raises(DataError, match="0 cells"):
        shared_noise([], [])
    with pytest.raises(DataError, match="cell 1: option 2 of 2"):
        shared_noise([[0.5, 0.5]] * 2, [0, 2])
    with pytest.raises(DataError, match=r"cell 0: \[0.5, 0.4\]"):
        shared_noise([[0.5, 0.4]], [0])


def test_streams_are_named_by_their_seed():
    assert stream(5).random() == stream(5).random()
    first = np.array([stream(seed).random() for seed in range(2000)])
    assert kstest(first, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.1
    assert 0 <= stream(2**63 - 1).random() < 1
