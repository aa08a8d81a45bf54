import numpy as np

from demoscope.responses.draw import draw_answers

PROBS = np.array([[0.2, 0.0, 0.5, 0.3], [0.0, 1.0, 0.0, 0.0]])


def draws(rows, streams, **settings):
    return draw_answers(PROBS, np.array(rows, dtype=np.int64), streams, **({"seed": 7, "draws": 50} | settings))


def test_a_draw_depends_on_its_stream_and_number_alone():
    both = draws([0, 1, 0], ["a", "b", "c"])
    assert both.shape == (3, 50)
    assert (draws([0], ["c"])[0] == both[2]).all()
    assert (draws([0], ["c"], draws=7)[0] == both[2, :7]).all()
    assert (draws([0], ["c"], first=30, draws=5)[0] == both[2, 30:35]).all()
    assert (draws([0], ["c"], seed=8)[0] != both[2]).any()
    assert (both[0] != both[2]).any()


def test_impossible_options_are_never_drawn():
    many = draws([0, 1] * 500, [f"p{number}|q|given" for number in range(1000)])
    assert set(np.unique(many[::2])) == {0, 2, 3}
    assert set(np.unique(many[1::2])) == {1}


def test_shares_follow_the_probabilities():
    many = draws([0] * 1000, [f"p{number}|q|given" for number in range(1000)])
    shares = np.bincount(many.ravel(), minlength=4) / many.size
    # 50,000 draws: five standard errors are at most 0.0112.
    assert np.abs(shares - PROBS[0]).max() < 0.0112


def test_streams_are_unrelated():
    # Correlation of the answers of 2,000 personas to two items, and of consecutive draws: five standard errors.
    first = draws([0] * 2000, [f"p{number}|q1|given" for number in range(2000)])
    second = draws([0] * 2000, [f"p{number}|q2|given" for number in range(2000)])
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 5 / 2000**0.5
    assert abs(np.corrcoef(first[:, 0], first[:, 1])[0, 1]) < 5 / 2000**0.5
