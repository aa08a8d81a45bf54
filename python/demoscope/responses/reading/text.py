"""Written answers to options.

The rules are those of a careful coder of open answers: an option counts when it is said, and only then.
Where an answer could be read in two ways it is not read; nothing is coerced into an option.
"""

# ruff: noqa: RUF001  # letters of many scripts

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from demoscope.responses.reading import phrases as _tables
from demoscope.responses.reading.scale import Scale, compile_scale
from demoscope.responses.reading.words import Words, is_letter, is_number, phrases, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.schema import AnswerStatus, InvalidReason

_CUES: Final = phrases(_tables.CUES)
_LEADS: Final = phrases(_tables.LEADS)
_TRAILS: Final = phrases(_tables.TRAILS)
_ENDINGS: Final = phrases(_tables.ENDINGS)
_CONJUNCTIONS: Final = phrases(_tables.OR, _tables.AND, _tables.CONTRASTS)
_OUT_OF: Final = phrases(_tables.OUT_OF)
_CONTRASTS: Final = phrases(_tables.CONTRASTS)
_NO: Final = phrases(_tables.NO)
_NEGATIONS: Final = phrases(_tables.NEGATIONS)
_REFUSALS: Final = phrases(_tables.REFUSALS)
_DONT_KNOWS: Final = phrases(_tables.DONT_KNOWS)
_NEXT_QUESTION: Final = phrases(_tables.NEXT_QUESTION)

# Letters that are words of their own in some language: as labels they need a mark behind them.
_WORDLIKE: Final = frozenset("aeioyuàéаивксоуяі")
_PRONOUN: Final = "i"
_OPENING: Final = "\"'([{<*_`«“„‚「『"
_MOST_LEADS: Final = 8
_LIST_MARKS: Final = frozenset("/,&+、،・")
_TAG: Final = re.compile(r"<([a-z]{1,12})>(.{0,200}?)</\1>", re.IGNORECASE | re.DOTALL)
_CONTROL_TOKEN: Final = re.compile(r"<\|[^|>]{1,30}\|>|</?s>|<(?:end|start)_of_turn>")
_LONG: Final = 17
"""Letters of an option that counts as long: models shorten it, so a beginning of it will do."""
_BEGINNING: Final = 6
"""Fewest letters of such a beginning."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    Attributes:
        status: ``"valid"``, ``"refusal"``, ``"dont_know"`` or ``"invalid"``.
        reason: Why it is invalid; ``None`` otherwise.
        option: Displayed index of the option, from 0; ``None`` unless valid.
    """

    status: AnswerStatus
    reason: InvalidReason | None = None
    option: int | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """A place in a text that names options, from the word ``start`` to the word ``end``."""

    start: int
    end: int
    options: frozenset[int]
    reason: InvalidReason | None = None
    certain: bool = False


def read_text(text: str, *, labels: Sequence[str], options: Sequence[str], truncated: bool = False) -> Reading:
    """Read an answer that was written freely.

    A label, an option's text, or both in agreement name an option; a clear answer counts beside a disclaimer.
    A word that is one option's label and another option's whole text is ambiguous.

    Args:
        text: What the model wrote; anything is allowed.
        labels: What was shown before each option, in displayed order; may be the options themselves.
        options: Texts of the options, in displayed order.
        truncated: Whether the text ends because it was cut off.
            Its end may then be the beginning of something longer, such as ``1`` of ``10``.

    Returns:
        A reading that names the displayed index, or says why there is none:
        ``no_answer`` (no words), ``invalid_key`` (a letter or number that is no label), ``key_text_mismatch``,
        ``ambiguous`` (several options), ``truncated`` (cut off before anything could be read), ``invalid_text``.
    """
    scale = compile_scale(tuple(labels), tuple(options))
    plain = _CONTROL_TOKEN.sub(" ", text.rpartition("</think>")[2])
    found = scale.raw.get(plain.strip())
    if found is not None:
        return _named(found)
    words = scale.split(_TAG.sub(r" \2 ", plain))
    if not words.words or words.bare == ("n", "a"):
        return Reading("invalid", "truncated" if truncated else "no_answer")
    found = scale.exact.get(words.words)
    if found is not None and not truncated and not words.measures(0, len(words.words)):
        return _named(found)
    return _Reader(scale, words, cut=truncated).read()


def _named(options: frozenset[int]) -> Reading:
    if len(options) > 1:
        return Reading("invalid", "ambiguous")
    return Reading("valid", None, next(iter(options)))


class _Reader:
    """One text read against one scale."""

    def __init__(self, scale: Scale, words: Words, *, cut: bool) -> None:
        self.scale = scale
        self.text = words
        self.words = words.words
        self.gaps = words.gaps
        self.bare = words.bare
        self.count = len(words.words)
        self.cut = cut
        self.unknown_key = False
        self.passed = 0
        self.begins = words.sentence_starts()
        self.ends = [self.count] * (self.count + 1)
        for at in range(self.count - 1, -1, -1):
            self.ends[at] = at + 1 if self.begins[at + 1] else self.ends[at + 1]

    def read(self) -> Reading:
        claims = self._claims()
        for claim in claims:
            if claim.reason is not None:
                return Reading("invalid", claim.reason)
        named = frozenset[int]().union(*(claim.options for claim in claims))
        if named and not self._interjection(claims):
            return _named(named)
        if _REFUSALS.anywhere(self.bare):
            return Reading("refusal")
        if _DONT_KNOWS.anywhere(self.bare):
            return Reading("dont_know")
        if self.cut:
            return Reading("invalid", "truncated")
        return Reading("invalid", "invalid_key" if self.unknown_key else "invalid_text")

    def _interjection(self, claims: list[_Claim]) -> bool:
        """Whether all that was said is the no of "No, I cannot answer that"."""
        if len(claims) != 1:
            return False
        start, end = claims[0].start, claims[0].end
        no = _NO.match(self.bare, start)
        if no is None or no[0] != end or end == self.count or self.begins[end]:
            return False
        rest = self.bare[end : self.ends[end]]
        return _REFUSALS.anywhere(rest) or _DONT_KNOWS.anywhere(rest)

    def _claims(self) -> list[_Claim]:
        """The first option named and all later ones that are named beyond doubt."""
        claims: list[_Claim] = []
        done = 0
        stop = self.count
        for start in range(self.count):
            if not self.begins[start]:
                continue
            if start and "\n" in self.gaps[start] and _NEXT_QUESTION.match(self.bare, start):
                stop = start
                break
            if start >= done:
                claim = self._head(start, cued=False)
                if claim is not None:
                    claims.append(claim)
                    done = claim.end
        spans = [range(claim.start, claim.end) for claim in claims]
        done = 0
        for at in range(stop):
            cue = _CUES.match(self.bare, at)
            if cue is None or at < done or any(at in span for span in spans):
                continue
            if self._announces(at, cue[0]):
                claim = self._head(cue[0], cued=True)
                if claim is not None:
                    claims.append(claim)
                done = self.passed
        claims.sort(key=lambda claim: claim.start)
        return [claim for claim in claims if claim.certain or claim is claims[0]]

    def _announces(self, at: int, end: int) -> bool:
        """Whether a phrase inside a sentence introduces the answer: not negated, and more than the word "answer"."""
        for before in range(at - 1, max(-1, at - 4), -1):
            if self.gaps[before + 1].strip() or _CONTRASTS.match(self.bare, before):
                break
            if _NEGATIONS.match(self.bare, before):
                return False
        if end - at == 1:
            return end < self.count and any(mark in self.gaps[end] for mark in ":{")
        return True

    def _head(self, start: int, *, cued: bool) -> _Claim | None:
        """What a sentence says first, past words that say nothing."""
        at = start
        while at < self.count:
            self.passed = at
            if at > start and self.begins[at] and not (cued and self.gaps[at].strip() in {"", ":"}):
                return None
            claim = self._claim(at, cued=cued, first=at == start) or self._beginning(at)
            if claim is not None:
                if "?" in self.gaps[claim.end] and claim.end < self.count:
                    return None
                return replace(claim, certain=claim.certain or cued or self._alone(claim))
            cue = _CUES.match(self.bare, at)
            lead = _LEADS.match(self.bare, at)
            if lead is None or at == start:
                self._note_unknown_key(at)
            if cue is None and lead is None:
                return None
            cued = cued or cue is not None
            at = max(found[0] for found in (cue, lead) if found is not None)
        return None

    def _alone(self, claim: _Claim) -> bool:
        """Whether nothing else stands in the sentence; after "1." in a list something does."""
        gap = self.gaps[claim.end]
        if claim.end == self.count or "\n" in gap:
            return True
        return self.begins[claim.end] and self.words[claim.start] not in self.scale.key_words

    def _note_unknown_key(self, at: int) -> None:
        word = self.words[at]
        if (is_letter(word) or is_number(word)) and self._closed(at, at + 1, cued=False):
            self.unknown_key = self.unknown_key or not self.text.measures(at, at + 1)

    def _claim(self, at: int, *, cued: bool, first: bool) -> _Claim | None:
        """What is named at one word: the longer one of a label and an option."""
        key = self.scale.keys.match(self.words, at)
        text = self.scale.texts.match(self.words, at)
        if key is not None and (text is None or text[0] <= key[0]):
            claim = self._key_claim(at, *key, cued=cued, first=first)
            if claim is not None and text is not None and not claim.certain:
                claim = replace(claim, options=claim.options | text[1])
            if claim is not None or text is None:
                return claim
        return None if text is None else self._text_claim(at, *text)

    def _key_claim(self, at: int, end: int, named: frozenset[int], *, cued: bool, first: bool) -> _Claim | None:
        """A label, with the text of its option or without."""
        if self.text.measures(at, end):
            return None
        end = self._out_of(end)
        article = self.words[at] in _WORDLIKE and not self.gaps[end].strip(" ")
        text = self._text_after(end)
        claim = _Claim(at, end, named)
        if text is not None and text[1] & named:
            return self._other(replace(claim, end=text[0], certain=True))
        # "A. Agree" on the way to "A. Agree strongly".
        if text is not None and self._cut_at(text[0]):
            grown = self._options_that_begin(self.words[end : text[0]], text[0])
            if named & grown:
                return replace(claim, end=text[0], certain=True)
        if article and text is not None:
            return None
        return self._bare_key(claim, text, cued=cued, joins=first or not article)

    def _bare_key(
        self, claim: _Claim, text: tuple[int, frozenset[int]] | None, *, cued: bool, joins: bool
    ) -> _Claim | None:
        """A label without its option's text: nothing after it may say something else."""
        at, end = claim.start, claim.end
        other = self._other(claim)
        if joins and other.reason is not None:
            return other
        # "A. Moderate is what I am": what stands right behind the label counts, however it goes on.
        beside = text is not None and self.scale.texts.match(self.words, end) is not None
        if text is not None and (beside or self.begins[text[0]] or self._closed_gap(text[0])):
            return replace(claim, reason="key_text_mismatch")
        if self._cut_at(end):
            if self.words[at] == _PRONOUN:
                return None
            if self._may_grow(claim):
                return replace(claim, reason="ambiguous")
        return self._begun(claim) if self._closed(at, end, cued=cued) else None

    def _text_after(self, end: int) -> tuple[int, frozenset[int]] | None:
        """The option named right after a label, or as all that the next words say ("B. I agree")."""
        text = self.scale.texts.match(self.words, end)
        at = end
        while text is None and at < end + _MOST_LEADS:
            lead = _LEADS.match(self.bare, at)
            if lead is None:
                return None
            at = lead[0]
            text = self.scale.texts.match(self.words, at)
            if text is not None and not self.begins[text[0]]:
                return None
        if text is None:
            return None
        # A word that is both the next label and an option is a list, not a text.
        key = self.scale.keys.match(self.words, at)
        return None if key is not None and key[0] == text[0] and key[1] != text[1] and at != end else text

    def _begun(self, claim: _Claim) -> _Claim:
        """Compare a label with the beginning of an option behind it."""
        stop = self.ends[claim.end]
        rest = self.words[claim.end : min(stop, claim.end + self.scale.longest + 1)]
        fitting = self._options_that_begin(rest, stop)
        if not fitting:
            return claim
        if fitting & claim.options:
            return replace(claim, end=stop, certain=True)
        return replace(claim, reason="key_text_mismatch") if size(rest) >= 4 else claim

    def _text_claim(self, at: int, end: int, named: frozenset[int]) -> _Claim | None:
        """An option's text, with its label behind it or without."""
        claim = _Claim(at, end, named)
        if self._cut_at(end):
            grown = self._options_that_begin(self.words[at:end], end)
            return replace(claim, reason="ambiguous") if grown - named else claim
        other = self._other(claim, brackets=True)
        if other.reason is not None or other.end > end:
            return other
        return claim if self._closed_gap(end) else None

    def _other(self, claim: _Claim, *, brackets: bool = False) -> _Claim:
        """Whether another option is named in the same breath ("A or B", "A/B", "A. Agree B. Disagree").

        Args:
            claim: What was named so far.
            brackets: Whether a label may follow as in "Agree (B)".
        """
        end = claim.end
        gap = self.gaps[end]
        if "\n" in gap:
            return claim  # the next line is read by itself
        joined = None if self.begins[end] else _CONJUNCTIONS.match(self.bare, end)
        if gap.strip() and end < self.count and len(self.bare[end]) == 1 and self.bare[end].isascii():
            joined = None  # after a comma "I" is a pronoun, not a Polish "and"
        at = joined[0] if joined is not None else end
        key = self.scale.keys.match(self.words, at)
        text = self.scale.texts.match(self.words, at)
        if key is None and joined is not None:
            # "o", "e", "i" are labels before they are conjunctions.
            key = self.scale.keys.match(self.words, end)
            at = end if key is not None else at
        if key is not None and self._closed(at, key[0], cued=False) and not self.text.measures(at, key[0]):
            if key[1] == claim.options:
                return replace(claim, end=key[0], certain=True) if brackets and gap.strip() else claim
            bracketed = brackets and joined is None and gap.strip() not in _LIST_MARKS
            return replace(claim, reason="key_text_mismatch" if bracketed else "ambiguous")
        listed = joined is not None or gap.strip() in _LIST_MARKS
        listed = listed or (brackets and gap.strip() != "" and not self.begins[end])
        if text is not None and listed and text[1] != claim.options and self._closed_gap(text[0]):
            return replace(claim, reason="ambiguous")
        return claim

    def _beginning(self, at: int) -> _Claim | None:
        """An option of which only the beginning was written, because the text was cut off or the option is long."""
        stop = self.ends[at]
        if stop - at > self.scale.longest:
            return None
        said = self.words[at:stop]
        cut = self.cut and stop == self.count
        if not cut and size(said) < _BEGINNING:
            return None
        fitting = self._options_that_begin(said, stop)
        if len(fitting) == 1 and not cut and size(self.scale.words[next(iter(fitting))]) < _LONG:
            return None
        if cut and size(said) < 3:
            return None
        if not fitting:
            return None
        return _Claim(at, stop, fitting, reason="ambiguous" if len(fitting) > 1 else None)

    def _options_that_begin(self, said: tuple[str, ...], stop: int) -> frozenset[int]:
        """Options that begin with these words and go on; the last word may be cut where the text is."""
        if not 0 < len(said) <= self.scale.longest:
            return frozenset()
        if self._cut_at(stop):
            start = " ".join(said)
            joined = [" ".join(words) for words in self.scale.words]
            return frozenset(i for i, words in enumerate(joined) if words.startswith(start) and words != start)
        count = len(said)
        return frozenset(i for i, words in enumerate(self.scale.words) if len(words) > count and words[:count] == said)

    def _cut_at(self, end: int) -> bool:
        """Whether the text was cut off right here, so that the word before may be half a word."""
        return self.cut and end == self.count and not self.gaps[end]

    def _may_grow(self, claim: _Claim) -> bool:
        """Whether a label at the end of a cut text could have become another one."""
        word = self.words[claim.end - 1]
        return claim.end - claim.start == 1 and any(
            other != word and other.startswith(word) and not options & claim.options
            for other, options in self.scale.key_words.items()
        )

    def _out_of(self, end: int) -> int:
        """Past the second number of "7/10" and "7 out of 10"."""
        top = self.scale.top
        said = _OUT_OF.match(self.bare, end)
        at = said[0] if said is not None else end
        if at < self.count and self.words[at] == top and (said is not None or self.gaps[end].strip() == "/"):
            return at + 1
        return end

    def _closed(self, at: int, end: int, *, cued: bool) -> bool:
        """Whether a label ends where it ends: marks, line ends and explanations close it, other words do not."""
        word = self.words[at]
        gap = self.gaps[end]
        if end - at == 1 and word in _WORDLIKE and end < self.count:
            mark = gap.strip()[:1]
            if gap[:1] == " " and mark and mark in _OPENING:
                return False
            if word == _PRONOUN:
                return "\n" in gap or (mark != "" and mark in ".:)]}*\"'`" and self._closed_gap(end))
        elif cued and end - at == 1 and is_letter(word) and not gap.strip():
            return True
        return self._closed_gap(end)

    def _closed_gap(self, end: int) -> bool:
        gap = self.gaps[end]
        if end == self.count or "\n" in gap:
            return True
        if gap in {".", "-", "_"} and self.words[end][0].isascii():
            return False
        if gap.strip():
            return True
        ending = _ENDINGS.match(self.bare, end)
        if ending is not None:
            return self._closed_gap(ending[0])
        return _TRAILS.match(self.bare, end) is not None
