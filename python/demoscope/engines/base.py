"""The contract between the asking leg and whoever answers: requests in, answers out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from demoscope.schema import AnswerStatus, Mode


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; ``role`` is ``"system"``, ``"user"`` or ``"assistant"``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a text is drawn; only modes that write use it.

    Attributes:
        temperature: 0 always takes the likeliest token; 1 draws from the model's own distribution.
        top_p: Smallest set of tokens with that much probability, in (0, 1]; 1 means all tokens.
        max_tokens: Longest answer in tokens.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 32


@dataclass(frozen=True, slots=True)
class Request:
    """All that an engine sees of one cell.

    Attributes:
        key: Name of the cell in the store; the answer carries it back.
        messages: The conversation to be continued.
        labels: What the model may say, in displayed order (``"A"``, ``"B"``, ... or whole texts), all different.
            Scored and chosen from as they stand; modes that write freely do not look at them.
        mode: How the answer is taken.
            ``"logprobs"``: the probability of every label.
            ``"choice"``: one label, drawn with every other continuation ruled out.
            ``"text"`` and ``"verbalized"``: whatever the model writes.
        adapter: Directory of a fine-tuned adapter, if any.
        sampling: How a text is drawn.
        seed: Names the noise of this request, in [0, 2**63); no two requests of a run share one.
        facts: What the prompt was built from: ``item``, ``order``, ``option_codes`` (in displayed order, joined by
            commas) and the attributes shown.
            Only the scripted engine reads them: a rule has no eyes for prose.
    """

    key: str
    messages: tuple[Message, ...]
    labels: tuple[str, ...]
    mode: Mode = "logprobs"
    adapter: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says of one request; what a text means is decided elsewhere.

    Attributes:
        key: That of the request.
        status: ``"valid"`` where ``probs`` (mode ``logprobs``) or ``text`` (all others) can be used.
        probs: Probability of each label in displayed order, summing to 1; ``None`` unless it was asked for.
        label_mass: Probability of all labels together before renormalisation, in [0, 1]; ``None`` if unknown.
        unseen_mass: Most that labels may weigh which the engine did not see (it names its likeliest tokens only), in
            [0, 1]; 0 where all were seen.
        reason: Why the answer is not valid, in a word.
        text: What the model wrote; in mode ``choice`` exactly one of the labels.
        truncated: Whether the text ends because ``max_tokens`` were written.
        thought: What the model wrote before its answer, where it was let think.
        prompt_tokens: Length of the prompt in the model's own tokens, 0 if unknown.
        output_tokens: Tokens written, thoughts included, 0 if unknown.
    """

    key: str
    status: AnswerStatus
    probs: tuple[float, ...] | None = None
    label_mass: float | None = None
    unseen_mass: float = 0.0
    reason: str | None = None
    text: str | None = None
    truncated: bool = False
    thought: str | None = None
    prompt_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; asking for more is an error before anything runs.

    Attributes:
        modes: Modes of elicitation that it offers.
        adapters: Whether a request may name an adapter.
        block: Requests handed over at once; the answers of a block are made safe on disk together.
    """

    modes: tuple[Mode, ...]
    adapters: bool = False
    block: int = 64


@runtime_checkable
class Engine(Protocol):
    """Whoever answers.

    An answer depends on its request alone: caches may save work, but what was asked before or beside it must not
    change what is answered.
    That holds for drawn texts as well: their noise comes from the request's seed.
    It makes a resumed run equal to an uninterrupted one; an engine that cannot hold it to the bit says so in ``facts``.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        ...

    @property
    def revision(self) -> str:
        """Which weights and which settings answer: part of the key of every answer, hence stable between processes."""
        ...

    def facts(self) -> Mapping[str, str]:
        """Versions, dtype and hardware, for the manifest of the run."""
        ...

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block of requests, in any order, each exactly once.

        Raises:
            EngineError: The engine itself failed; answers already yielded stay good.
        """
        ...

    def close(self) -> None:
        """Give back memory and threads."""
        ...
