"""Many prompts in one sequence: what they share stands there once, and a mask keeps the rest apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


@dataclass(slots=True)
class TokenTree:
    """A tree of tokens, written out from its roots along each branch in turn.

    Attributes:
        tokens: Token of each node.
        parents: Node before each node, -1 for a root; always smaller than the node.
        positions: Distance of each node from its root: its place in any prompt that it belongs to.
        ends: Last node of each prompt.
    """

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def mask(self) -> NDArray[np.bool_]:
        """Which nodes (columns) each node (rows) may look at: itself and those before it on its own branch."""
        seen = np.zeros((len(self.tokens), len(self.tokens)), dtype=np.bool_)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] = seen[parent]
            seen[node, node] = True
        return seen


def grow(prompts: Iterable[Sequence[int]], *, max_tokens: int) -> list[TokenTree]:
    """Put prompts into as few trees as neighbours allow.

    Args:
        prompts: Tokens of each prompt, at least one; sorted, so that neighbours share most.
        max_tokens: Most nodes of a tree; a prompt that is longer has a tree of its own.

    Returns:
        Trees whose ``ends``, one tree after the other, are the prompts in their order.
    """
    trees: list[TokenTree] = []
    branch: list[int] = []
    before: Sequence[int] = ()
    for prompt in prompts:
        shared = shared_length(before, prompt)
        if not trees or len(trees[-1].tokens) + len(prompt) - shared > max_tokens:
            trees.append(TokenTree())
            shared = 0
        tree = trees[-1]
        del branch[shared:]
        for position in range(shared, len(prompt)):
            tree.parents.append(branch[-1] if branch else -1)
            branch.append(len(tree.tokens))
            tree.tokens.append(prompt[position])
            tree.positions.append(position)
        tree.ends.append(branch[-1])
        before = prompt
    return trees


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two prompts share from the start."""
    for place, (token, twin) in enumerate(zip(one, other, strict=False)):
        if token != twin:
            return place
    return min(len(one), len(other))
