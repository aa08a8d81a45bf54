"""Written distributions to probabilities."""

# ruff: noqa: RUF001  # marks of many scripts

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from demoscope.responses.reading.scale import compile_scale
from demoscope.responses.reading.text import read_text
from demoscope.responses.reading.words import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demoscope.schema import AnswerStatus, InvalidReason

SUM_TOLERANCE: Final = 0.02
"""Stated shares may sum to this much more or less than the whole; people and models round."""

_PERCENT: Final = (
    r"(?:%|percent\b|per cent\b|pct\b|prozent\b|pour ?cents?\b|por ciento\b|por cento\b|per cento\b|procent\w*|"
    r"процент\w*|パーセント|퍼센트|في المئة|بالمئة|प्रतिशत)"
)
_NUMBER: Final = r"(?<![\w.,/])(?:\d{1,6}(?:\.\d{0,12})?|\.\d{1,12})(?![\d/])"
_ABOUT: Final = r"(?:(?:about|around|approximately|approx\.?|roughly|ca\.|circa|etwa|environ|aprox\.?|约|約|~|≈)\s*)?"
_BETWEEN: Final = r"(?:[\s:=|,('\"–—→\-]|[-=]>)*"
_KEY_FIRST: Final = re.compile(
    rf"(?P<key>.*?[^\s<>≤≥±]){_BETWEEN}{_ABOUT}(?<![<>≤≥±+])(?P<sign>(?<=[\s:=('\"])-)?(?P<number>{_NUMBER})"
    rf"\s*(?P<percent>{_PERCENT})?[\s).,;|'\"]*(?:(?<=\s)[(\[#].*|(?<=\s)[–—-]\s+\D.*)?",
    re.DOTALL,
)
_NUMBER_FIRST: Final = re.compile(
    rf"[\s(|'\"]*{_ABOUT}(?P<sign>-)?(?P<number>{_NUMBER})\s*(?P<percent>{_PERCENT})?{_BETWEEN}"
    r"(?:(?:for|für|fur|pour|para|per|voor|för|для)\s)?(?P<key>.*\w.*)",
    re.DOTALL,
)
_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.,])(\d{1,3}),(\d{1,2})(?![\d.,]|\s*[:=)])")
_ANY_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_COMMA: Final = re.compile(r"\s*[;,、،؛]\s*")
_AFTER_NUMBER: Final = re.compile(rf"(?<=%)\s+|(?<=\d)\s+(?!{_PERCENT})(?=[^\W\d])")
_BEFORE_NUMBER: Final = re.compile(r"\s+(?=\d+(?:\.\d+)?\s*(?:%|\s[^\W\d]))")
_LONGEST_ENTRY: Final = 500
"""Characters; a longer line is prose."""

_Entry: TypeAlias = tuple[int, float, bool]
"""Displayed index (-1 for a label that does not exist), the number said of it, and whether it was called per cent."""


@dataclass(frozen=True, slots=True)
class DistributionReading:
    """What a text says about all options.

    Attributes:
        status: ``"valid"``, ``"refusal"``, ``"dont_know"`` or ``"invalid"``.
        reason: Why it is invalid; ``None`` otherwise.
        probs: Probability of each option in displayed order, summing to 1; ``None`` unless valid.
    """

    status: AnswerStatus
    reason: InvalidReason | None = None
    probs: tuple[float, ...] | None = None


class _UnreadableError(Exception):
    def __init__(self, reason: InvalidReason) -> None:
        super().__init__(reason)
        self.reason: InvalidReason = reason


def read_distribution(
    text: str, *, labels: Sequence[str], options: Sequence[str], truncated: bool = False
) -> DistributionReading:
    """Read an answer that states a share for every option.

    Understood are lines or lists such as ``A: 20%``, ``A. Agree - 20``, ``20% A``, tables and JSON objects.
    Shares are per cent if they sum to 100 and fractions if they sum to 1, up to ``SUM_TOLERANCE`` of the whole.

    Args:
        text: What the model wrote; anything is allowed.
        labels: What was shown before each option, in displayed order; may be the options themselves.
        options: Texts of the options, in displayed order.
        truncated: Whether the text ends because it was cut off.

    Returns:
        Probabilities in displayed order, or why there are none: ``no_answer`` (no words), ``invalid_key`` (a share of a
        letter or number that is no label), ``key_text_mismatch``, ``ambiguous`` (two shares of one option),
        ``truncated``, ``invalid_text`` (an option without a share, a negative share, or another sum).
    """
    shown = tuple(labels), tuple(options)
    cleaned = text.rpartition("</think>")[2]
    try:
        stated = _stated(_entries(cleaned, *shown))
        if stated:
            return DistributionReading("valid", None, _shares(stated, len(options)))
    except _UnreadableError as unreadable:
        reason = unreadable.reason
        cut = truncated and reason in {"invalid_text", "invalid_key"}
        return DistributionReading("invalid", "truncated" if cut else reason)
    # Nothing was said of any option: say why in the words of a plain answer.
    reading = read_text(cleaned, labels=labels, options=options, truncated=truncated)
    if reading.status in {"refusal", "dont_know"} or reading.reason in {"no_answer", "truncated"}:
        return DistributionReading(reading.status, reading.reason)
    return DistributionReading("invalid", "truncated" if truncated else "invalid_text")


def _stated(entries: Iterator[_Entry]) -> dict[int, tuple[float, bool]]:
    """Number and unit of every option that a text speaks of."""
    stated: dict[int, tuple[float, bool]] = {}
    unknown = False
    for option, number, percent in entries:
        if option < 0:
            unknown = True
            continue
        if not (math.isfinite(number) and number >= 0):
            raise _UnreadableError("invalid_text")
        if option in stated and stated[option][0] != number:
            raise _UnreadableError("ambiguous")
        stated[option] = number, percent
    if unknown:
        raise _UnreadableError("invalid_key")
    return stated


def _shares(stated: dict[int, tuple[float, bool]], count: int) -> tuple[float, ...]:
    """Probabilities of all options, summing to 1."""
    if len(stated) < count:
        raise _UnreadableError("invalid_text")
    numbers = [stated[option][0] for option in range(count)]
    total = math.fsum(numbers)
    wholes = (100.0,) if any(percent for _, percent in stated.values()) else (1.0, 100.0)
    if not any(abs(total - whole) <= SUM_TOLERANCE * whole + 1e-9 for whole in wholes):
        raise _UnreadableError("invalid_text")
    return tuple(number / total for number in numbers)


def _known(key: str, labels: tuple[str, ...], options: tuple[str, ...]) -> frozenset[int] | None:
    """Displayed indices of a label or an option that is named word by word."""
    scale = compile_scale(labels, options)
    words = scale.split(key)
    if words.words and not words.measures(0, len(words.words)):
        return scale.exact.get(words.words)
    return scale.raw.get(key.strip())


def _option(key: str, labels: tuple[str, ...], options: tuple[str, ...]) -> int | None:
    """Displayed index of what a share was said of; -1 for a label that does not exist, ``None`` for other words."""
    found = _known(key, labels, options)
    if found is not None:
        if len(found) > 1:
            raise _UnreadableError("ambiguous")
        return next(iter(found))
    labelled = _ANY_NUMBER.match(key.lstrip(" -*(")) is not None
    if "%" in key or len(_ANY_NUMBER.findall(key)) > int(labelled):
        return None  # a second number: more than a name
    reading = read_text(key, labels=labels, options=options)
    if reading.reason in {"key_text_mismatch", "ambiguous"}:
        raise _UnreadableError(reading.reason)
    return -1 if reading.reason == "invalid_key" else reading.option


def _entries(text: str, labels: tuple[str, ...], options: tuple[str, ...]) -> Iterator[_Entry]:
    """Every pair of a name and a number in a text."""
    found = _json_entries(text)
    if found is not None:
        for name, value in found:
            option = _option(name, labels, options)
            if option is not None:
                yield option, *_json_number(value)
        return
    plain = fold(text.replace("\u066b", ".").replace("\u066a", "%"), accents=True)
    plain = _DECIMAL_COMMA.sub(r"\1.\2", re.sub(r"[*_`\"“”„«»{}\[\]]", "", plain))
    for line in plain.split("\n"):
        row = line.strip(" \t|")
        if not row or len(row) > _LONGEST_ENTRY:
            continue
        for piece in _pieces(row, labels, options):
            entry = _entry(piece, labels, options)
            if entry is not None:
                yield entry


def _pieces(row: str, labels: tuple[str, ...], options: tuple[str, ...]) -> list[str]:
    """Cut a line into parts with one share each."""
    if len(_ANY_NUMBER.findall(row)) <= 1:
        return [row]
    joined: list[str] = []
    waiting = ""
    for part in _COMMA.split(row):
        waiting = f"{waiting}, {part}" if waiting else part
        if _ANY_NUMBER.search(part):
            joined.append(waiting)
            waiting = ""
    number_first = re.match(r"[(\s]*\d+(?:\.\d+)?\s*(?:%|\s[^\W\d])", row) is not None
    between = _BEFORE_NUMBER if number_first else _AFTER_NUMBER
    pieces: list[str] = []
    for piece in joined:
        whole = _KEY_FIRST.fullmatch(piece)
        known = whole is not None and _known(whole["key"], labels, options) is not None
        pieces += [piece] if known or not _several(piece) else between.split(piece)
    return pieces


def _several(piece: str) -> bool:
    """Whether a part still holds more than a numbered name and its share."""
    return len(_ANY_NUMBER.findall(piece)) > 2 or piece.count("%") > 1 or bool(re.search(r"\d\s+[^\W\d].*\d", piece))


def _entry(piece: str, labels: tuple[str, ...], options: tuple[str, ...]) -> _Entry | None:
    """The name and the share of one part; the order in which the name is known counts."""
    fallback: _Entry | None = None
    for pattern in (_KEY_FIRST, _NUMBER_FIRST):
        match = pattern.fullmatch(piece)
        if match is None:
            continue
        number = float(match["number"]) * (-1 if match["sign"] else 1)
        option = _option(match["key"], labels, options)
        if option is None:
            continue
        entry = option, number, match["percent"] is not None
        if option >= 0:
            return entry
        fallback = fallback or entry
    return fallback


def _json_entries(text: str) -> list[tuple[str, object]] | None:
    """Names and values of a JSON object, or of a list of objects with a name and a number each."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    end = max(text.rfind("}"), text.rfind("]"))
    if not 0 <= start < end:
        return None
    try:
        value = json.loads(text[start : end + 1], object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    while isinstance(value, _Pairs) and len(value) == 1 and isinstance(value[0][1], list):
        value = value[0][1]
    if isinstance(value, _Pairs):
        return list(value)
    if not (isinstance(value, list) and value and all(isinstance(part, _Pairs) for part in value)):
        return None
    entries: list[tuple[str, object]] = []
    for part in value:
        names = [name for _, name in part if isinstance(name, str)]
        numbers = [number for _, number in part if isinstance(number, int | float)]
        if not names or len(numbers) != 1:
            return None
        entries.append((names[0], numbers[0]))
    return entries


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its names, repeated ones too."""


def _json_number(value: object) -> tuple[float, bool]:
    if isinstance(value, str):
        said = re.fullmatch(rf"\s*(-?)({_NUMBER})\s*({_PERCENT})?\s*", _DECIMAL_COMMA.sub(r"\1.\2", fold(value)))
        if said is not None:
            return float(said[1] + said[2]), said[3] is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan, False
    try:
        return float(value), False
    except OverflowError:
        return math.inf, False
