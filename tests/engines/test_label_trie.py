"""A made-up language model with exact probabilities: tries against enumeration."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pytest

from demoscope.engines.base import Message, Request
from demoscope.engines.label_trie import LabelError, LabelTrie, Question, label_paths, terminated

if TYPE_CHECKING:
    from collections.abc import Sequence

END = 9


def next_token(path: tuple[int, ...]) -> dict[int, float]:
    """Probabilities of tokens 0 to 9 after a path; every path has its own."""
    noise = random.Random(repr(path))
    weights = [noise.expovariate(1.0) for _ in range(10)]
    return {token: weight / math.fsum(weights) for token, weight in enumerate(weights)}


def answers(trie: LabelTrie) -> list[dict[int, float]]:
    return [
        {token: math.log(next_token(question.path)[token]) for token in question.tokens} for question in trie.questions
    ]


def probability(path: tuple[int, ...]) -> float:
    return math.prod(next_token(path[:depth])[token] for depth, token in enumerate(path))


def test_labels_of_one_token_are_one_question_without_an_end() -> None:
    paths = terminated([(3,), (1,), (2,)], end=END)
    assert paths == [(3,), (1,), (2,)]
    assert LabelTrie(paths).questions == (Question((), (3, 1, 2)),)


def test_every_label_ends_where_one_begins_with_another() -> None:
    assert terminated([(1,), (2, 5), (1, 0)], end=END) == [(1, END), (2, 5, END), (1, 0, END)]


def test_no_label_ends_where_none_begins_with_another() -> None:
    assert terminated([(1, 2), (1, 3), (2,)], end=END) == [(1, 2), (1, 3), (2,)]


def test_an_end_that_is_needed_and_absent_is_an_error() -> None:
    with pytest.raises(ValueError, match="no token that ends an answer"):
        terminated([(1,), (1, 0)], end=None)
    assert terminated([(1,), (2,)], end=None) == [(1,), (2,)]


def test_beginning_alike_is_found_wherever_the_labels_stand() -> None:
    for labels in itertools.permutations([(1,), (1, 0), (1, 0, 3), (2,), (0,)]):
        assert all(path[-1] == END for path in terminated(labels, end=END))


@pytest.mark.parametrize("seed", range(20))
def test_probabilities_equal_those_of_the_model(seed: int) -> None:
    noise = random.Random(seed)
    labels = list({tuple(noise.randrange(9) for _ in range(noise.randint(1, 4))) for _ in range(12)})
    paths = terminated(labels, end=END)
    trie = LabelTrie(paths)
    found = [math.exp(value) for value in trie.logprobs(answers(trie))]
    assert found == pytest.approx([probability(path) for path in paths], rel=1e-12)
    assert math.fsum(found) <= 1


def test_probabilities_of_all_endings_sum_to_one() -> None:
    """All texts of one or two tokens and an end, and all of three tokens: the whole of what can be said."""
    short = [(first, END) for first in range(9)]
    longer = [(first, second, last) for first in range(9) for second in range(9) for last in range(10)]
    trie = LabelTrie([(END,), *short, *longer])
    assert math.fsum(math.exp(value) for value in trie.logprobs(answers(trie))) == pytest.approx(1.0, abs=1e-12)


def test_one_and_ten_are_told_apart() -> None:
    trie = LabelTrie(terminated([(1,), (1, 0)], end=END))
    one, ten = trie.logprobs(answers(trie))
    assert one == pytest.approx(math.log(next_token(())[1] * next_token((1,))[END]))
    assert ten == pytest.approx(math.log(next_token(())[1] * next_token((1,))[0] * next_token((1, 0))[END]))


def test_questions_are_shared_and_sorted() -> None:
    trie = LabelTrie([(5, 1), (2, 2, 2), (5, 3)])
    assert trie.questions == (
        Question((), (5, 2)),
        Question((2,), (2,)),
        Question((2, 2), (2,)),
        Question((5,), (1, 3)),
    )


def test_a_node_with_many_children_is_several_questions() -> None:
    labels = [(token,) for token in range(10)]
    trie = LabelTrie(labels, most_tokens=4)
    assert [question.tokens for question in trie.questions] == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)]
    assert [math.exp(value) for value in trie.logprobs(answers(trie))] == pytest.approx(list(next_token(()).values()))


def test_what_has_no_probability_stays_without() -> None:
    trie = LabelTrie([(1, 2), (3,)])
    assert trie.logprobs([{1: -1.0, 3: -2.0}, {2: -math.inf}]) == [-math.inf, -2.0]


@pytest.mark.parametrize(("labels", "message"), [([(1,), ()], "without tokens"), ([(1,), (1, 2)], "begins with")])
def test_labels_that_make_no_trie(labels: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelTrie(labels)


def test_labels_are_drawn_token_by_token() -> None:
    trie = LabelTrie([(1, 9), (1, 0, 9), (2, 9)])
    after = {(): {1: 0.5, 2: 0.3}, (1,): {0: 0.1, 9: 0.3}, (1, 0): {9: 0.01}, (2,): {9: 0.5}}

    def logs(path: tuple[int, ...], tokens: tuple[int, ...]) -> dict[int, float]:
        assert set(tokens) == after[path].keys()
        return {token: math.log(after[path][token]) for token in tokens}

    number = 4000
    message = (Message("user", "?"),)
    drawn = [trie.draw(Request("k", message, ("1", "10", "2"), seed=seed), logs) for seed in range(number)]
    for label, share in enumerate((0.625 * 0.75, 0.625 * 0.25, 0.375)):
        assert drawn.count(label) / number == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / number))


def pairs(text: str) -> list[int]:
    """A tokenizer that takes two letters of a kind for one token."""
    found: list[int] = []
    while text:
        size = 2 if len(text) > 1 and text[0] == text[1] else 1
        found.append(ord(text[0]) + 1000 * (size - 1))
        text = text[size:]
    return found


def read(tokens: Sequence[int]) -> str:
    return "".join(chr(token % 1000) * (1 + token // 1000) for token in tokens)


def test_labels_are_split_behind_the_prompt() -> None:
    assert label_paths("q:", ("a", "bb", "bba"), encode=pairs, decode=read) == (
        pairs("q:"),
        [(97,), (1098,), (1098, 97)],
    )
    assert label_paths("q:", ("a",), encode=pairs, decode=read, lead=" ") == (pairs("q:"), [(32, 97)])


def test_white_space_that_is_split_otherwise_before_a_word() -> None:
    def encode(text: str) -> list[int]:
        return pairs(text) if text.endswith("nn") else list(map(ord, text))

    assert label_paths("qnn", ("a", "b"), encode=encode, decode=read) == (list(b"qnn"), [(97,), (98,)])


@pytest.mark.parametrize(
    ("labels", "message"),
    [(("a", "a"), "'a' and 'a' are the same tokens"), (("",), "no token of its own"), (("q", "a"), "'q' is no token")],
)
def test_labels_without_tokens_of_their_own(labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        label_paths("q", labels, encode=pairs, decode=read)
