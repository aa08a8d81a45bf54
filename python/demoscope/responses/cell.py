"""A cell: one distinct prompt, asked once for everybody whom it describes, or one draw of one persona."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from demoscope.engines import Message, Request, Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.prompts import Question, Turn
    from demoscope.schema import Mode, Order, Presentation
    from demoscope.surveys import Item

SCORED_MODES: Final = frozenset({"logprobs", "verbalized"})
"""Modes in which one answer is a distribution over the options, which serves everybody who is asked the same."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is asked under one steering.

    Attributes:
        model: Name of the model.
        revision: Which weights and settings answer.
        steering: Name of the steering.
        presentation: How items stand together.
        mode: How an answer is taken.
        sampling: How a text is drawn.
        seed: Seed of the run; texts are drawn anew under another one.
    """

    model: str
    revision: str
    steering: str
    presentation: Presentation
    mode: Mode
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0

    @property
    def scored(self) -> bool:
        """Whether an answer is a distribution."""
        return self.mode in SCORED_MODES

    def identity(self) -> dict[str, Any]:
        """All of it that decides an answer; what is drawn depends on the seed, probabilities do not."""
        known: dict[str, Any] = {
            "model": self.model,
            "revision": self.revision,
            "steering": self.steering,
            "presentation": self.presentation,
            "mode": self.mode,
        }
        if self.mode != "logprobs":
            known["sampling"] = [self.sampling.temperature, self.sampling.top_p, self.sampling.max_tokens]
            known["seed"] = self.seed
        return known


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a prompt describes.

    Attributes:
        profile: Profile of the personas; ``None`` where the prompt describes nobody.
        attributes: Name of each shown attribute to its value.
        adapter: Name of a fine-tuned adapter, if any.
        adapter_directory: Where it lies.
        persona_id: The one persona of which an answer is drawn; ``None`` where it serves all of the profile.
        draw: Number of the draw, -1 for a distribution.
    """

    profile: str | None
    attributes: Mapping[str, str]
    adapter: str | None = None
    adapter_directory: str | None = None
    persona_id: str | None = None
    draw: int = -1


@dataclass(frozen=True, slots=True)
class Display:
    """How an item looks to one audience.

    Attributes:
        order: Name of the order in which options are shown.
        wording: Name of the wording.
        language: Language in which it is asked.
    """

    order: Order
    wording: str
    language: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What is to be asked.

    Attributes:
        way: How the model is asked.
        audience: Whom the prompt describes.
        item: What is asked.
        display: How it looks.
        question: The same in words.
        prompt_hash: Digest of the conversation and its labels.
        request: What the engine sees; its key is the key of the cell.
    """

    way: Way
    audience: Audience
    item: Item
    display: Display
    question: Question
    prompt_hash: str
    request: Request

    @property
    def key(self) -> str:
        """Name of the cell in the store."""
        return self.request.key

    @classmethod
    def of(
        cls, turns: Sequence[Turn], *, way: Way, audience: Audience, item: Item, display: Display, question: Question
    ) -> Cell:
        """The cell of one conversation.

        Its key is a digest of everything that decides the answer, and of the audience.
        A distribution has no number of a draw in its key: answers are drawn from what is stored.
        """
        prompt_hash = digest({"messages": turns, "labels": question.labels})
        key = digest(
            {
                **way.identity(),
                "adapter": audience.adapter,
                "profile": audience.profile,
                "persona": audience.persona_id,
                "draw": audience.draw,
                "item": item.id,
                "order": display.order,
                "wording": display.wording,
                "language": display.language,
                "prompt": prompt_hash,
            }
        )
        return cls(
            way, audience, item, display, question, prompt_hash, _request(key, turns, way, audience, display, question)
        )


def _request(
    key: str, turns: Sequence[Turn], way: Way, audience: Audience, display: Display, question: Question
) -> Request:
    facts = {
        **audience.attributes,
        "item": question.item,
        "order": display.order,
        "wording": display.wording,
        "language": display.language,
        "option_codes": ",".join(map(str, question.codes)),
    }
    if audience.adapter is not None:
        facts["adapter"] = audience.adapter
    return Request(
        key=key,
        messages=tuple(Message(role, content) for role, content in turns),
        labels=question.labels,
        mode=way.mode,
        adapter=audience.adapter_directory,
        sampling=way.sampling,
        seed=int(key, 16) >> 65,  # the top 63 of 128 bits
        facts=facts,
    )


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """A JSON value as bytes: sorted keys, no spaces, UTF-8; NaN and infinity are refused."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def digest(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """BLAKE2b-128 of the canonical JSON of a value, as 32 hexadecimal digits."""
    return hashlib.blake2b(canonical(value), digest_size=16).hexdigest()
