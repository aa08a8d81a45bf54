"""An engine that answers by a rule: for tests, for baselines, and for trying out a survey without a model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from demoscope.config import Settings, parse
from demoscope.engines.answer_table import AnswerTable
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


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
    """

    rule: Literal["uniform", "first", "table", "independence"] = "uniform"
    table: Path | None = None
    delay_secs: Annotated[float, Field(ge=0, le=3600)] = 0.0
    block: Annotated[int, Field(ge=1)] = 64


class ScriptedEngine:
    """Answers by a rule that sees the facts and labels of a request, not its prose.

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
        """Probabilities of labels, without adapters."""
        return Capabilities(modes=("logprobs",), block=self._options.block)

    @property
    def revision(self) -> str:
        """The rule and the digest of its table."""
        return self._options.rule if self._table is None else f"{self._options.rule}-{self._table.digest}"

    def facts(self) -> Mapping[str, str]:
        """The rule and its file."""
        facts = {"engine": "scripted", "rule": self._options.rule}
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
            else:
                yield Answer(request.key, "valid", probs=probs, label_mass=1.0)

    def close(self) -> None:
        """Nothing is held."""

    def _probs(self, request: Request) -> tuple[float, ...] | None:
        size = len(request.labels)
        if self._options.rule == "first":
            return (1.0,) + (0.0,) * (size - 1)
        if self._table is None:
            return (1.0 / size,) * size
        codes = [int(code) for code in request.facts["option_codes"].split(",")]
        if len(codes) != size:
            raise EngineError(f"request {request.key}: {size} labels for {len(codes)} codes")
        return self._table.probabilities(request.facts["item"], request.facts, codes)
