"""Texts from data made harmless: nothing in them can end a turn, hide from a reader or turn the reading direction."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter

# What tokenizers read as one token with a meaning of its own, wherever it stands in a text.
_TOKEN: Final = re.compile(
    r"""
    <[|\uff5c][^\s<>]{1,80}>                       # <|im_start|>, <|eot_id|>, <|turn>, DeepSeek's wide bars
    | <[^\s<>|\uff5c]{1,80}[|\uff5c]>                  # <turn|>
    | </?[A-Za-z]+(?:_[A-Za-z0-9]+)+>          # <start_of_turn>, <tool_call>, <BOS_TOKEN>, <extra_id_0>
    | </?(?:s|bos|eos|pad|unk|mask|cls|sep|sop|eop|think|thinking|image|audio|video|reponame|filename|unused\d+)>
    | </?seed:[a-z_]+>
    | <</?SYS>>
    | \[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|MODEL_SETTINGS|ARGS|THINK)\]
    | \[(?:TOOL_CONTENT|CALL_ID|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|TRANSCRIBE)\]
    | \[(?:PREFIX|MIDDLE|SUFFIX|gMASK|sMASK|control_\d+)\]
    | \[\|[^\s\[\]]{1,80}\|\]                  # [|endofturn|]
    | \]~!?b[\[\]] | \[e~\[                    # MiniMax
    """,
    re.VERBOSE,
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_BREAK: Final = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BREAK_IN_LINE: Final = re.compile(r"\s*\n\s*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_BIDI: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Flags of regions are a black flag, tag characters and an end tag; anywhere else tag characters are hidden text.
_ZERO_WIDTH: Final = re.compile(
    r"(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
    r"|[\u200b\u2060-\u2064\ufeff\u180e\u00ad\U000e0000-\U000e007f]"
)
_JOINER: Final = re.compile(r"[\u200c\u200d]")
_VIRAMA: Final = 9
"""Combining class of the sign that takes a vowel away; a joiner after it shapes the letter, at the end of words too."""


def neutralised(text: str, *, counts: Counter[str], one_line: bool = False) -> str:
    """A text without anything that a tokenizer or a display would obey.

    Special tokens are broken apart by a space after their first character; lone surrogates become U+FFFD; line breaks
    of every kind become a newline; other control characters, marks of direction and characters without width go.
    Joiners between letters or emoji stay: words of Persian and Indic languages need them.
    Nothing else is changed, and a second pass changes nothing.

    Args:
        text: What data say.
        counts: Grows by what was found: ``special_token``, ``surrogate``, ``line_break``, ``control``, ``bidi``,
            ``zero_width``.
        one_line: Whether newlines become spaces.
    """
    if text.isascii() and text.isprintable() and not set("<[]") & set(text):
        return text  # nearly every text
    for kind, pattern, instead in (
        ("surrogate", _SURROGATE, "\ufffd"),
        ("line_break", _BREAK, "\n"),
        ("control", _CONTROL, ""),
        ("bidi", _BIDI, ""),
        ("zero_width", _ZERO_WIDTH, r"\1"),
    ):
        text = _replaced(text, kind, pattern, instead, counts)
    text = _without_loose_joiners(text, counts)
    if one_line:
        text = _replaced(text, "line_break", _BREAK_IN_LINE, " ", counts)
    return _with_broken_tokens(text, counts)


def _replaced(text: str, kind: str, pattern: re.Pattern[str], instead: str, counts: Counter[str]) -> str:
    found = sum(1 for match in pattern.finditer(text) if not (pattern.groups and match[1]))
    if not found:
        return text
    counts[kind] += found
    return pattern.sub(instead, text)


def _without_loose_joiners(text: str, counts: Counter[str]) -> str:
    loose = {match.start() for match in _JOINER.finditer(text) if not _joins(text, match.start())}
    if not loose:
        return text
    counts["zero_width"] += len(loose)
    return "".join(character for place, character in enumerate(text) if place not in loose)


def _joins(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or not _is_joined(before):
        return False
    return unicodedata.combining(before) == _VIRAMA or (after != "" and _is_joined(after))


def _is_joined(character: str) -> bool:
    """Whether it is a letter, a mark on one, an emoji or its skin tone."""
    category = unicodedata.category(character)
    return category[0] in "LM" or category in ("So", "Sk")


def _with_broken_tokens(text: str, counts: Counter[str]) -> str:
    while _TOKEN.search(text):  # what is broken can leave another token that overlapped it
        text, found = _TOKEN.subn(lambda token: f"{token[0][0]} {token[0][1:]}", text)
        counts["special_token"] += found
    return text
