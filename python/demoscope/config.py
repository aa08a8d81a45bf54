"""TOML files into checked models: unknown keys are errors that name the file, the key and the nearest known key."""

from __future__ import annotations

import reprlib
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from demoscope.errors import ConfigError, nearest
from demoscope.schema import Mode, Presentation

if TYPE_CHECKING:
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseModel):
    """Base of everything that is read from TOML: frozen, and without room for unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class AdapterSettings(Settings):
    """One adapter of a model: where it lies, and for whom it answers (all these attributes; everybody if none)."""

    path: str = Field(min_length=1)
    when: dict[str, str] = Field(default_factory=dict)


class ModelSettings(Settings):
    """One ``[[models]]`` table: who answers, how it is steered, and what of ``[questions]`` is otherwise for it."""

    name: str = Field(min_length=1, pattern=r"^[^/\\]+$")
    engine: str
    steerings: tuple[str, ...] = ("unsteered", "persona")
    adapters: dict[str, AdapterSettings] = Field(default_factory=dict)
    questions: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)


class Group(Settings):
    """People of whom an expression holds.

    Attributes:
        where: SQL expression over ids of items (codes) and attributes (words; numbers where there are bands) and
            ``country``: ``"Q240 BETWEEN 1 AND 3"``. Somebody for whom it is unknown is not in the group.
        text: How a persona says that it is one of them, after "You are".
        dimension: Name of the groups among which this is one: ``"ideology"``.
    """

    where: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    dimension: str = ""


Share = Annotated[float, Field(ge=0, le=1)]
Shares = dict[str, Share]


class PersonaSettings(Settings):
    """``[personas]``: who personas are and which of their attributes a prompt shows.

    Attributes:
        source: One persona for each respondent; personas drawn from demographic cells; or members of groups, who tell
            nothing but their group.
        attributes: What a persona shows; ``None`` means what the survey shows.
        countries: Countries to take; ``None`` means all.
        per_country: Personas of each country or group; ``None`` means as many as there are respondents.
        groups: Names of the groups to take; ``None`` means those of the run, or all of the survey if it has none.
        pooling: Weights of people in a group: every country in it weighs the same, or as the survey has them.
        targets: Shares of the words of an attribute, everywhere or under the name of a country.
    """

    source: Literal["respondents", "cells", "groups"] = "respondents"
    attributes: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    per_country: Annotated[int, Field(ge=2)] | None = None
    groups: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    pooling: Literal["equal_country", "as_is"] = "equal_country"
    targets: dict[str, Shares | dict[str, Shares]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fit_the_source(self) -> PersonaSettings:
        needs = {"groups": "groups", "pooling": "groups", "targets": "cells"}
        for name, source in needs.items():
            if name in self.model_fields_set and getattr(self, name) and self.source != source:
                if name == "pooling" and self.pooling == "equal_country":  # written out with the defaults of a run
                    continue
                raise ValueError(f"{name} belongs to source = {source!r}, and this is {self.source!r}")
        if self.source == "groups":
            if self.attributes is not None:
                raise ValueError("attributes: a persona of a group tells nothing but its group")
            if self.countries is not None:
                raise ValueError("countries: name them in the expression of a group")
        return self


class InterviewSettings(Settings):
    """``[questions.interview]``: what of a conversation is in view, and in which order it goes."""

    history: Literal["full", "domain"] | Annotated[int, Field(ge=1)] = "full"
    sequence: Literal["given", "random"] = "given"
    reset: Literal["never", "domain"] = "never"


class QuestionSettings(Settings):
    """``[questions]``: which items are asked and how."""

    items: tuple[str, ...] | None = None
    order: Literal["balanced", "given", "reversed", "both", "shuffled"] = "balanced"
    mode: Mode = "logprobs"
    presentation: Presentation = "single"
    draws: Annotated[int, Field(ge=1, le=10_000)] = 1
    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] = 32
    battery_size: Annotated[int, Field(ge=2, le=100)] = 12
    interview: InterviewSettings = InterviewSettings()

    @model_validator(mode="after")
    def _agree(self) -> QuestionSettings:
        if self.mode == "logprobs" and (self.temperature, self.top_p) != (1.0, 1.0):
            raise ValueError(
                "temperature and top_p are for modes that write; mode 'logprobs' takes the model's own probabilities"
            )
        if self.mode == "verbalized" and self.presentation == "battery":
            raise ValueError("mode 'verbalized' has no presentation 'battery'; ask 'single' or 'interview'")
        return self


class PromptSettings(Settings):
    """``[prompts]``: how personas and questions are put into words.

    Attributes:
        labels: What stands before each option and is answered: letters or numbers from the top, or the option itself.
        persona: How a persona is told.
        wordings: Which texts of an item are asked: its own, one of all for each profile in turn, or all.
        language: One language for everybody; ``None`` asks every country in its own.
        template: TOML file of templates that replace parts of the built-in prompt; the caller makes it absolute.
    """

    labels: Literal["letters", "numbers", "text"] = "letters"
    persona: Literal["sentence", "list", "dialogue", "portrait"] = "sentence"
    wordings: Literal["first", "balanced", "all"] = "first"
    language: Annotated[str, Field(min_length=1)] | None = None
    template: str | None = None


class ScoreSettings(Settings):
    """``[scores]``: resampling, and what is scored.

    Attributes:
        replicates: Bootstrap replicates.
        permutations: Permutations of profile labels.
        told_items: Whether items are asked and scored whose answer a persona tells.
    """

    replicates: Annotated[int, Field(ge=20, le=100_000)] = 1000
    permutations: Annotated[int, Field(ge=20, le=100_000)] = 500
    told_items: Literal["exclude", "include"] = "exclude"


class SimulatedSettings(Settings):
    """``[simulated]``: people made up from the definition of the survey, in place of a data file.

    Attributes:
        countries: Names, or how many from the first; ``None`` means all.
        respondents: People in each country; by default sizes differ.
        seed: Names these people; that of the run names who of them is asked as.
    """

    countries: Annotated[int, Field(ge=1)] | tuple[str, ...] | None = None
    respondents: Annotated[int, Field(ge=4)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0


class RunConfig(Settings):
    """A whole ``run.toml``.

    Attributes:
        name: Name of the run and of its folder.
        survey: Name of a survey of the package, or path of its TOML file.
        data: Data file; ``None`` takes the one that the survey names.
        simulated: People who are made up in place of data.
        weight: Column of weights in place of the survey's, or ``"none"``.
        wording: Table of wordings that go before those of the survey.
        seed: Fixes everything that is drawn.
        personas, questions, prompts, models, scores: The tables of these names.
        groups: Groups of people by name, beside those of the survey.
    """

    name: str = Field(min_length=1)
    survey: str
    data: str | None = None
    simulated: SimulatedSettings | None = None
    weight: Annotated[str, Field(min_length=1)] | None = None
    wording: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    personas: PersonaSettings = PersonaSettings()
    groups: dict[str, Group] = Field(default_factory=dict)
    questions: QuestionSettings = QuestionSettings()
    prompts: PromptSettings = PromptSettings()
    models: tuple[ModelSettings, ...] = Field(min_length=1)
    scores: ScoreSettings = ScoreSettings()

    def questions_of(self, model: ModelSettings) -> QuestionSettings:
        """How one model is asked: ``[questions]``, and over it what the model's own table says."""
        return QuestionSettings.model_validate({**self.questions.model_dump(), **model.questions})

    @model_validator(mode="after")
    def _people_come_from_one_place(self) -> RunConfig:
        if self.simulated is not None and self.data is not None:
            raise ValueError("data and simulated exclude each other")
        return self

    @model_validator(mode="after")
    def _models_can_be_asked(self) -> RunConfig:
        for model in self.models:
            if "items" in model.questions:
                raise ValueError(f"model {model.name!r}: questions.items is the same for all models; name it there")
            try:
                self.questions_of(model)
            except ValidationError as error:
                problems = [_explain(QuestionSettings, problem) for problem in error.errors(include_url=False)]
                raise ValueError(f"model {model.name!r}: questions: {'; '.join(problems)}") from None
        return self

    @field_validator("models")
    @classmethod
    def _names_differ(cls, models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
        names = [model.name for model in models]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{names.count(name)} models are named {name!r}; answers are told apart by that name")
        return models


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: The file is absent, is not text, or is not TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def parse(model: type[Model], table: dict[str, Any], *, where: str) -> Model:
    """Validate ``table`` as ``model``.

    Args:
        model: The pydantic model.
        table: Parsed TOML.
        where: Name of the file, for messages.

    Raises:
        ConfigError: One line for each wrong key, with its path and, for unknown ones, the nearest known key.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # A list with a wrong member counts as too short as well; the member's own line says what is wrong.
        inner = {problem["loc"][:-depth] for problem in problems for depth in range(1, len(problem["loc"]))}
        wrong = [p for p in problems if not (p["type"] == "too_short" and p["loc"] in inner)]
        lines = [f"{where}: {_explain(model, problem)}" for problem in wrong]
        raise ConfigError("\n".join(lines)) from error


def _explain(model: type[BaseModel], problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        return f"unknown key {path!r}{nearest(str(problem['loc'][-1]), known)}"
    if problem["type"] == "missing":
        return f"key {path!r} is missing"
    if problem["type"] == "value_error":
        return f"key {path!r}: {problem['ctx']['error']}" if path else str(problem["ctx"]["error"])
    return f"key {path!r}: {problem['msg']} (got {reprlib.repr(problem.get('input'))})"


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Field names of the model that sits at ``loc`` inside ``model``."""
    current: type[BaseModel] = model
    for part in loc:
        if isinstance(part, int) or part not in current.model_fields:
            continue
        found = _model_in(current.model_fields[part].annotation)
        if found is None:
            return []
        current = found
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
