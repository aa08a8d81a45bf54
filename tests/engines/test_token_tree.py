import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from demoscope.engines.token_tree import grow, shared_length

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=12)


@given(PROMPTS, st.integers(0, 40))
def test_every_prompt_is_read_off_its_branch(prompts, max_tokens):
    prompts = sorted(prompts)
    trees = grow(prompts, max_tokens=max_tokens)
    read = []
    for tree in trees:
        seen = tree.mask()
        assert seen.shape == (len(tree.tokens),) * 2
        for end in tree.ends:
            branch = np.flatnonzero(seen[end])
            assert [tree.positions[node] for node in branch] == list(range(len(branch)))
            read.append([tree.tokens[node] for node in branch])
        # A node sees what its parent sees, and itself.
        for node, parent in enumerate(tree.parents):
            before = set() if parent < 0 else set(np.flatnonzero(seen[parent]))
            assert set(np.flatnonzero(seen[node])) == before | {node}
    assert read == prompts
    for tree in trees:
        assert len(tree.tokens) <= max(max_tokens, *map(len, prompts))


def test_shared_tokens_stand_once():
    (tree,) = grow([(1, 2, 3), (1, 2, 4, 5), (1, 2, 4, 6), (7,)], max_tokens=100)
    assert tree.tokens == [1, 2, 3, 4, 5, 6, 7]
    assert tree.parents == [-1, 0, 1, 1, 3, 3, -1]
    assert tree.positions == [0, 1, 2, 2, 3, 3, 0]
    assert tree.ends == [2, 4, 5, 6]


def test_shared_length():
    assert shared_length((1, 2, 3), (1, 2, 4)) == 2
    assert shared_length((1, 2), (1, 2, 4)) == 2
    assert shared_length((), (1,)) == 0
