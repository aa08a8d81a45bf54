"""One Python program in a process of its own: gets requests, computes, says how long that took.

``python run_peer.py PROGRAM FOLDER`` reads ``answers.csv`` and ``replicates.csv`` (a line of rows per replicate), then
one request per line from stdin:

    sample ITEMS                  the correlations of the first ITEMS items
    replicate B ITEMS             the same for the respondents of replicate B
    bootstrap B SEED KEEP         demoscope alone: all B replicates, of which the first KEEP are sent back

Replies are lines of JSON that begin with ``@``; correlations are the upper triangle row by row.
Only the computation is timed: not the start, not the reading, not the conversion to the type a program asks for.
``run_peer.R`` does the same for programs in R.
"""

from __future__ import annotations

import contextlib
import json
import platform
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Peer(Protocol):
    def prepared(self, codes: NDArray[Any]) -> Any:
        """Codes, NaN for missing, as the program wants them; not timed."""

    def matrix(self, data: Any) -> Any:
        """The timed call."""

    def correlations(self, result: Any) -> list[float]:
        """The upper triangle of its result; not timed."""


def upper_triangle(matrix: Any) -> list[float]:
    values = np.asarray(matrix, dtype=np.float64)
    return list(map(float, values[np.triu_indices(len(values), k=1)]))


class Demoscope:
    def __init__(self) -> None:
        import polars as pl

        import demoscope

        self.demoscope, self.pl = demoscope, pl

    def prepared(self, codes: NDArray[Any]) -> Any:
        columns = {f"item{j}": column for j, column in enumerate(codes.T)}
        return self.pl.DataFrame(columns, nan_to_null=True).cast(self.pl.Int32)

    def matrix(self, data: Any) -> Any:
        return self.demoscope.polychoric(data, threads=1)

    def correlations(self, result: Any) -> list[float]:
        return list(result["rho"])

    def bootstrap(self, data: Any, *, replicates: int, seed: int) -> Any:
        return self.demoscope.bootstrap_polychoric(data, replicates=replicates, seed=seed, threads=1)


class Ordinalcorr:
    def __init__(self) -> None:
        import ordinalcorr
        import pandas as pd

        self.hetcor, self.frame = ordinalcorr.hetcor, pd.DataFrame

    def prepared(self, codes: NDArray[Any]) -> Any:
        return self.frame(codes if np.isnan(codes).any() else codes.astype(np.int64))

    def matrix(self, data: Any) -> Any:
        return self.hetcor(data)

    def correlations(self, result: Any) -> list[float]:
        return upper_triangle(result)


class Semopy:
    def __init__(self) -> None:
        from semopy.polycorr import hetcor

        self.hetcor = hetcor

    def prepared(self, codes: NDArray[Any]) -> Any:
        # With a pandas 3 frame semopy's writes get lost and it returns Pearson correlations.
        return codes

    def matrix(self, data: Any) -> Any:
        return self.hetcor(data, ords=range(data.shape[1]))

    def correlations(self, result: Any) -> list[float]:
        return upper_triangle(result)


PEERS: dict[str, Callable[[], Peer]] = {"demoscope": Demoscope, "ordinalcorr": Ordinalcorr, "semopy": Semopy}


def timed(call: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Result of the call, and its seconds on the clock, those of the processor and its first warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        reply: dict[str, Any] = {"secs": time.perf_counter() - wall, "cpu_secs": time.process_time() - cpu}
    if caught:
        reply["warning"] = str(caught[0].message)
    return result, reply


def answer(peer: Peer, request: list[str], codes: NDArray[Any], replicates: list[NDArray[Any]]) -> dict[str, Any]:
    match request:
        case ["sample", items]:
            data = peer.prepared(codes[:, : int(items)])
        case ["replicate", index, items]:
            data = peer.prepared(codes[replicates[int(index)], : int(items)])
        case ["bootstrap", count, seed, keep] if isinstance(peer, Demoscope):
            data = peer.prepared(codes)
            result, reply = timed(lambda: peer.bootstrap(data, replicates=int(count), seed=int(seed)))
            return reply | {"rhos": result.replicates[: int(keep)].tolist()}
        case _:
            raise ValueError(f"not a request: {' '.join(request)}")
    result, reply = timed(lambda: peer.matrix(data))
    return reply | {"rho": peer.correlations(result)}


def runtime() -> str:
    """Python and the libraries that decide about the speed of a program."""
    parts = [f"Python {platform.python_version()}", f"NumPy {metadata.version('numpy')}"]
    with contextlib.suppress(metadata.PackageNotFoundError):
        parts.append(f"SciPy {metadata.version('scipy')}")
    return ", ".join(parts)


def main(program: str, folder: Path) -> None:
    def send(reply: dict[str, Any]) -> None:
        print("@" + json.dumps(reply), flush=True)

    try:
        version = metadata.version(program)
    except metadata.PackageNotFoundError:
        send({"absent": True})
        return
    peer = PEERS[program]()
    codes = np.genfromtxt(folder / "answers.csv", delimiter=",", skip_header=1)
    lines = (folder / "replicates.csv").read_text(encoding="utf-8").splitlines()
    replicates = [np.array(line.split(","), dtype=np.intp) for line in lines]
    send({"version": version, "runtime": runtime()})
    for line in sys.stdin:
        try:
            send(answer(peer, line.split(), codes, replicates))
        except Exception as error:  # noqa: BLE001  # whatever a program raises is what there is to report
            send({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
