"""The model directory that ``tests/vllm/setup.sh`` makes, what it is asked, and what transformers makes of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from demoscope.config import PromptSettings
from demoscope.engines import Answer, Message, Request
from demoscope.engines.vllm import installed_vllm
from demoscope.errors import MissingPartError
from demoscope.personas import persona_text
from demoscope.prompts import Asker, asked_alone
from demoscope.surveys import load_survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from demoscope.surveys import Item

MODEL: Final = Path(__file__).parents[1] / ".cache-models" / "smollm2-135m-instruct"

FLOAT32_NATS: Final = 0.02
"""What a log-probability of an engine in float32 may differ from that of transformers."""

Reference: TypeAlias = dict[str, tuple[list[float], int]]
"""By key of the request: log-probability of each label, length of the prompt in tokens."""

try:
    VLLM = installed_vllm()
except MissingPartError:
    VLLM = ""

_SURVEY: Final = load_survey("ces2016")
_ASKER: Final = Asker(_SURVEY, settings=PromptSettings(), mode="logprobs")
_SHOWN: Final = (
    {"sex": "woman", "age_band": "18-34", "state": "Ohio", "collegeed": "with a college degree"},
    {"sex": "man", "age_band": "55 or over", "state": "Texas", "collegeed": "without a college degree"},
)


def cells(*, items: Sequence[int], orders: Sequence[str]) -> list[Request]:
    """Two personas and nobody, each asked some items of the embedded survey (by place), worded as a run words them.

    Keys are ``PERSONA/ITEM/ORDER``; the first persona is nobody.
    """
    personas = [None, *(persona_text(_SURVEY, attributes) for attributes in _SHOWN)]
    return [
        _request(f"{number}/{_SURVEY.items[place].id}/{order}", _SURVEY.items[place], persona=persona, order=order)
        for number, persona in enumerate(personas)
        for place in items
        for order in orders
    ]


def _request(key: str, item: Item, *, persona: str | None, order: str) -> Request:
    places = range(len(item.options))
    shown = tuple(places if order == "given" else reversed(places))
    question = _ASKER.question(item, shown=shown, language="en", wording="0")
    messages = tuple(Message(role, content) for role, content in asked_alone(persona, question))
    return Request(key, messages, question.labels)


def by_key(answers: Iterable[Answer]) -> dict[str, Answer]:
    found = list(answers)
    assert len({answer.key for answer in found}) == len(found)
    return {answer.key: answer for answer in found}


def logprobs_of(answer: Answer) -> list[float]:
    """Log-probability of each label in nats."""
    assert answer.status == "valid"
    assert answer.probs is not None
    assert answer.label_mass is not None
    return [math.log(prob * answer.label_mass) for prob in answer.probs]


def reference_of(requests: Iterable[Request]) -> Reference:
    """transformers in float32, one prompt at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    found = {}
    for request in requests:
        conversation = [{"role": message.role, "content": message.content} for message in request.messages]
        prompt = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, return_tensors="pt")
        tokens = prompt["input_ids"]
        with torch.inference_mode():
            logprobs = torch.log_softmax(model(tokens).logits[0, -1], dim=-1)
        labels = [tokenizer.convert_tokens_to_ids(label) for label in request.labels]
        found[request.key] = ([float(logprobs[label]) for label in labels], tokens.shape[1])
    return found
