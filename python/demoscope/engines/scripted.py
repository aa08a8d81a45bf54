"""An engine that answers by a rule: for tests, for baselines, and for trying out a survey without a model."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from demoscope.config import Settings, parse
from demoscope.engines.answer_table import AnswerTable
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.label_probs import pick, tempered
from demoscope.engines.noise import stream
from demoscope.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

_PLAIN = "{label}"
_SENTENCE = "My answer is {label}."
_MESSY_ANSWERS = (_PLAIN, "{label}.", "({label})", "**{label}**", _SENTENCE, "Answer: {label}", " {label}\n")
_MESSY_OTHERS = (
    "I'm sorry, but as an AI I cannot answer that question.",
    "I don't know.",
    "{unknown}",
    "My answer is {unknown}.",
    "{label} or {other}",
    "",
)
_LETTER = re.compile(r"(?:\W*|.*[Aa]nswer(?: is|:) )([A-Z])\W*")
_CUT = "Thinking about all that matters to me in this question, I would say that"


class ScriptedOptions(Settings):
    """``[models.options]`` of the engine ``scripted``.

    Attributes:
        rule: ``"uniform"``: every option alike.
            ``"first"``: always the option on top, whatever it says.
            ``"table"``: the probabilities of a file, see :class:`~demoscope.engines.answer_table.AnswerTable`.
            ``"independence"``: the same, but the file may tell people apart by one attribute only, the country: within
            a country all personas answer alike, hence no two items go together.
        table: The file of the last two rules.
        delay_secs: Seconds that every answer takes.
        block: Requests handed over at once.
        texts: What mode ``text`` writes around the label that was drawn.
            ``"label"``: nothing; ``"sentence"``: ``"My answer is B."``; ``"messy"``: one of several ways to say it, and
            in ``invalid_share`` of all texts, those of mode ``verbalized`` included, something that is no answer: a
            refusal, a don't-know, a label that does not exist, two labels, nothing, or a text cut off before its point.
        invalid_share: Share of messy texts that are no answer, in [0, 1].
        persistence: Probability, in [0, 1), that an answer takes the place (first, second, ...) of the label in the
            last assistant turn, the last place at most; otherwise the rule answers.
            It makes answers of one interview depend on each other, which questions asked singly cannot.
        adapters: Directories of the adapters of the run, which hands them over; only their names matter here.
    """

    rule: Literal["uniform", "first", "table", "independence"] = "uniform"
    table: Path | None = None
    delay_secs: Annotated[float, Field(ge=0, le=3600)] = 0.0
    block: Annotated[int, Field(ge=1)] = 64
    texts: Literal["label", "sentence", "messy"] = "label"
    invalid_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    persistence: Annotated[float, Field(ge=0, lt=1)] = 0.0
    adapters: tuple[str, ...] = ()


class ScriptedEngine:
    """Answers by a rule that sees the facts and labels of a request, not its prose, and draws with the request's seed.

    Args:
        model: Name of the model in messages.
        options: See :class:`ScriptedOptions`.

    Raises:
        ConfigError: An option is unknown or cannot be meant.
        DataError: The table breaks its rules.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        where = f"model {model!r}: options"
        self._options = parse(ScriptedOptions, dict(options), where=where)
        rule, path = self._options.rule, self._options.table
        if (path is not None) != (rule in ("table", "independence")):
            raise ConfigError(f"{where}: rule {rule!r} {'needs a' if path is None else 'has no'} table")
        self._table = None if path is None else AnswerTable(path)
        if self._table is not None and rule == "independence" and len(self._table.attributes) > 1:
            told = " and ".join(self._table.attributes)
            raise ConfigError(
                f"{where}: {path} tells people apart by {told}; the rule 'independence' allows one attribute"
            )

    @property
    def capabilities(self) -> Capabilities:
        """Every mode, with adapters, which only a table with a column ``adapter`` tells apart."""
        return Capabilities(
            modes=("logprobs", "choice", "text", "verbalized"), adapters=True, block=self._options.block
        )

    @property
    def revision(self) -> str:
        """The rule, the digest of its table, and the settings of texts and interviews that are not the default."""
        rule = self._options.rule if self._table is None else f"{self._options.rule}-{self._table.digest}"
        return ", ".join([rule, *(f"{name} {value}" for name, value in self._settings().items())])

    def facts(self) -> Mapping[str, str]:
        """The rule, its file, and the settings of texts and interviews that are not the default."""
        facts = {"engine": "scripted", "rule": self._options.rule, **self._settings()}
        return facts if self._options.table is None else {**facts, "table": str(self._options.table)}

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block; see :meth:`demoscope.engines.base.Engine.ask`.

        A request that no row of the table fits gets the status ``error`` with the reason ``no_row_fits``.

        Raises:
            EngineError: The table has a code that is not an option, or does not say which of two rows answers.
        """
        for request in requests:
            if self._options.delay_secs:
                time.sleep(self._options.delay_secs)
            probs = self._probs(request)
            if probs is None:
                yield Answer(request.key, "error", reason="no_row_fits")
            elif request.mode == "logprobs":
                yield Answer(request.key, "valid", probs=probs, label_mass=1.0)
            else:
                yield self._written(request, probs)

    def close(self) -> None:
        """Nothing is held."""

    def _settings(self) -> dict[str, str]:
        names = ("texts", "persistence", *(("invalid_share",) if self._options.texts == "messy" else ()))
        default = ScriptedOptions()
        values = {name: getattr(self._options, name) for name in names}
        return {name: str(value) for name, value in values.items() if value != getattr(default, name)}

    def _probs(self, request: Request) -> tuple[float, ...] | None:
        """What the rule says, mixed with the place of the answer before."""
        probs = self._rule(request)
        place = _place_before(request) if self._options.persistence else None
        if probs is None or place is None:
            return probs
        kept = self._options.persistence
        return tuple((1 - kept) * prob + kept * (number == place) for number, prob in enumerate(probs))

    def _rule(self, request: Request) -> tuple[float, ...] | None:
        size = len(request.labels)
        if self._options.rule == "first":
            return (1.0,) + (0.0,) * (size - 1)
        if self._table is None:
            return (1.0 / size,) * size
        codes = [int(code) for code in request.facts["option_codes"].split(",")]
        if len(codes) != size:
            raise EngineError(f"request {request.key}: {size} labels for {len(codes)} codes")
        facts = request.facts
        if request.adapter is not None:
            facts = {"adapter": Path(request.adapter).name, **facts}
        return self._table.probabilities(facts["item"], facts, codes)

    def _written(self, request: Request, probs: Sequence[float]) -> Answer:
        noise = stream(request.seed)
        drawn = pick(tempered(probs, request.sampling), noise.random())
        if request.mode == "choice":
            return Answer(request.key, "valid", text=request.labels[drawn])
        if self._options.texts == "messy" and noise.random() < self._options.invalid_share:
            return _no_answer(request, drawn, noise)
        if request.mode == "verbalized":
            lines = (f"{label}: {_percent(prob)}%" for label, prob in zip(request.labels, probs, strict=True))
            return Answer(request.key, "valid", text="\n".join(lines))
        forms = {"label": (_PLAIN,), "sentence": (_SENTENCE,), "messy": _MESSY_ANSWERS}[self._options.texts]
        form = forms[int(noise.integers(len(forms)))]
        return Answer(request.key, "valid", text=form.format(label=request.labels[drawn]))


def _no_answer(request: Request, drawn: int, noise: np.random.Generator) -> Answer:
    forms = (*_MESSY_OTHERS, _CUT)
    form = forms[int(noise.integers(len(forms)))]
    text = form.format(
        label=request.labels[drawn],
        other=request.labels[(drawn + 1) % len(request.labels)],
        unknown=next(name for name in ("Z", "Y", "99", "?") if name not in request.labels),
    )
    return Answer(request.key, "valid", text=text, truncated=form == _CUT)


def _percent(prob: float) -> str:
    return f"{100 * prob:.4f}".rstrip("0").rstrip(".")


def _place_before(request: Request) -> int | None:
    """Place among its options of the label that the last assistant turn says, the last place here at most."""
    said = next((message.content for message in reversed(request.messages) if message.role == "assistant"), None)
    if said is None:
        return None
    if said.strip() in request.labels:
        return request.labels.index(said.strip())
    found = _LETTER.fullmatch(said)
    return min(ord(found[1]) - ord("A"), len(request.labels) - 1) if found else None
