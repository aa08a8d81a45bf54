"""The programs, and how one of them runs: as a process of its own that answers requests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

HERE = Path(__file__).parent

ONE_THREAD = dict.fromkeys(
    (
        "BLIS_NUM_THREADS",
        "MC_CORES",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)

Reply: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that computes polychoric correlations.

    Attributes:
        name: Its package.
        language: What it is called from.
        call: The call that is timed.
        thresholds: Where it takes thresholds from when answers are missing.
        install: A command that installs it.
    """

    name: str
    language: Literal["Python", "R"]
    call: str
    thresholds: Literal["item", "pair"]
    install: str

    def command(self, folder: Path, *, pythons: Mapping[str, str]) -> list[str] | None:
        """The command that starts it on the files of a folder; ``None`` without R."""
        if self.language == "Python":
            return [pythons.get(self.name, sys.executable), "-P", str(HERE / "run_peer.py"), self.name, str(folder)]
        rscript = shutil.which("Rscript")
        return (
            None if rscript is None else [rscript, "--no-init-file", str(HERE / "run_peer.R"), self.name, str(folder)]
        )


DEMOSCOPE = Program("demoscope", "Python", "demoscope.polychoric(frame, threads=1)", "item", "make release")

PEERS = (
    Program(
        "EGAnet",
        "R",
        'EGAnet::polychoric.matrix(answers, na.data = "pairwise")',
        "pair",
        "Rscript -e 'install.packages(\"EGAnet\")'",
    ),
    Program(
        "lavaan",
        "R",
        'lavaan::lavCor(answers, ordered = names(answers), estimator = "two.step")',
        "item",
        "apt install r-cran-lavaan",
    ),
    Program("ordinalcorr", "Python", "ordinalcorr.hetcor(frame)", "pair", "pip install ordinalcorr"),
    Program(
        "psych",
        "R",
        "psych::polychoric(answers, smooth = FALSE, global = TRUE, correct = 0)",
        "item",
        "apt install r-cran-psych",
    ),
    Program("semopy", "Python", "semopy.polycorr.hetcor(array, ords=items)", "item", "pip install semopy"),
    Program("polycor", "R", "polycor::polychor(x, y), pair by pair", "pair", "apt install r-cran-polycor"),
)


class AbsentError(Exception):
    """The program is not installed."""


class PeerError(Exception):
    """The program raised, died or took too long; the message is for the table."""


class Worker:
    """A running program.

    Attributes:
        hello: Its ``version`` and ``runtime``.
    """

    def __init__(self, command: Sequence[str], folder: Path, *, limit_secs: float) -> None:
        self._limit_secs = limit_secs
        self._errors = folder / "stderr.txt"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(  # the command is one of ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | ONE_THREAD,
                text=True,
                encoding="utf-8",
            )
        try:
            self.hello = self._introduction()
        except BaseException:
            self.close()
            raise

    def ask(self, *request: object) -> Reply:
        """The reply to one request.

        Raises:
            PeerError: There is none, or the program says that it failed.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(" ".join(map(str, request)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(self._last_words()) from None
        reply = self._reply()
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _introduction(self) -> Reply:
        hello = self._reply()
        if hello.get("absent"):
            raise AbsentError
        return hello

    def _reply(self) -> Reply:
        """The next line that is a reply; programs may print others."""
        assert self._process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(self._limit_secs, stop)
        timer.start()
        try:
            for line in self._process.stdout:
                if line.startswith("@"):
                    return dict(json.loads(line[1:]))
        finally:
            timer.cancel()
        raise PeerError(f"stopped after {self._limit_secs:.0f} s" if late.is_set() else self._last_words())

    def _last_words(self) -> str:
        code = self._process.wait()
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), f"ended with exit code {code}")
