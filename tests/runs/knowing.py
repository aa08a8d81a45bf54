"""An engine that knows what its model reads: words for tokens, and a chat template of its own."""

from __future__ import annotations

from zlib import crc32

from demoscope.engines import Answer, Capabilities
from tests.responses.small import usual


class Knowing:
    """Answers as ``Listening`` does and writes down every request of the process in ``asked``."""

    asked: list[str] = []  # noqa: RUF012 - what all engines of a test were asked

    def __init__(self, *, model, options) -> None:
        self.capabilities = Capabilities(
            modes=("logprobs", "choice", "text", "verbalized"), block=options.get("block", 4)
        )
        self.revision = "k1"

    def facts(self):
        return {"engine": "knowing"}

    def ask(self, requests):
        for request in requests:
            self.asked.append(request.key)
            yield usual(request) if request.mode in ("logprobs", "choice") else Answer(request.key, "invalid", text="?")

    def rendered(self, request):
        return "".join(f"<{message.role}>{message.content}</s>" for message in request.messages) + "<assistant>"

    def prompt_tokens(self, requests):
        return [[crc32(word.encode()) for word in self.rendered(request).split()] for request in requests]

    def close(self):
        pass
