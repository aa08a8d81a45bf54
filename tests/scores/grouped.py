"""Simulated people in groups whose true means are known: answers are yes with a chance that depends on the group."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import polars as pl

from demoscope.surveys import Item, Option

YES = np.vectorize(NormalDist().inv_cdf)


def true_chances(seed: int, *, groups: int, items: int, spread: float = 0.1, factors: int = 2) -> np.ndarray:
    """Chance of a yes by group and item, shape (G, p): items move with few factors of groups, about 1/2."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(factors, items))
    loadings /= np.linalg.norm(loadings, axis=0)
    moves = rng.normal(size=(groups, factors)) @ loadings + 0.4 * rng.normal(size=(groups, items))
    return np.clip(0.5 + spread * moves, 0.05, 0.95)


def answers(chances: np.ndarray, *, n: int, seed: int, together: float = 0.3) -> np.ndarray:
    """Answers 0 or 1 of ``n`` persons of each group, (G, n, p); persons' answers go together beyond their group.

    The latent correlation of any two items of a person is ``together``.
    """
    rng = np.random.default_rng(seed)
    groups, items = chances.shape
    person = rng.normal(size=(groups, n, 1)) * np.sqrt(together)
    latent = person + rng.normal(size=(groups, n, items)) * np.sqrt(1 - together)
    return (latent < YES(chances)[:, None, :]).astype(int)


def frame(codes: np.ndarray, *, names: list[str] | None = None, prefix: str = "h") -> pl.DataFrame:
    """One row per person: group, identifier, and answers."""
    groups, n, items = codes.shape
    names = [f"g{g:02}" for g in range(groups)] if names is None else names
    return pl.DataFrame(
        {
            "group": np.repeat(names, n),
            "id": [f"{prefix}{row:05}" for row in range(groups * n)],
            **{f"q{j}": codes[:, :, j].ravel() for j in range(items)},
        }
    )


def yes_no(count: int, *, domains: int = 2, polarity: tuple[int, ...] = ()) -> tuple[Item, ...]:
    """Items with options no (0) and yes (1), in domains of neighbours."""
    return tuple(
        Item(
            id=f"q{j}",
            text="Well?",
            type="binary",
            domain=f"domain {j * domains // count}",
            polarity=polarity[j] if polarity else 1,
            options=(Option(code=0, label="no"), Option(code=1, label="yes")),
        )
        for j in range(count)
    )


def expected(chances: np.ndarray, *, personas: int = 2, names: list[str] | None = None) -> pl.DataFrame:
    """A response table of a model that answers with these probabilities, the same for every persona of a group."""
    groups, items = chances.shape
    names = [f"g{g:02}" for g in range(groups)] if names is None else names
    return pl.DataFrame(
        [
            {
                "group": names[g],
                "persona_id": f"{names[g]}-{s}",
                "item": f"q{j}",
                "cell": f"{names[g]}|q{j}",
                "draw": -1,
                "status": "valid",
                "probs": [1 - chances[g, j], chances[g, j]],
            }
            for g in range(groups)
            for s in range(personas)
            for j in range(items)
        ]
    )
