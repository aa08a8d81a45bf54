"""A cell: one distinct prompt, asked once for everybody whom it describes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demoscope.engines import Message, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Prompt
    from demoscope.schema import Mode, Order, Presentation


@dataclass(frozen=True, slots=True)
class Cell:
    """What is to be asked.

    Attributes:
        model: Name of the model.
        revision: Which weights and settings answer.
        steering: Name of the steering.
        adapter: Name of a fine-tuned adapter, if any.
        profile: Profile of the personas that the prompt describes; ``None`` where it describes nobody.
        item: Id of the item.
        order: Order in which the options are shown.
        presentation: How items stand together.
        prompt_hash: Digest of the conversation and its labels.
        codes: Codes of the options in the item's own order, length K.
        shown_codes: The same codes in displayed order.
        request: What the engine sees; its key is the key of the cell.
    """

    model: str
    revision: str
    steering: str
    adapter: str | None
    profile: str | None
    item: str
    order: Order
    presentation: Presentation
    prompt_hash: str
    codes: tuple[int, ...]
    shown_codes: tuple[int, ...]
    request: Request

    @property
    def key(self) -> str:
        """Name of the cell in the store."""
        return self.request.key

    @classmethod
    def of_prompt(
        cls,
        prompt: Prompt,
        *,
        model: str,
        revision: str,
        steering: str,
        adapter: str | None,
        profile: str | None,
        attributes: Mapping[str, str],
        item: str,
        codes: tuple[int, ...],
        order: Order,
        presentation: Presentation,
        mode: Mode,
    ) -> Cell:
        """The cell of one prompt.

        Its key is a digest of everything that decides the answer, and of the profile; it holds no number of a draw:
        draws are made from the stored probabilities.
        Mode ``logprobs`` has no sampling parameters.
        """
        prompt_hash = digest({"messages": prompt.messages, "labels": prompt.labels})
        key = digest(
            {
                "model": model,
                "revision": revision,
                "steering": steering,
                "adapter": adapter,
                "profile": profile,
                "item": item,
                "order": order,
                "presentation": presentation,
                "mode": mode,
                "prompt": prompt_hash,
            }
        )
        shown = ",".join(map(str, prompt.option_codes))
        request = Request(
            key=key,
            messages=tuple(Message(role, content) for role, content in prompt.messages),
            labels=prompt.labels,
            mode=mode,
            adapter=adapter,
            facts={**attributes, "item": item, "order": order, "option_codes": shown},
        )
        return cls(
            model=model,
            revision=revision,
            steering=steering,
            adapter=adapter,
            profile=profile,
            item=item,
            order=order,
            presentation=presentation,
            prompt_hash=prompt_hash,
            codes=codes,
            shown_codes=prompt.option_codes,
            request=request,
        )


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """A JSON value as bytes: sorted keys, no spaces, UTF-8; NaN and infinity are refused."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def digest(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """BLAKE2b-128 of the canonical JSON of a value, as 32 hexadecimal digits."""
    return hashlib.blake2b(canonical(value), digest_size=16).hexdigest()
