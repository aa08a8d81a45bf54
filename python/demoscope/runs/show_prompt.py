"""The words that a model reads when one persona is asked one item."""

from __future__ import annotations

import difflib
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import ConfigError, MissingPartError, nearest
from demoscope.prompts import Asker
from demoscope.responses import Store, plan_cells
from demoscope.runs.abilities import Renders
from demoscope.runs.execute import make_engine, with_places
from demoscope.runs.folder import RunFolder
from demoscope.runs.people import load_people, told_items, with_asked_items
from demoscope.runs.pretend import Pretending
from demoscope.steering import STEERINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.engines import Engine, Request
    from demoscope.responses import Cell
    from demoscope.responses.plan import Part
    from demoscope.surveys import Survey

PROMPTS_SCHEMA: Final = 1
"""Version of the table that :func:`show_prompts` returns; a key that goes or changes its meaning raises it."""


@dataclass(frozen=True)
class Said:
    """One turn; ``placeholder`` says that it is made up, since nobody has answered yet."""

    role: str
    content: str
    placeholder: bool


@dataclass(frozen=True)
class Shown:
    """One prompt.

    Attributes:
        model: Name of the model.
        steering: Name of the steering.
        adapter: Name of the adapter that answers, if any.
        order: Name of the order of the options.
        wording: Name of the wording.
        language: Language in which it is asked.
        presentation: How items stand together.
        mode: How the answer is taken.
        messages: The conversation.
        options: Label, text and code of each option, in displayed order.
        rendered: What the model reads, after its chat template; ``None`` if unknown.
        why_not_rendered: Why it is unknown.
        cell: Key of the answer in the run folder.
        prompt_hash: Digest of conversation and labels.
    """

    model: str
    steering: str
    adapter: str | None
    order: str
    wording: str
    language: str
    presentation: str
    mode: str
    messages: tuple[Said, ...]
    options: tuple[dict[str, Any], ...]
    rendered: str | None
    why_not_rendered: str | None
    cell: str
    prompt_hash: str


def show_prompts(
    config: RunConfig,
    *,
    folder: Path,
    base: Path,
    persona: str,
    item: str,
    model: str | None = None,
    steering: str | None = None,
) -> dict[str, Any]:
    """Every prompt by which one persona is asked one item; nothing is asked and nothing is written.

    In interviews and batteries the answers before it are those of the run folder where it has them; where not, the
    option on top stands there and is marked.

    Args:
        config: Settings.
        folder: Run folder.
        base: Folder that relative paths in the settings start from.
        persona: Identifier, or number in the order of ``personas.parquet``, counted from 1.
        item: Id of the item.
        model: Name of the one model to show; ``None`` shows all.
        steering: Name of the one steering to show; ``None`` shows all.

    Raises:
        ConfigError: There is no such persona, item, model or steering, or the persona is not asked the item.
        DemoscopeError: Settings, data, engine or store.
    """
    survey, _, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    who = _persona(personas, persona)
    _check_item(config, survey, item=item, country=who["country"])
    models = _models(config, model=model, steering=steering)
    run = RunFolder(folder)
    shown: list[Shown] = []
    with ExitStack() as stack:
        store = stack.enter_context(Store(run.responses)) if run.responses.is_dir() else None
        language = Asker(survey, settings=config.prompts, mode=config.questions.mode).language(who["country"])
        asking = _Asking(config, survey, personas, who, language=language, item=item, store=store)
        for settings in models:
            shown += asking.of(settings, base)
    return {
        "schema": PROMPTS_SCHEMA,
        "persona": who["persona_id"],
        "country": who["country"],
        "profile": who["profile"],
        "item": item,
        "prompts": [asdict(prompt) for prompt in shown],
    }


@dataclass(frozen=True)
class _Asking:
    """One persona that is asked one item."""

    config: RunConfig
    survey: Survey
    personas: pl.DataFrame
    who: dict[str, Any]
    language: str
    item: str
    store: Store | None

    def of(self, model: ModelSettings, base: Path) -> list[Shown]:
        """The prompts of one model; without its package they are shown as turns only."""
        try:
            engine = make_engine(model, base)
        except MissingPartError as error:
            return self._all(model, None, str(error))
        with closing(engine):
            return self._all(model, engine, "the engine does not show what the model reads")

    def _all(self, model: ModelSettings, engine: Engine | None, why_not: str) -> list[Shown]:
        revision = "" if engine is None else engine.revision
        shown: list[Shown] = []
        for steering in model.steerings:
            pretending = Pretending(self.store, answers="top", wanted=self._may_be_asked)
            shown += [
                _shown(cell, pretending, rendered=_rendered(engine, cell.request), why_not=why_not)
                for cell in self._cells(model, steering, revision, pretending)
            ]
        return shown

    def _cells(self, model: ModelSettings, steering: str, revision: str, pretending: Pretending) -> list[Cell]:
        """Cells that ask the persona, one for each display."""
        asked = self.config.questions_of(model).model_copy(update={"draws": 1})
        if asked.presentation == "single":
            asked = asked.model_copy(update={"items": (self.item,)})
        (part,) = plan_cells(
            self.survey,
            self._company(steering),
            config=self.config.model_copy(update={"questions": asked}),
            model=model.model_copy(update={"steerings": (steering,), "questions": {}}),
            revision=revision,
        ).parts
        cells = [cell for cell in pretending.walk(part) if cell.item.id == self.item]
        return cells if asked.presentation == "single" else self._own(part, pretending, cells)

    def _own(self, part: Part, pretending: Pretending, cells: Sequence[Cell]) -> list[Cell]:
        """Those of the persona's own conversations; forgets all others."""
        rows = part.responses(pretending.as_store()).filter(pl.col("persona_id") == self.who["persona_id"])
        own = set(rows["cell"])
        for key in pretending.cells.keys() - own:
            del pretending.cells[key]
        return [cell for cell in cells if cell.key in own]

    def _company(self, steering: str) -> pl.DataFrame:
        """The persona, and as many others as decide how it sees the item.

        Orders are dealt out over all profiles of a country, so one persona of each has to be there.
        """
        me = pl.col("persona_id") == self.who["persona_id"]
        if not STEERINGS[steering].personal:
            return self.personas.filter(me)
        alike = (pl.col("profile") == self.who["profile"]) & (pl.col("country") == self.who["country"])
        others = self.personas.filter(~alike).unique(["profile", "country"], keep="first", maintain_order=True)
        return pl.concat([self.personas.filter(me), others])

    def _may_be_asked(self, cell: Cell) -> bool:
        audience = cell.audience
        return (
            audience.persona_id in (None, self.who["persona_id"])
            and audience.profile in (None, self.who["profile"])
            and cell.display.language == self.language
        )


def _rendered(engine: object, request: Request) -> str | None:
    return engine.rendered(request) if isinstance(engine, Renders) else None


def _shown(cell: Cell, pretending: Pretending, *, rendered: str | None, why_not: str) -> Shown:
    question, display = cell.question, cell.display
    return Shown(
        model=cell.way.model,
        steering=cell.way.steering,
        adapter=cell.audience.adapter,
        order=display.order,
        wording=display.wording,
        language=display.language,
        presentation=cell.way.presentation,
        mode=cell.way.mode,
        messages=_turns(cell, pretending),
        options=tuple(
            {"label": label, "text": text, "code": code}
            for label, text, code in zip(question.labels, question.options, question.codes, strict=True)
        ),
        rendered=rendered,
        why_not_rendered=why_not if rendered is None else None,
        cell=cell.key,
        prompt_hash=cell.prompt_hash,
    )


def _turns(cell: Cell, pretending: Pretending) -> tuple[Said, ...]:
    """The conversation; an earlier answer is a placeholder where the cell that asked for it has none."""
    messages = cell.request.messages

    def is_made_up(place: int) -> bool:
        asked = messages[:place]
        before = [key for key, other in pretending.cells.items() if other.request.messages == asked]
        # Where earlier questions have left the view, only the last words before the answer are the same.
        before = before or [key for key, other in pretending.cells.items() if other.request.messages[-1] == asked[-1]]
        return any(key in pretending.pretended for key in before)

    return tuple(
        Said(message.role, message.content, message.role == "assistant" and is_made_up(place))
        for place, message in enumerate(messages)
    )


def _persona(personas: pl.DataFrame, name: str) -> dict[str, Any]:
    found = personas.filter(pl.col("persona_id") == name)
    if found.height:
        return found.row(0, named=True)
    if name.isdecimal():
        if 1 <= int(name) <= personas.height:
            return personas.row(int(name) - 1, named=True)
        raise ConfigError(f"persona {name}: personas are numbered from 1 to {personas.height:,}")
    close = difflib.get_close_matches(name, personas["persona_id"].to_list(), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"they are called like {personas['persona_id'][0]!r}"
    raise ConfigError(f"no persona {name!r}; {hint}, or numbered from 1 to {personas.height:,}")


def _check_item(config: RunConfig, survey: Survey, *, item: str, country: str) -> None:
    declared = survey.item(item)
    items = config.questions.items or ()
    if item not in items:
        told = item in told_items(config, survey)
        why = "the prompt tells its answer" if told else "questions.items leaves it out"
        raise ConfigError(f"item {item!r} is not asked: {why}{nearest(item, items)}")
    if declared.asked_in is not None and country not in declared.asked_in:
        raise ConfigError(f"item {item!r} is not asked in {country!r}; it is in {', '.join(declared.asked_in)}")


def _models(config: RunConfig, *, model: str | None, steering: str | None) -> list[ModelSettings]:
    """Models to show, each with the steerings to show."""
    models = [settings for settings in config.models if model in (None, settings.name)]
    if not models:
        raise ConfigError(f"no model {model!r}{nearest(str(model), (settings.name for settings in config.models))}")
    if steering is None:
        return models
    steered = [
        settings.model_copy(update={"steerings": (steering,)}) for settings in models if steering in settings.steerings
    ]
    if not steered:
        known = {name for settings in models for name in settings.steerings}
        raise ConfigError(f"no steering {steering!r} in these settings{nearest(steering, known)}")
    return steered
