"""What a person sees: tables, and the machine that the numbers belong to."""

from __future__ import annotations

import datetime as dt
import math
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benches.peers.measure import largest_difference, pairs, pairs_among
from demoscope.stats.kernels import DEBUG_BUILD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benches.peers.measure import Measurement

IDLE_CORES = 0.8
BUSY_CORES = 1.2
LONGEST_QUOTE = 90


@dataclass(frozen=True, slots=True)
class Row:
    """A program beside demoscope.

    Attributes:
        measurement: What was measured.
        matrix_secs: Of the whole matrix, perhaps extrapolated; the notes say so.
        bootstrap_secs: Of all replicates, perhaps extrapolated.
        matrix_ratio: To demoscope.
        bootstrap_ratio: To demoscope.
        sample_difference: Largest difference in rho on the sample.
        replicate_difference: Largest difference in rho over the replicates that both have.
        notes: Everything that a reader of the numbers has to know.
    """

    measurement: Measurement
    matrix_secs: float | None
    bootstrap_secs: float | None
    matrix_ratio: float | None
    bootstrap_ratio: float | None
    sample_difference: float | None
    replicate_difference: float | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything but the correlations, with the time of every run."""
        found = self.measurement
        return {
            "program": found.program.name,
            "call": found.program.call,
            "status": found.status,
            "version": found.version,
            "runtime": found.runtime,
            "pairs": pairs(found.all_items),
            "pairs_run": pairs(found.items),
            "matrix_runs_secs": found.matrix_runs,
            "replicate_runs_secs": found.replicate_runs,
            "bootstrap_run_secs": found.bootstrap_run,
            "cpu_secs": found.cpu_secs,
            "matrix_secs": self.matrix_secs,
            "bootstrap_secs": self.bootstrap_secs,
            "matrix_ratio": self.matrix_ratio,
            "bootstrap_ratio": self.bootstrap_ratio,
            "sample_difference": _null(self.sample_difference),
            "replicate_difference": _null(self.replicate_difference),
            "notes": list(self.notes),
        }


def compared(found: Measurement, demoscope: Measurement, *, replicates: int) -> Row:
    """A measurement beside that of demoscope."""
    matrix, bootstrap = found.matrix_secs(), found.bootstrap_secs(replicates)
    sample, resampled = None, None
    if found is not demoscope and demoscope.rho is not None:
        kept = pairs_among(found.items, items=found.all_items)
        if found.rho is not None:
            sample = largest_difference(found.rho, demoscope.rho[kept])
        common = sorted(found.rhos.keys() & demoscope.rhos.keys())
        if common:
            resampled = max(
                (largest_difference(found.rhos[b], demoscope.rhos[b][kept]) for b in common),
                key=lambda difference: -math.inf if math.isnan(difference) else difference,
            )
    return Row(
        measurement=found,
        matrix_secs=matrix,
        bootstrap_secs=bootstrap,
        matrix_ratio=_ratio(matrix, demoscope.matrix_secs()),
        bootstrap_ratio=_ratio(bootstrap, demoscope.bootstrap_secs(replicates)),
        sample_difference=sample,
        replicate_difference=resampled,
        notes=tuple(notes(found, replicates=replicates)),
    )


def notes(found: Measurement, *, replicates: int) -> list[str]:
    """How the numbers came about and what went wrong."""
    if found.status == "absent":
        return [f"not installed: {found.program.install}"]
    said = []
    if found.status == "failed":
        said.append("failed")
    if found.matrix_runs and found.items < found.all_items:
        said.append(f"times extrapolated from {pairs(found.items)} of {pairs(found.all_items)} pairs")
    if found.bootstrap_run is not None:
        said.append(f"all {replicates} replicates run")
    elif run := len(found.replicate_runs):
        said.append(
            f"all {replicates} replicates run"
            if run == replicates
            else f"bootstrap extrapolated from {run} replicate{'s' if run > 1 else ''}"
        )
    if found.cores() > BUSY_CORES:
        said.append(f"used {found.cores():.1f} cores")
    if found.cores() < IDLE_CORES:
        said.append(f"had {found.cores():.0%} of a core: the machine was busy")
    said += [_quoted(problem) for problem in found.problems]
    if found.warning:
        said.append("warned: " + _quoted(found.warning))
    return said


def table_rows(rows: Sequence[Row], *, replicates: int) -> list[list[str]]:
    """The head and one line per program."""
    head = [
        "program",
        "version",
        "full matrix (s)",
        "ratio",
        f"B={replicates} (s)",
        "ratio",
        "max |Δrho|, sample",
        "max |Δrho|, replicates",
        "note",
    ]
    return [head] + [
        [
            row.measurement.program.name,
            row.measurement.version or "-",
            seconds(row.matrix_secs),
            times(row.matrix_ratio),
            seconds(row.bootstrap_secs),
            times(row.bootstrap_ratio),
            difference(row.sample_difference),
            difference(row.replicate_difference),
            "; ".join(row.notes),
        ]
        for row in rows
    ]


def environment(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The machine and the versions."""
    runtimes: dict[str, list[str]] = {}
    for row in rows:
        if row.measurement.runtime:
            runtimes.setdefault(row.measurement.runtime, []).append(row.measurement.program.name)
    return [
        ("processor", f"{processor()}, 1 of {os.cpu_count()} logical cores used"),
        ("demoscope", f"{metadata.version('demoscope')}, Rust core: {'debug' if DEBUG_BUILD else 'release'} build"),
        *((runtime, "ran " + ", ".join(names)) for runtime, names in runtimes.items()),
        ("system", platform.platform()),
        ("date", dt.datetime.now(tz=dt.UTC).date().isoformat()),
    ]


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side; all but the first and the last to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = [
        "  ".join(
            cell.ljust(width) if j in {0, last} else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """The same in Markdown."""
    last = len(rows[0]) - 1
    rule = ["---" if j in {0, last} else "---:" for j in range(len(rows[0]))]
    lines = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def seconds(value: float | None) -> str:
    """Three digits that count."""
    return "-" if value is None else _three_digits(value)


def times(ratio: float | None) -> str:
    """A ratio as a factor."""
    return "-" if ratio is None else _three_digits(ratio) + "x"


def difference(value: float | None) -> str:
    """A difference of correlations."""
    return "-" if value is None else "NaN" if math.isnan(value) else f"{value:.1e}"


def _three_digits(value: float) -> str:
    if value <= 0:
        return "0"
    rounded = float(f"{value:.2e}")
    return f"{rounded:,.{max(2 - math.floor(math.log10(rounded)), 0)}f}"


def _ratio(secs: float | None, reference: float | None) -> float | None:
    return None if secs is None or not reference else secs / reference


def _quoted(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 3] + "..."


def _null(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or math.isnan(value) else value
