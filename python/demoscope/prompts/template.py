"""A user's own wording of prompts: one TOML file with a template for each part that it replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from demoscope.config import Settings, parse, read_toml
from demoscope.errors import ConfigError
from demoscope.prompts.sandbox import SandboxedTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from demoscope.personas.styles import Attribute

_QUESTION: Final = ("item", "text", "options", "labels", "language", "wording", "mode", "instruction")
VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "persona": ("attributes", "values", "language", "persona"),
    "question": _QUESTION,
    "instruction": _QUESTION,
    "battery": ("questions", "language"),
    "battery_turn": ("number", "count", "instruction", "language"),
}
"""Keys of a template file, each with the variables of its template."""

_PROBE_TEXT: Final = "\u27e6text\u27e7"
_PROBE_LABELS: Final = ("\u27e61\u27e7", "\u27e62\u27e7", "\u27e63\u27e7")
_PROBE_OPTIONS: Final = ("\u27e6one\u27e7", "\u27e6two\u27e7", "\u27e6three\u27e7")


class TemplateSources(Settings):
    """The file as it is written; a key that is absent leaves that part of the prompt as it is.

    Attributes:
        persona: Who answers, the turn that opens a conversation.
        question: A question and its options.
        instruction: The line below them that says how to answer.
        battery: Several questions that are in view together.
        battery_turn: The turn that asks for the answer to one of them.
    """

    persona: str | None = Field(default=None, min_length=1)
    question: str | None = Field(default=None, min_length=1)
    instruction: str | None = Field(default=None, min_length=1)
    battery: str | None = Field(default=None, min_length=1)
    battery_turn: str | None = Field(default=None, min_length=1)


class TemplateFile:
    """The templates of one file, checked on made-up questions.

    Args:
        path: The TOML file.
        labelled: Whether options have labels besides their texts, which a question then has to show.

    Raises:
        ConfigError: The file or a template of it is wrong, or shows less than a question; file, key and line are named.
    """

    def __init__(self, path: Path, *, labelled: bool) -> None:
        self._path = path
        sources = parse(TemplateSources, read_toml(path), where=str(path)).model_dump(exclude_none=True)
        if not sources:
            raise ConfigError(f"{path}: no template; keys are {', '.join(VARIABLES)}")
        self.sources: Mapping[str, str] = sources
        self._templates = {
            key: SandboxedTemplate(source, where=f"{path}: {key}", variables=VARIABLES[key])
            for key, source in sources.items()
        }
        self._probe(_PROBE_LABELS if labelled else _PROBE_OPTIONS)

    def __contains__(self, key: object) -> bool:
        return key in self._templates

    def uses(self, key: str, *, variable: str) -> bool:
        """Whether there is a template under ``key`` that has the variable in it."""
        return key in self._templates and variable in self._templates[key].uses

    def render(self, key: str, values: Mapping[str, Any]) -> str:
        """Fill the template under ``key``; newlines around the whole go.

        Raises:
            ConfigError: It fails, or writes nothing; file, key and line are named.
        """
        text = self._templates[key].render(values).strip("\n")
        if not text.strip():
            raise ConfigError(f"{self._path}: {key}: writes nothing")
        return text

    def lost(self, personas: Mapping[str, Sequence[str]]) -> str | None:
        """The first attribute whose values all read the same.

        Args:
            personas: Name of each attribute to the texts of personas that differ in nothing else.

        Returns:
            A message, or ``None`` where every attribute can be told from the text.
        """
        for name, texts in personas.items():
            if len(set(texts)) < len(texts):
                return f"{self._path}: persona: two values of {name!r} read the same; show values.{name} or every one"
        return None

    def _probe(self, labels: Sequence[str]) -> None:
        options = [{"label": label, "text": text} for label, text in zip(labels, _PROBE_OPTIONS, strict=True)]
        question = {
            "item": "item",
            "text": _PROBE_TEXT,
            "options": options,
            "labels": list(labels),
            "language": "en",
            "wording": "0",
            "mode": "logprobs",
            "instruction": "instruction",
        }
        shown = {"the text of the question ({{ text }})": _PROBE_TEXT}
        shown |= {f"the text of option {n} (option.text)": text for n, text in enumerate(_PROBE_OPTIONS, start=1)}
        shown |= {f"the label of option {n} (option.label)": text for n, text in enumerate(labels, start=1)}
        self._must_show("question", question, shown)
        if "instruction" in self:
            self.render("instruction", question)
        bodies = ["\u27e6first question\u27e7", "\u27e6second question\u27e7"]
        questions = [{"number": n, "text": text} for n, text in enumerate(bodies, start=1)]
        self._must_show(
            "battery",
            {"questions": questions, "language": "en"},
            {f"question {n} (question.text)": text for n, text in enumerate(bodies, start=1)},
        )
        turn = {"number": 97, "count": 99, "instruction": "instruction", "language": "en"}
        self._must_show("battery_turn", turn, {"which question it is about ({{ number }})": "97"})

    def _must_show(self, key: str, values: Mapping[str, Any], shown: Mapping[str, str]) -> None:
        if key not in self:
            return
        text = self.render(key, values)
        if lost := [what for what, probe in shown.items() if probe not in text]:
            raise ConfigError(f"{self._path}: {key}: never shows {', '.join(lost)}")


def persona_values(attributes: Sequence[Attribute], *, language: str) -> dict[str, Any]:
    """Variables of a persona template but ``persona``."""
    return {
        "attributes": [
            {
                "name": attribute.name,
                "label": attribute.label,
                "question": attribute.question,
                "value": attribute.value,
                "text": attribute.text,
            }
            for attribute in attributes
        ],
        "values": {attribute.name: attribute.value for attribute in attributes},
        "language": language,
    }
