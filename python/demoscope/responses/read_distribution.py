from dataclasses import dataclass


@dataclass
class DistributionReading:
    status: str
    reason: str | None
    probs: object


def read_distribution(text, *, labels, options, truncated=False):
    return DistributionReading("invalid", "invalid_text", None)
