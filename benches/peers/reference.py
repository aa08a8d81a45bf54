"""How near every program comes to the reference matrices of a real survey with missing answers.

At the pairs where demoscope is farthest from them, the maximum of the likelihood in 25 digits is at demoscope's value:
differences below 1e-7 are those of the reference.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import demoscope
from benches.peers.answers import read_answers
from benches.peers.measure import largest_difference, measure_peer, pairs_among
from benches.peers.report import difference, notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benches.peers.measure import Floats
    from benches.peers.programs import Program

ROOT = Path(__file__).parents[2]
BFI = ROOT / ".." / "shared" / "data" / "bfi" / "bfi.csv"
GOLDEN = ROOT / "tests" / "reference" / "golden" / "bfi"
KINDS = {"item": "globalthr", "pair": "pairthr"}


def reference_matrix(thresholds: str) -> tuple[list[str], Floats]:
    """The items, and the reference matrix for thresholds by ``item`` or by ``pair``."""
    frame = pl.read_csv(GOLDEN / f"polychoric_exact_{KINDS[thresholds]}.csv")
    items = frame.columns[1:]
    return items, frame.select(items).to_numpy()[np.triu_indices(len(items), k=1)]


def agreement_rows(
    path: Path, programs: Sequence[Program], *, budget_secs: float, pythons: Mapping[str, str]
) -> list[list[str]]:
    """The head and a line per program, demoscope with both kinds of thresholds."""
    reference = {kind: reference_matrix(kind) for kind in KINDS}
    items, _ = reference["item"]
    answers = read_answers(path).select(items)
    rows = [["program", "thresholds", "max |rho - reference|", "note"]]
    for kind in KINDS:
        found = demoscope.polychoric(answers, thresholds=kind, threads=1)["rho"].to_numpy()  # type: ignore[arg-type]
        rows.append(["demoscope", kind, difference(largest_difference(found, reference[kind][1])), ""])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers.write_csv(folder / "answers.csv")
        (folder / "replicates.csv").touch()
        for program in programs:
            measured = measure_peer(
                program, folder, items=len(items), replicates=0, budget_secs=budget_secs, pythons=pythons
            )
            kept = pairs_among(measured.items, items=len(items))
            worst = (
                None
                if measured.rho is None
                else largest_difference(measured.rho, reference[program.thresholds][1][kept])
            )
            rows.append([program.name, program.thresholds, difference(worst), "; ".join(notes(measured, replicates=0))])
    return rows
