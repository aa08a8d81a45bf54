"""Labels as tokens: how they are split behind a prompt, which probabilities are needed, what these make of each label.

Labels are a trie: the probability of a label is the product of the probabilities along its tokens, and labels that
begin alike share their first ones.
Every node that has children is one question to the model ("how likely is each of these tokens after this path?"), and
all of them are known in advance.

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
from typing import TYPE_CHECKING, TypeAlias

from demoscope.engines.label_probs import pick, shares_of, tempered
from demoscope.engines.noise import stream
from demoscope.engines.token_tree import shared_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from demoscope.engines.base import Request

Tokens: TypeAlias = tuple[int, ...]


class LabelError(ValueError):
    """A label has no tokens of its own after the prompt, or not the one token that is asked for."""


def label_paths(
    text: str,
    labels: Sequence[str],
    *,
    encode: Callable[[str], Sequence[int]],
    decode: Callable[[Sequence[int]], str],
    lead: str = "",
) -> tuple[list[int], list[Tokens]]:
    """Tokens of a prompt before an answer, and the tokens that each label appends to them.

    Some tokenizers split the last white space of a text otherwise when a word follows (two line ends are one token
    at the end of a text and two before a word); the prompt is then split as it is before a word.

    Args:
        text: The prompt.
        labels: What may follow.
        encode: Tokens of a text.
        decode: Text of tokens.
        lead: What stands between the prompt and a label.

    Raises:
        LabelError: A label is empty, melts into the prompt, or has the tokens of another label.
    """
    start = list(encode(text))
    texts = [list(encode(text + lead + label)) for label in labels]
    if any(shared_length(start, longer) < len(start) for longer in texts):
        word = next(word for word in ("Zebra", "Quartz") if not all(label.startswith(word[0]) for label in labels))
        before = list(encode(text + lead + word))
        split = before[: min(shared_length(before, longer) for longer in texts)]
        if decode(split) == decode(start):
            start = split
    found: dict[Tokens, str] = {}
    for label, longer in zip(labels, texts, strict=True):
        shared = shared_length(start, longer)
        path = tuple(longer[shared:])
        if shared < len(start) or not path:
            pieces = [decode([token]) for token in path]
            raise LabelError(
                f"label {label!r} is no token of its own after the prompt, which then ends in {pieces}; use letters"
            )
        if path in found:
            raise LabelError(f"labels {found[path]!r} and {label!r} are the same tokens")
        found[path] = label
    return start, list(found)


@dataclass(frozen=True, slots=True)
class Question:
    """How likely is each of ``tokens`` after the prompt and ``path``?"""

    path: Tokens
    tokens: Tokens


def terminated(labels: Sequence[Sequence[int]], *, end: int | None) -> list[Tokens]:
    """Token sequences none of which begins with another one.

    Args:
        labels: Token sequence of each label, all different.
        end: Token that ends a turn; ``None`` where the model has none.

    Returns:
        The sequences as they are where none begins with another one, else all of them with ``end`` behind.

    Raises:
        LabelError: An end is needed and there is none.
    """
    paths = [tuple(label) for label in labels]
    if not _some_begins_with_another(paths):
        return paths
    if end is None:
        raise LabelError("one label begins with another one, and the model has no token that ends an answer")
    return [(*path, end) for path in paths]


def _some_begins_with_another(paths: Iterable[Tokens]) -> bool:
    # Sorted, whatever begins with a path stands directly behind it.
    ordered = sorted(paths)
    return any(longer[: len(path)] == path for path, longer in pairwise(ordered))


class LabelTrie:
    """The trie of labels none of which begins with another one.

    Args:
        labels: Token sequence of each label, see :func:`terminated`.
        most_tokens: Tokens that one question may name; a node with more children makes several questions.

    Raises:
        LabelError: A label is empty, or one begins with another one.

    Attributes:
        paths: Token sequence of each label.
        questions: What has to be known, sorted by path: neighbours share the longest prefixes.
    """

    def __init__(self, labels: Sequence[Sequence[int]], *, most_tokens: int | None = None) -> None:
        self.paths: tuple[Tokens, ...] = tuple(tuple(label) for label in labels)
        if not all(self.paths):
            raise LabelError("a label without tokens has no place in a trie")
        if _some_begins_with_another(self.paths):
            raise LabelError("one label begins with another one; see terminated()")
        children: dict[Tokens, dict[int, None]] = {}
        for path in self.paths:
            for depth, token in enumerate(path):
                children.setdefault(path[:depth], {})[token] = None
        self._children = {path: tuple(sorted(tokens)) for path, tokens in children.items()}
        self.questions: tuple[Question, ...] = tuple(
            Question(path, tuple(tokens[start : start + (most_tokens or len(tokens))]))
            for path, tokens in sorted((path, list(tokens)) for path, tokens in children.items())
            for start in range(0, len(tokens), most_tokens or len(tokens))
        )

    @property
    def longest(self) -> int:
        """Tokens of the longest label."""
        return max(map(len, self.paths))

    def logprobs(self, answers: Sequence[Mapping[int, float]]) -> list[float]:
        """Log-probability of each label.

        Args:
            answers: For each of :attr:`questions`, log-probability in nats of each of its tokens; further tokens are
                not looked at.
        """
        edges: dict[Tokens, float] = {}
        for question, answer in zip(self.questions, answers, strict=True):
            for token in question.tokens:
                edges[(*question.path, token)] = answer[token]
        return [math.fsum(edges[path[: depth + 1]] for depth in range(len(path))) for path in self.paths]

    def draw(self, request: Request, after: Callable[[Tokens, Tokens], Mapping[int, float]]) -> int:
        """Which label constrained decoding draws: token by token, with all that no label says ruled out.

        With labels of one token this is a draw from their renormalised probabilities.

        Args:
            request: Names the noise and how it is used.
            after: Called with a path and the tokens with which labels go on after it, for the log-probability of each
                in nats.
        """
        noise = stream(request.seed)
        said: Tokens = ()
        while said in self._children:
            tokens = self._children[said]
            logprobs = after(said, tokens)
            shares = shares_of([logprobs[token] for token in tokens])
            said = (*said, tokens[pick(tempered(shares, request.sampling), noise.random())])
        return self.paths.index(said)
