"""How the answers of one model ended, and where they were least usable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record

MOST_ITEMS = 10
FEWEST_ANSWERS = 30
"""A group with fewer answers is not named: its share is chance."""
SMALLEST_DIFFERENCE = 0.01
CLEAR = 3.0
"""Standard errors of independent answers from which a difference is named."""

STATUS_WORDS: Final = {
    "valid": "valid",
    "refusal": "refused",
    "dont_know": "don't know",
    "invalid": "not usable",
    "error": "error",
}
REASON_WORDS: Final = {
    "no_answer": "nothing was answered",
    "invalid_key": "a key that was not offered",
    "invalid_text": "words that name no option",
    "key_text_mismatch": "key and words name different options",
    "ambiguous": "several options at once",
    "truncated": "cut off before an option",
    "no_label_mass": "too little probability on the offered answers",
    "not_asked": "not asked",
    "not_reached": "not reached, since an earlier answer of the conversation ended in an error",
    "bad_probabilities": "probabilities that are none",
}
_HOW_WORDS: Final = {
    "country": "country",
    "order": "order of options",
    "wording": "wording",
    "language": "language",
    "position": "place in the conversation",
}


@dataclass(frozen=True)
class Spread:
    """The values of one breakdown with the largest and the smallest share of answers that are not valid.

    Attributes:
        by: The breakdown.
        most, least: Value and share.
    """

    by: str
    most: tuple[str | None, float]
    least: tuple[str | None, float]

    @property
    def difference(self) -> float:
        """Between both shares."""
        return self.most[1] - self.least[1]


def outcomes(panel: Panel, *, names: Names) -> Markup:
    """Counts, items with the largest shares, and the groups that differ most."""
    everything = [row for row in panel.outcomes if row["by"] == "all"]
    if not everything:
        return render("single.html.j2", text="How answers ended is not known.")
    lost = [row for row in everything if row["status"] != "valid"]
    return render(
        "outcomes.html.j2",
        summary=summary(everything),
        counts=_counts_table(everything) if lost else None,
        # A country may be an attribute of persons too, under the same name.
        groups=list(dict.fromkeys(_sentence(found, names) for found in spreads(panel.outcomes))),
        similar=SMALLEST_DIFFERENCE,
        lost=bool(lost),
        items=_items_table(panel, names),
    )


def summary(rows: Sequence[Record]) -> str:
    """The shares of all statuses in one sentence.

    Args:
        rows: Those of one value.
    """
    of = words.count(rows[0]["of"])
    by_status = _by_status(rows)
    if set(by_status) == {"valid"}:
        return f"All {of} answers are valid."
    parts = [f"{words.share(share)} {_status(status)}" for status, share in by_status.items()]
    return f"Of {of} answers {words.listed(parts)}."


def spreads(rows: Sequence[Record]) -> list[Spread]:
    """Breakdowns by group, country and way of asking whose values clearly differ, those that differ most first."""
    found = []
    for by in dict.fromkeys(row["by"] for row in rows):
        if by in ("all", "item"):
            continue
        values = [(value, 1 - share, of) for value, share, of in _valid_shares(rows, by) if of >= FEWEST_ANSWERS]
        if len(values) > 1:
            ranked = sorted(values, key=lambda named: -named[1])
            (most, high, many), (least, low, few) = ranked[0], ranked[-1]
            overall = sum(share * of for _, share, of in values) / sum(of for *_, of in values)
            error = math.sqrt(overall * (1 - overall) * (1 / many + 1 / few))
            if high - low >= max(SMALLEST_DIFFERENCE, CLEAR * error):
                found.append(Spread(by, (most, high), (least, low)))
    return sorted(found, key=lambda spread: -spread.difference)


def _valid_shares(rows: Sequence[Record], by: str) -> list[tuple[str | None, float, int]]:
    """Value, share of valid answers and number of answers."""
    found: dict[str | None, tuple[float, int]] = {}
    for row in rows:
        if row["by"] == by:
            share, of = found.get(row["value"], (0.0, row["of"]))
            found[row["value"]] = (share + row["share"] if row["status"] == "valid" else share, of)
    return [(value, share, of) for value, (share, of) in found.items()]


def _by_status(rows: Sequence[Record]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        found[row["status"]] = found.get(row["status"], 0.0) + row["share"]
    return found


def _status(status: object) -> str:
    return STATUS_WORDS.get(str(status), words.clean(status))


def _reason(reason: object) -> str:
    return "" if reason is None else REASON_WORDS.get(str(reason), words.clean(reason).replace("_", " "))


def _sentence(spread: Spread, names: Names) -> str:
    by = _HOW_WORDS.get(spread.by) or names.attribute(spread.by)
    (most, most_share), (least, least_share) = spread.most, spread.least
    return (
        f"By {by}: {_fine(most_share)} of answers are not valid for {_value(spread.by, most)}, "
        f"{_fine(least_share)} for {_value(spread.by, least)}."
    )


def _value(by: str, value: str | None) -> str:
    if value is None:
        return "those of whom it is not known"
    return f"question {int(value) + 1}" if by == "position" and value.isdecimal() else words.clean(value)


def _counts_table(rows: Sequence[Record]) -> Markup:
    return table(
        "How answers ended",
        ("Outcome", "Reason", "Answers", "Share"),
        ((_status(r["status"]), _reason(r["reason"]), words.count(r["n"]), _fine(r["share"])) for r in rows),
        text=2,
    )


def _items_table(panel: Panel, names: Names) -> Markup | None:
    """Items with the largest share of answers that are not valid, or with the least probability on the labels."""
    by_item: dict[str, list[Record]] = {}
    for row in panel.outcomes:
        if row["by"] == "item":
            by_item.setdefault(row["value"], []).append(row)
    lost = {item: 1 - _by_status(rows).get("valid", 0.0) for item, rows in by_item.items()}
    ranked = sorted((item for item in names.ordered(by_item) if lost[item] > 0), key=lambda item: -lost[item])
    if not ranked:
        return None
    masses = {name: _masses(panel, name) for name in ("label_mass", "unseen_mass")}
    unseen = any(value is not None for value in masses["unseen_mass"].values())
    heads = ("Item", "Most frequent reason", "Answers", "Valid", "Refused", "Don't know", "Not usable", "Error")
    return table(
        f"Items with the largest share of answers that are not valid ({len(ranked[:MOST_ITEMS])} of {len(by_item)})",
        (*heads, "Label mass", *(("Unseen mass",) if unseen else ())),
        (
            (
                names.item(item),
                _main_reason(by_item[item]),
                words.count(by_item[item][0]["of"]),
                *(_fine(_by_status(by_item[item]).get(status, 0.0)) for status in STATUS_WORDS),
                words.score(masses["label_mass"].get(item)),
                *((words.score(masses["unseen_mass"].get(item)),) if unseen else ()),
            )
            for item in ranked[:MOST_ITEMS]
        ),
        text=2,
        notes=[
            "Label mass is the probability that the model gives to the offered answers together, where it is known."
        ],
    )


def _main_reason(rows: Sequence[Record]) -> str:
    lost = sorted((row for row in rows if row["status"] != "valid"), key=lambda row: -row["n"])
    return _reason(lost[0]["reason"]) or _status(lost[0]["status"])


def _masses(panel: Panel, name: str) -> dict[str, float | None]:
    """Mean over countries of a column of the marginals, by item."""
    found: dict[str, list[float]] = {}
    for row in panel.marginals:
        if (value := words.finite(row[name])) is not None:
            found.setdefault(row["item"], []).append(value)
    return {item: sum(values) / len(values) for item, values in found.items()}


def _fine(share: object) -> str:
    """A share with one decimal, so that a few lost answers of many are seen."""
    number = words.finite(share)
    return words.UNDEFINED if number is None else f"{100 * number:.1f}\N{NO-BREAK SPACE}%"
