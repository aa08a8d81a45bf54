from dataclasses import dataclass


@dataclass
class Reading:
    status: str
    reason: str | None
    option: int | None


def read_text(text, *, labels, options, truncated=False):
    t = text.strip()
    if t in labels:
        return Reading("valid", None, labels.index(t))
    return Reading("invalid", "invalid_text", None)
