"""How long a program takes, and how far its correlations are from demoscope's."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from benches.peers.programs import AbsentError, PeerError, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from benches.peers.programs import Program, Reply

Floats: TypeAlias = "NDArray[np.float64]"

PROBE_ITEMS = 5
"""A first call with so few items warms a program up, a second one tells how fast it is."""

MATRIX_SECS = 2.0
"""The sample's matrix is computed until this time is used, at least once; the median counts."""
MATRIX_RUNS = 20
"""So many runs at most."""

MATRIX_SHARE = 0.25
"""Further runs of the matrix use at most this share of a budget."""

LARGEST_REPLICATES = 20
"""So many bootstrap replicates of a peer are run at most."""


@dataclass(slots=True)
class Measurement:
    """What is known of one program on one data set.

    Attributes:
        program: The program.
        status: ``measured`` once its matrix is there.
        version: Of the package.
        runtime: Its language and libraries.
        items: How many items the matrices that were run have.
        all_items: How many items there are.
        matrix_runs: Seconds of every run of the sample's matrix.
        replicate_runs: Seconds of every replicate that was run.
        bootstrap_run: Seconds of all replicates where they were really run.
        cpu_secs: Processor seconds of all runs.
        rho: Correlations of the sample.
        rhos: Correlations of the replicates by their number.
        problems: What went wrong, for people.
        warning: The first warning of the program.
    """

    program: Program
    status: Literal["measured", "absent", "failed"] = "failed"
    version: str = ""
    runtime: str = ""
    items: int = 0
    all_items: int = 0
    matrix_runs: list[float] = field(default_factory=list)
    replicate_runs: list[float] = field(default_factory=list)
    bootstrap_run: float | None = None
    cpu_secs: float = 0.0
    rho: Floats | None = None
    rhos: dict[int, Floats] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warning: str | None = None

    @property
    def scale(self) -> float:
        """All pairs over those that were run."""
        return pairs(self.all_items) / pairs(self.items)

    def matrix_secs(self) -> float | None:
        """Seconds of the sample's whole matrix."""
        return statistics.median(self.matrix_runs) * self.scale if self.matrix_runs else None

    def bootstrap_secs(self, replicates: int) -> float | None:
        """Seconds of all replicates, extrapolated from those that were run where not all were."""
        if self.bootstrap_run is not None:
            return self.bootstrap_run
        return statistics.fmean(self.replicate_runs) * replicates * self.scale if self.replicate_runs else None

    def cores(self) -> float:
        """Processor seconds over seconds on the clock."""
        wall = sum(self.matrix_runs) + sum(self.replicate_runs) + (self.bootstrap_run or 0.0)
        return self.cpu_secs / wall if wall > 0 else math.nan


def pairs(items: int) -> int:
    """Number of pairs of items."""
    return items * (items - 1) // 2


def items_within(budget_secs: float, *, secs_per_pair: float, items: int) -> int:
    """Most items of which the matrix can be computed twice, for the sample and for one replicate; at least two."""
    affordable = budget_secs / (2 * secs_per_pair) if secs_per_pair > 0 else math.inf
    return next((count for count in range(items, 2, -1) if pairs(count) <= affordable), 2)


def pairs_among(first: int, *, items: int) -> NDArray[np.bool_]:
    """Which of all pairs of ``items`` items are pairs of the ``first`` ones."""
    _, second = np.triu_indices(items, k=1)
    return second < first


def largest_difference(one: ArrayLike, other: ArrayLike) -> float:
    """Largest absolute difference where both are defined; NaN if nowhere."""
    difference = np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    defined = difference[np.isfinite(difference)]
    return float(defined.max()) if defined.size else math.nan


def measure_demoscope(
    program: Program, folder: Path, *, items: int, replicates: int, seed: int, kept: int, limit_secs: float
) -> Measurement:
    """demoscope's matrix and its whole bootstrap.

    Raises:
        PeerError: demoscope itself fails; there is nothing to compare with then.
    """
    found = Measurement(program, items=items, all_items=items)
    command = program.command(folder, pythons={})
    assert command is not None
    with Worker(command, folder, limit_secs=limit_secs) as worker:
        _introduce(found, worker)
        worker.ask("sample", min(PROBE_ITEMS, items))
        _sample(found, worker, secs=MATRIX_SECS)
        reply = worker.ask("bootstrap", replicates, seed, kept)
        found.bootstrap_run = reply["secs"]
        found.cpu_secs += reply["cpu_secs"]
        found.rhos = {index: np.array(rho) for index, rho in enumerate(reply["rhos"])}
    return found


def measure_peer(
    program: Program,
    folder: Path,
    *,
    items: int,
    replicates: int,
    budget_secs: float,
    pythons: Mapping[str, str],
) -> Measurement:
    """A peer's matrix and some replicates within the budget; what goes wrong stands in the result."""
    found = Measurement(program, items=items, all_items=items)
    command = program.command(folder, pythons=pythons)
    if command is None:
        found.status = "absent"
        return found
    try:
        with Worker(command, folder, limit_secs=2 * budget_secs + 60) as worker:
            _introduce(found, worker)
            probe = min(PROBE_ITEMS, items)
            for _ in range(2):
                secs = worker.ask("sample", probe)["secs"]
            found.items = items_within(budget_secs, secs_per_pair=secs / pairs(probe), items=items)
            _sample(found, worker, secs=min(MATRIX_SECS, MATRIX_SHARE * budget_secs))
            _replicates(found, worker, replicates=replicates, budget_secs=budget_secs - sum(found.matrix_runs))
    except AbsentError:
        found.status = "absent"
    except PeerError as error:
        found.problems.append(str(error))
    return found


def _introduce(found: Measurement, worker: Worker) -> None:
    found.version, found.runtime = worker.hello["version"], worker.hello["runtime"]


def _sample(found: Measurement, worker: Worker, *, secs: float) -> None:
    while len(found.matrix_runs) < MATRIX_RUNS and sum(found.matrix_runs) < secs:
        reply = worker.ask("sample", found.items)
        _count(found, reply, found.matrix_runs)
        found.rho = np.array(reply["rho"])
        found.status = "measured"
    assert found.rho is not None
    if undefined := int(np.isnan(found.rho).sum()):
        found.problems.append(f"NaN in {undefined} of {found.rho.size} pairs")


def _replicates(found: Measurement, worker: Worker, *, replicates: int, budget_secs: float) -> None:
    """Whole replicates until the next one would go beyond the budget, at least one."""
    failures: list[str] = []
    undefined = 0
    for index in range(replicates):
        try:
            reply = worker.ask("replicate", index, found.items)
        except PeerError as error:
            failures.append(str(error))
            continue
        _count(found, reply, found.replicate_runs)
        found.rhos[index] = np.array(reply["rho"])
        undefined += bool(np.isnan(found.rhos[index]).any())
        if sum(found.replicate_runs) + statistics.fmean(found.replicate_runs) > budget_secs:
            break
    tried = len(failures) + len(found.replicate_runs)
    if failures:
        found.problems.append(f"{len(failures)} of {tried} replicates failed: {failures[0]}")
    if undefined:
        found.problems.append(f"NaN in {undefined} of {tried} replicates")


def _count(found: Measurement, reply: Reply, runs: list[float]) -> None:
    runs.append(reply["secs"])
    found.cpu_secs += reply["cpu_secs"]
    found.warning = found.warning or reply.get("warning")
