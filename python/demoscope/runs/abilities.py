"""What engines may know beyond the contract: what a model reads of a request, and how many tokens that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.engines import Request


@runtime_checkable
class Renders(Protocol):
    """An engine that can show a prompt as the model reads it."""

    def rendered(self, request: Request) -> str | None:
        """The text of a request after the chat template of the model; ``None`` where that is not known."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """An engine that can split prompts into the tokens of its model without asking it."""

    def prompt_tokens(self, requests: Sequence[Request]) -> list[list[int]] | None:
        """Tokens of each prompt, in the order of ``requests``; ``None`` where they are not known."""
        ...
