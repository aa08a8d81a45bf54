"""Whether the value labels of a file say what a survey takes its codes for.

Wordings differ between a file and a definition in other words, so labels are compared by what can be told for certain:
a scale that runs the other way, two options that have changed places, an answer that the file calls missing.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from demoscope.surveys.item import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.schema import MissingReason
    from demoscope.surveys.demographic import Demographic

_REASONS: Final[tuple[tuple[MissingReason, str], ...]] = (
    (
        "not_asked",
        r"not asked|was not asked|nicht gefragt|not included|question not (asked|in)",
    ),
    (
        "dont_know",
        r"\bdo(es)?\s?n[o']?t know|\bdk\b|don.?t know|can.?t (choose|say)|cannot (choose|say)|unsure|not sure",
    ),
    ("refused", r"refus|declined|prefer not|no answer|not answered"),
    ("not_applicable", r"not applicable|inapplicable|\biap\b|\bn/?a\b|does not apply"),
    ("other_missing", r"missing|unknown|skipped|no response|not available"),
)
_IDLE: Final = frozenset(("a", "an", "and", "are", "for", "i", "in", "is", "it", "of", "on", "or", "the", "to", "with"))
_SAME: Final = {
    "male": "man",
    "female": "woman",
    "men": "man",
    "women": "woman",
    "completely": "entirely",
    "totally": "entirely",
    "none": "not",
    "no": "not",
    "never": "not",
}

_CERTAIN: Final = 0.15
"""How much better, per option, labels have to fit the other way before that is a finding."""


def missing_reason(label: str) -> MissingReason | None:
    """Reason for which a label says that there is no answer, a ``schema.MissingReason``; ``None`` if it does not."""
    text = label.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((reason for reason, pattern in _REASONS if re.search(pattern, text)), None)


class Contradiction(NamedTuple):
    """What a file calls otherwise than a survey.

    Attributes:
        codes: Codes concerned, as text.
        text: The sentence.
    """

    codes: tuple[str, ...]
    text: str


def contradictions(
    part: Item | Demographic, labels: Mapping[str, str], *, mirrored: bool = False
) -> list[Contradiction]:
    """What the labels of a file contradict in a survey.

    Args:
        part: Item or attribute.
        labels: Text of a code to its label, as the file has them.
        mirrored: Whether the file is of a kind in which the codes of this item run the other way.

    Returns:
        One for each; nothing where labels agree or say too little.
    """
    ours = _meanings(part, mirrored=mirrored)
    known = [(code, labels[code], ours[code]) for code in ours if code in labels and _tokens(labels[code])]
    problems = [
        Contradiction((code,), f"code {code} is labelled {theirs!r} in the file and declared as the answer {own!r}")
        for code, theirs, own in known
        if missing_reason(theirs) and not missing_reason(own)
    ]
    if problems:
        return problems
    told = [(code, theirs, own) for code, theirs, own in known if _tokens(own)]
    if len(told) < 2:
        return []
    if isinstance(part, Item) and part.ordered and _runs_the_other_way(told):
        ends = [f"code {code} is {theirs!r} in the file and declared as {own!r}" for code, theirs, own in told]
        codes = tuple(code for code, _, _ in told)
        return [Contradiction(codes, f"the labels run the other way: {ends[0]}, {ends[-1]}")]
    return [
        Contradiction(
            (a[0], b[0]),
            f"codes {a[0]} and {b[0]} have changed places: the file labels them {a[1]!r} and {b[1]!r}, "
            f"declared are {a[2]!r} and {b[2]!r}",
        )
        for a, b in combinations(told, 2)
        if _alike(a[1], b[2]) == _alike(b[1], a[2]) == 1 and max(_alike(a[1], a[2]), _alike(b[1], b[2])) < 1
    ]


def _meanings(part: Item | Demographic, *, mirrored: bool) -> dict[str, str]:
    """Code as text to what the survey takes it for, in the order of the scale."""
    if not isinstance(part, Item):
        return dict(part.values)
    codes = [part.mirrored(code) for code in part.codes] if mirrored else list(part.codes)
    return {str(code): label for code, label in zip(codes, part.labels, strict=True)}


def _runs_the_other_way(told: Sequence[tuple[str, str, str]]) -> bool:
    theirs, ours = [label for _, label, _ in told], [label for _, _, label in told]
    straight = sum(map(_alike, theirs, ours))
    turned = sum(map(_alike, theirs, reversed(ours)))
    return turned - straight > _CERTAIN * len(told) and _alike(theirs[0], ours[-1]) > _alike(theirs[0], ours[0])


def same_words(one: str, other: str) -> bool:
    """Whether two labels say the same in another order or with other small words, as "Strongly agree" does."""
    return _alike(one, other) == 1


def _alike(one: str, other: str) -> float:
    """Share of words that two labels have in common, in [0, 1]."""
    a, b = _tokens(one), _tokens(other)
    return len(a & b) / len(a | b) if a or b else 0.0


def _tokens(label: str) -> frozenset[str]:
    """Words of a label that carry meaning; numbers alone do not."""
    words = re.findall(r"[^\W\d_]+", label.casefold().replace("'", ""))
    return frozenset(_SAME.get(word, word) for word in words if word not in _IDLE)
