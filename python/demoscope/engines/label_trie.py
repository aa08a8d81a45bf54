"""Labels of several tokens as a trie: which token probabilities are needed, and what they make of each label.

The probability of a label is the product of the probabilities along its path; every node that has children is one
question to the model ("how likely is each of these tokens after this path?"), and all of them are known in advance.
Labels that begin alike share their first questions.

**What "the model says this label" means.**
Where no label begins with another one, it is "the answer begins with this label", as when one letter is read.
Where a label begins with another one ("10" with "1"), that reading would count every "10" as "1"; then *every* label of
the set has to be the whole answer, hence ends with the end of the turn.
Ending only the shorter label would be unfair to it: the longer one would keep "10." and "10 of them", the shorter one
lose "1." and "1 of them".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_TOKENS = 128
"""Tokens that one question may name: the limit of vLLM's ``logprob_token_ids``."""


@dataclass(frozen=True, slots=True)
class Question:
    """How likely is each of ``tokens`` after the prompt and ``path``?"""

    path: tuple[int, ...]
    tokens: tuple[int, ...]


def terminated(labels: Sequence[Sequence[int]], *, end: int | None) -> list[tuple[int, ...]]:
    """Token sequences none of which begins with another one.

    Args:
        labels: Token sequence of each label, all different.
        end: Token that ends a turn; ``None`` where the model has none.

    Returns:
        The sequences as they are where none begins with another one, else all of them with ``end`` behind.

    Raises:
        ValueError: An end is needed and there is none.
    """
    paths = [tuple(label) for label in labels]
    if not _some_begins_with_another(paths):
        return paths
    if end is None:
        raise ValueError("one label begins with another one, and the model has no token that ends an answer")
    return [(*path, end) for path in paths]


def _some_begins_with_another(paths: Iterable[tuple[int, ...]]) -> bool:
    # Sorted, whatever begins with a path stands directly behind it.
    ordered = sorted(paths)
    return any(longer[: len(path)] == path for path, longer in pairwise(ordered))


class LabelTrie:
    """The trie of labels none of which begins with another one.

    Args:
        labels: Token sequence of each label, see :func:`terminated`.
        most_tokens: Tokens that one question may name; a node with more children makes several questions.

    Raises:
        ValueError: A label is empty, or one begins with another one.

    Attributes:
        questions: What has to be known, sorted by path: neighbours share the longest prefixes.
    """

    def __init__(self, labels: Sequence[Sequence[int]], *, most_tokens: int = MOST_TOKENS) -> None:
        self._paths = [tuple(label) for label in labels]
        if not all(self._paths):
            raise ValueError("a label without tokens has no place in a trie")
        if _some_begins_with_another(self._paths):
            raise ValueError("one label begins with another one; see terminated()")
        children: dict[tuple[int, ...], dict[int, None]] = {}
        for path in self._paths:
            for depth, token in enumerate(path):
                children.setdefault(path[:depth], {})[token] = None
        self.questions: tuple[Question, ...] = tuple(
            Question(path, tuple(tokens[start : start + most_tokens]))
            for path, tokens in sorted((path, list(tokens)) for path, tokens in children.items())
            for start in range(0, len(tokens), most_tokens)
        )

    def logprobs(self, answers: Sequence[Mapping[int, float]]) -> list[float]:
        """Log-probability of each label.

        Args:
            answers: For each of :attr:`questions`, log-probability in nats of each of its tokens; further tokens are
                not looked at.
        """
        edges: dict[tuple[int, ...], float] = {}
        for question, answer in zip(self.questions, answers, strict=True):
            for token in question.tokens:
                edges[(*question.path, token)] = answer[token]
        return [math.fsum(edges[path[: depth + 1]] for depth in range(len(path))) for path in self._paths]
