"""Written answers as words: one form for all scripts, spellings and typographies."""

# ruff: noqa: RUF001  # marks of many scripts

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Value = TypeVar("Value")

_SENTENCE_END: Final = re.compile(r"[\n.!?;。।؟۔]")

# Scripts of the Basic Multilingual Plane that need a look end before this.
_LAST: Final = 0x3100
_MARKS: Final = "".join(chr(c) for c in range(0x300, _LAST) if unicodedata.category(chr(c)).startswith("M"))
# Accents, points and harakat have these combining classes; vowel signs, viramas, tone marks of Thai and voicing marks
# of kana have others and tell words apart.
_ACCENTS: Final = re.compile(
    "[" + "".join(c for c in _MARKS if 10 <= unicodedata.combining(c) <= 35 or unicodedata.combining(c) >= 200) + "]"
)
_INVISIBLE: Final = [
    *(0xAD, 0x34F, 0x61C, 0x640, 0x180E, 0xFEFF, 0x20E3),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
]
_CLEAN: Final = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " "),
    **dict.fromkeys([0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029], "\n"),
    **{
        c: str(unicodedata.decimal(chr(c))) for c in range(0x80, _LAST) if unicodedata.decimal(chr(c), None) is not None
    },
    **dict.fromkeys(map(ord, "’‘ʼ＇´ʹ`′"), "'"),
    **dict.fromkeys(map(ord, "−﹣－"), "-"),
    **dict.fromkeys(_INVISIBLE, None),
}
# Letters that are an accented letter to a reader but do not decompose, and Arabic letters typed in two ways.
_SAME: Final = str.maketrans("ıøłđħəىیک", "ioldheييك")

_UNSPACED: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
_LATIN: Final = r"0-9A-Za-zªµºÀ-ÖØ-öø-ɏḀ-ỿ\u0300-\u036f"
_PIECES: Final = (
    r"(?:(?<![\w)\]%.,-])[-+])?(?<![\w.])\d+\.\d+(?![\w.])"
    r"|(?:(?<![\w)\]%.,-])[-+])\d+(?!\w)"
    rf"|[{_LATIN}]+"
    rf"|[{_UNSPACED}][{_MARKS}]*"
    rf"|(?:(?![{_LATIN}{_UNSPACED}_])[\w{_MARKS}])+"
)
_WORD: Final = re.compile(_PIECES)
_WORD_OR_SYMBOL: Final = re.compile(_PIECES + r"|[<>=≤≥≠+%$€£¥#\u2190-\u2bff\U0001f000-\U0001faff-]")
_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Words:
    """A text cut into words.

    Attributes:
        words: Folded words; in scripts without spaces every character is one.
        gaps: What stands before each word, and after the last: one more than there are words.
        bare: The words without accents, as tables of phrases have them.
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    bare: tuple[str, ...]

    def sentence_starts(self) -> list[bool]:
        """Whether a sentence or a line ends before each word; always so before the first and after the last."""
        inner = [gap != "." and _SENTENCE_END.search(gap) is not None for gap in self.gaps[1:-1]]
        return [True, *inner, True] if self.words else [True]

    def measures(self, at: int, end: int) -> bool:
        """Whether a number is part of a quantity (``3%``, ``10+``) or a bound (``>3``), not a label."""
        if not is_number(self.words[at]):
            return False
        before, after = self.gaps[at], self.gaps[end]
        return after[:1] in {"%", "°", "+"} or (before[-1:] in set("<>≤≥≈~") and after[:1] != ">")


def split(text: str, *, accents: bool = False, symbols: bool = False) -> Words:
    """Cut a text into folded words.

    Folding is NFKC and case folding; digits of all scripts become ASCII, invisible characters go, apostrophes inside
    words go, numbers lose leading and trailing zeros.

    Args:
        text: Anything, lone surrogates and control characters included.
        accents: Whether accents are kept.
        symbols: Whether signs such as ``<``, ``+`` and emoji count as words.
    """
    folded = fold(text, accents=accents)
    words, gaps, last = [], [], 0
    for piece in (_WORD_OR_SYMBOL if symbols else _WORD).finditer(folded):
        gaps.append(folded[last : piece.start()])
        words.append(_canonical(piece.group()))
        last = piece.end()
    kept = tuple(words)
    return Words(kept, (*gaps, folded[last:]), tuple(map(_bare, kept)) if accents else kept)


def is_number(word: str) -> bool:
    """Whether a folded word is a number."""
    return _NUMBER.fullmatch(word) is not None


def is_letter(word: str) -> bool:
    """Whether a folded word is one letter of an alphabet with two cases."""
    return len(word) == 1 and word.isalpha() and word != word.upper()


def size(words: Sequence[str]) -> int:
    """Letters of all words; a character that is a word by itself counts as three."""
    return sum(3 if len(word) == 1 and not word.isascii() else len(word) for word in words)


class Phrases(Generic[Value]):
    """Sequences of words to look for, each with a value; the longest one counts."""

    def __init__(self, entries: Iterable[tuple[tuple[str, ...], Value]]) -> None:
        self._values = {words: value for words, value in entries if words}
        lengths: dict[str, set[int]] = {}
        for words in self._values:
            lengths.setdefault(words[0], set()).add(len(words))
        self._lengths = {word: tuple(sorted(some, reverse=True)) for word, some in lengths.items()}

    def match(self, words: tuple[str, ...], at: int) -> tuple[int, Value] | None:
        """End and value of the longest phrase that begins at a word, if there is one."""
        if at >= len(words):
            return None
        for length in self._lengths.get(words[at], ()):
            phrase = words[at : at + length]
            if phrase in self._values:
                return at + len(phrase), self._values[phrase]
        return None

    def anywhere(self, words: tuple[str, ...]) -> bool:
        """Whether any phrase stands anywhere in a text."""
        return any(word in self._lengths and self.match(words, at) is not None for at, word in enumerate(words))


def phrases(*tables: str) -> Phrases[None]:
    """Phrases of tables with one phrase between commas or line ends."""
    lines = (line for table in tables for line in re.split(r"[,\n]", table))
    return Phrases((split(line).words, None) for line in lines)


def fold(text: str, *, accents: bool = False) -> str:
    """One form of a text for all widths, cases, digits, apostrophes and invisible characters.

    Args:
        text: Anything.
        accents: Whether accents are kept.
    """
    if text.isascii():
        folded = text.translate(_CLEAN).casefold()
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.translate(_CLEAN)).casefold())
        if not accents:
            folded = _bare(folded)
    return _APOSTROPHE.sub("", folded)


def _bare(text: str) -> str:
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text))).translate(_SAME)


def _canonical(word: str) -> str:
    if not (word[-1].isdecimal() and _NUMBER.fullmatch(word)):
        return word
    sign = "-" if word[0] == "-" else ""
    whole, _, part = word.lstrip("+-").partition(".")
    part = part.rstrip("0")
    return sign + (whole.lstrip("0") or "0") + ("." + part if part else "")
