"""One model whose personas answered more than once: what comes from who is asked, and what from the conversation."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.tables import dependence_table, icc_table
from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record

FEW_PERSONAS = 200
"""With fewer in a country, intervals of products of answers are rough."""

SAME_ANSWER = 0.999
"""Share of variance between personas from which draws count as copies of each other."""


def dependence(panel: Panel, *, names: Names) -> Markup:
    """Both parts of the correlations in words and by country, and the share between personas of each item."""
    drawn = [row for row in panel.dependence if row["source"] == "drawn"]
    overall = next((row for row in drawn if row["country"] == ALL), None)
    if overall is None:
        text = "Personas answered each item once: where the dependence of answers comes from takes a second draw."
        return render("single.html.j2", text=text)
    return render(
        "dependence.html.j2",
        draws=words.count(overall["draws"]),
        sizes=_sizes(overall),
        conclusion=conclusion(overall),
        rough=any((words.finite(row["personas"]) or 0.0) < FEW_PERSONAS for row in drawn),
        few=FEW_PERSONAS,
        table=dependence_table([(_label(panel, row), row) for row in _ordered(panel.dependence)]),
        items=icc_table([(names.item(item), values) for item, values in _by_item(panel, names)]),
    )


def _sizes(row: Record) -> str:
    icc = words.finite(row["icc"])
    if icc is None:
        return ""
    between = (
        f"Of the variation of a single item {words.share(max(0.0, icc))} lies between personas, the mean over items."
    )
    if words.finite(row["between"]) is None:
        return between
    return (
        f"{between} The typical correlation of two items that comes from who is asked is "
        f"{words.with_interval(row, 'between')}, the one that comes on top within a draw "
        f"{words.with_interval(row, 'within')}."
    )


def conclusion(row: Record) -> str:
    """What the part within personas says, given how items were asked.

    Args:
        row: Row of the summary of decompositions, of drawn answers.
    """
    low, how = words.finite(row["within_square_low"]), row["presentation"]
    icc = words.finite(row["icc"])
    if icc is not None and icc >= SAME_ANSWER:
        return (
            "All draws of a persona are the same answer, as at temperature 0 or where draws share a seed; so nothing "
            "can be said of what happens within one."
        )
    if low is None:
        return "No pair of items varies enough for the part within a draw to be judged."
    shown = low > 0
    if how == "single":
        return _alone(shown=shown)
    if how in ("interview", "battery"):
        return _together(row, how, shown=shown)
    if shown:
        return (
            "Answers of one draw fit together beyond who is asked (W is not 0): they were given in a conversation, or "
            "draws share their noise."
        )
    return "Beyond who is asked, answers of one draw do not show that they fit together (W is not told from 0)."


def _alone(*, shown: bool) -> str:
    if shown:
        return (
            "W is not 0 although items were asked alone: something leaks between prompts or draws share their noise. "
            "Do not trust the structure of these answers before that is found."
        )
    return (
        "Items were asked alone, and W is 0 within its interval, as it must be: all dependence comes from who is asked."
    )


def _together(row: Record, how: str, *, shown: bool) -> str:
    if not shown:
        return (
            f"The {how} does not show dependence of its own (W is not told from 0): what there is comes from who is "
            "asked."
        )
    _, between_low, between_high = words.estimate(row, "between")
    _, within_low, within_high = words.estimate(row, "within")
    text = f"The {how} creates dependence of its own: answers of one draw fit together beyond who is asked"
    if None not in (between_high, within_low) and within_low > between_high:  # type: ignore[operator]
        return f"{text}, and more so than who is asked makes them."
    if None not in (between_low, within_high) and between_low > within_high:  # type: ignore[operator]
        return f"{text}, though less than who is asked makes them."
    return f"{text}; whether more or less than who is asked makes them cannot be told."


def _ordered(rows: Sequence[Record]) -> list[Record]:
    """The summary over countries first, drawn answers before probabilities."""
    return sorted(rows, key=lambda row: (row["country"] != ALL, row["source"] != "drawn"))


def _label(panel: Panel, row: Record) -> str:
    label = panel.label(row["country"])
    return label if row["source"] == "drawn" else f"{label}, from option probabilities"


def _by_item(panel: Panel, names: Names) -> list[tuple[str, list[float]]]:
    """Shares between personas of each item in all countries, the largest mean first."""
    found: dict[str, list[float]] = {}
    for row in panel.icc:
        if row["source"] == "drawn" and (value := words.finite(row["between"])) is not None:
            found.setdefault(row["item_a"], []).append(value)
    ordered = {item: found[item] for item in names.ordered(found)}
    return sorted(ordered.items(), key=lambda pair: -fmean(pair[1]))
