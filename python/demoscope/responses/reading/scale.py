"""Labels and options of a question, ready to be looked for in answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from demoscope.responses.reading.words import Phrases, Words, is_letter, is_number, split

Name = TypeVar("Name", str, tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Scale:
    """Labels and options in displayed order, ready to be looked for.

    Attributes:
        accents: Whether accents tell options apart.
        symbols: Whether signs do.
        keys: Labels, where they are not the options themselves.
        texts: Options.
        words: Options as words.
        exact: Whole answers that need no thought.
        raw: Labels and options made of punctuation only.
        key_words: Labels of one word.
        top: The highest of at least five numbers, if the labels are numbers.
        longest: Words of the longest option.
    """

    accents: bool
    symbols: bool
    keys: Phrases[frozenset[int]]
    texts: Phrases[frozenset[int]]
    words: tuple[tuple[str, ...], ...]
    exact: dict[tuple[str, ...], frozenset[int]]
    raw: dict[str, frozenset[int]]
    key_words: dict[str, frozenset[int]]
    top: str | None
    longest: int

    def split(self, text: str) -> Words:
        """Cut a text into words as the options are cut."""
        return split(text, accents=self.accents, symbols=self.symbols)


@lru_cache(maxsize=1024)
def compile_scale(labels: tuple[str, ...], options: tuple[str, ...]) -> Scale:
    """Prepare labels and options; marks are ignored as far as the options differ without them."""
    for accents, symbols in ((False, False), (True, False), (False, True), (True, True)):
        words = tuple(split(option, accents=accents, symbols=symbols).words for option in options)
        if all(words) and len(set(words)) == len(words):
            break
    keys = tuple(split(label, accents=accents, symbols=symbols).words for label in labels)
    texts = list(enumerate(words))
    if keys == words:
        keys = tuple(parts[:1] for parts in words)
        # Options such as "10 (Not at all)" that stand for themselves carry their label in front.
        if len(set(keys)) == len(keys) and all(part and (is_number(part[0]) or is_letter(part[0])) for part in keys):
            texts += [(option, parts[1:]) for option, parts in enumerate(words)]
        else:
            keys = ((),) * len(words)
    pairs = [(option, key + text) for option, key in enumerate(keys) if key for text in [words[option]]]
    raw = [
        (option, text.strip())
        for shown, parts in ((labels, keys), (options, words))
        for option, text in enumerate(shown)
        if not parts[option] and text.strip()
    ]
    # "Strongly agree" says "Agree strongly"; an option that reads so itself goes first.
    turned = [
        (option, parts[::-1]) for option, parts in texts if len(parts) == 2 and all(len(part) > 1 for part in parts)
    ]
    texts += [(option, parts) for option, parts in turned if parts not in words]
    by_key = _sets(list(enumerate(keys)))
    numbers = [key[0] for key in by_key if len(key) == 1 and is_number(key[0])]
    return Scale(
        accents=accents,
        symbols=symbols,
        keys=Phrases(by_key.items()),
        texts=Phrases(_sets(texts).items()),
        words=words,
        exact=_sets([*enumerate(keys), *enumerate(words), *pairs]),
        raw=_sets(raw),
        key_words={parts[0]: named for parts, named in by_key.items() if len(parts) == 1},
        top=max(numbers, key=float) if len(numbers) >= 5 else None,
        longest=max(map(len, words), default=0),
    )


def _sets(names: list[tuple[int, Name]]) -> dict[Name, frozenset[int]]:
    found: dict[Name, set[int]] = {}
    for option, name in names:
        if name:
            found.setdefault(name, set()).add(option)
    return {name: frozenset(named) for name, named in found.items()}
