"""How many tokens, bytes and distinct prompts the questions of a plan come to."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import polars as pl

from demoscope.engines import Answer
from demoscope.errors import EngineError
from demoscope.prompts import Asker
from demoscope.responses.decode import decode
from demoscope.runs.abilities import CountsTokens
from demoscope.schema import CELLS
from demoscope.steering import STEERINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.engines import Engine
    from demoscope.responses import Cell, Store
    from demoscope.runs.sample import Planned, Sample

Precision: TypeAlias = Literal["exact", "about", "at most"]
"""How a number is to be read."""

MEASURED_ROWS: Final = 1_000
"""Sealed answers from which the bytes of one are measured; of fewer, the fixed part of a file would be most."""

_BLOCK: Final = 256
"""Prompts that are split into tokens at once."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of one steering.

    Attributes:
        distinct: Number of prompts that differ in words, labels or adapter.
        distinct_is: How that is to be read.
        tokens: Tokens of all prompts that are still to be asked; ``None`` if unknown.
        tokens_is: How that is to be read; ``None`` if unknown.
        shared: Share of the tokens of all prompts that the prompt before begins with as well, prompts being sorted, in
            [0, 1]; ``None`` if unknown.
    """

    distinct: int
    distinct_is: Precision
    tokens: int | None
    tokens_is: Precision | None
    shared: float | None


def estimate_prompts(
    planned: Planned, sample: Sample, engine: Engine, *, to_ask: int, answered: frozenset[str]
) -> Prompts:
    """Count prompts and their tokens.

    Args:
        planned: What is planned.
        sample: Some of its cells.
        engine: Whose tokens are counted.
        to_ask: Number of cells without an answer.
        answered: Keys of the cells of a complete sample that have one.

    Raises:
        EngineError: The engine counts the tokens of other prompts than it was given.
    """
    distinct, distinct_is = _distinct(planned, sample)
    tokens = _tokens(engine, sample.cells)
    if tokens is None or not tokens:
        nothing = to_ask == 0
        return Prompts(distinct, distinct_is, 0 if nothing else None, "exact" if nothing else None, None)
    lengths = np.array([len(prompt) for prompt in tokens])
    if sample.exact:
        left = sum(len(prompt) for cell, prompt in zip(sample.cells, tokens, strict=True) if cell.key not in answered)
    else:
        left = round(float(lengths.mean()) * to_ask)
    different = {
        (cell.audience.adapter or "", tuple(prompt)) for cell, prompt in zip(sample.cells, tokens, strict=True)
    }
    part = planned.part
    drawn = part.way.presentation == "single" and not sample.complete
    ratio = distinct / planned.total if drawn else len(different) / len(tokens)
    shared = 1 - ratio * _fresh(different) / float(lengths.mean()) if lengths.any() else 0.0
    return Prompts(distinct, distinct_is, left, "exact" if sample.exact else "about", max(shared, 0.0))


def output_tokens(planned: Planned) -> tuple[int, Precision]:
    """Tokens that one answer takes: one where labels are scored, at most ``max_tokens`` where something is written."""
    way = planned.part.way
    return (1, "exact") if way.mode == "logprobs" else (way.sampling.max_tokens, "at most")


def measured_bytes(store: Store | None, *, folder: Path) -> float | None:
    """Bytes that one answer takes on disk, from what a store has sealed in its folder; ``None`` where too little is."""
    if store is None:
        return None
    rows = sum(part.rows for part in store.manifest.parts)
    if rows < MEASURED_ROWS:
        return None
    return sum((folder / part.file).stat().st_size for part in store.manifest.parts) / rows


def likely_bytes(cells: Sequence[Cell], *, seed: int) -> float:
    """Bytes that one answer would take: a Parquet file in memory with answers to these cells as models give them.

    Args:
        cells: Some cells; no cell takes no space.
        seed: Names the made-up answers.
    """
    if not cells:
        return 0.0
    rng = np.random.Generator(np.random.PCG64(seed))
    buffer = io.BytesIO()
    types = {"String": pl.String, "Float64": pl.Float64, "Int32": pl.Int32, "Int64": pl.Int64}
    schema: dict[str, Any] = {name: types.get(dtype, pl.List(pl.Float64)) for name, dtype in CELLS.items()}
    rows = [_likely_row(cell, rng) for cell in cells]
    pl.DataFrame(rows, schema=schema).sort("cell").write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.tell() / len(rows)


def _likely_row(cell: Cell, rng: np.random.Generator) -> dict[str, Any]:
    question, scored = cell.question, cell.way.scored
    place = int(rng.integers(len(question.codes)))
    text = f"{question.labels[place]}. {question.options[place]}"
    if cell.way.mode == "verbalized":
        text = ", ".join(f"{label}: {share:.2f}" for label, share in zip(question.labels, rng.random(99), strict=False))
    return decode(cell, Answer(cell.key, "error")) | {
        "status": "valid",
        "code": None if scored else question.codes[place],
        "probs": rng.dirichlet(np.ones(len(question.codes))).tolist() if scored else None,
        "label_mass": float(rng.random()) if cell.way.mode == "logprobs" else None,
        "text": None if cell.way.mode == "logprobs" else text,
        "prompt_tokens": int(rng.integers(50, 500)),
    }


def _distinct(planned: Planned, sample: Sample) -> tuple[int, Precision]:
    """Number of prompts that differ in words, labels or adapter."""
    part = planned.part
    seen = len({(cell.audience.adapter, cell.prompt_hash) for cell in sample.cells})
    if sample.complete:
        return seen, "exact" if sample.certain else "about"
    if part.way.presentation != "single":
        return round(seen * planned.total / max(sample.turns, 1)), "at most"
    if part.way.scored:
        return planned.total, "exact"
    # Drawn answers to the same words: as many prompts as there would be distributions, if every display has its turn.
    words, once = planned.of(planned.personas, mode="logprobs", draws=1).total, _shown_once(planned)
    displays, draws = words / once, planned.config.questions_of(planned.model).draws
    asker = Asker(planned.survey, settings=planned.config.prompts, mode=part.way.mode)
    if words == once or draws >= 2 * max(len(asker.wordings(item)) for item in planned.survey.items):
        return words, "exact"
    personal = STEERINGS[part.way.steering].personal
    members = planned.personas.group_by("profile").len()["len"].to_numpy() if personal else planned.personas.height
    unseen = float(np.mean(max(1 - draws / displays, 0.0) ** members))
    return min(round(words * (1 - unseen)), planned.total), "about"


def _shown_once(planned: Planned) -> int:
    """Number of prompts if everybody saw each item in one display."""
    config = planned.config
    prompts = config.prompts.model_copy(update={"wordings": "first"})
    plain = replace(planned, config=config.model_copy(update={"prompts": prompts}))
    return plain.of(planned.personas, mode="logprobs", draws=1, order="given").total


def _tokens(engine: Engine, cells: Sequence[Cell]) -> list[list[int]] | None:
    if not isinstance(engine, CountsTokens):
        return None
    tokens: list[list[int]] = []
    rest = iter(cells)
    while block := [cell.request for cell in islice(rest, _BLOCK)]:
        some = engine.prompt_tokens(block)
        if some is None:
            return None
        if len(some) != len(block):
            raise EngineError(f"the engine counts the tokens of {len(some)} prompts, {len(block)} were given")
        tokens += some
    return tokens


def _fresh(prompts: set[tuple[str, tuple[int, ...]]]) -> float:
    """Mean number of tokens by which a prompt goes on after what it shares with the one before it, all being sorted."""
    fresh = 0
    before: tuple[str, tuple[int, ...]] = ("", ())
    for adapter, prompt in sorted(prompts):
        shared = 0
        if adapter == before[0]:
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, before[1], strict=False)))
        fresh += len(prompt) - shared
        before = (adapter, prompt)
    return fresh / len(prompts)
