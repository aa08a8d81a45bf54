"""A first draft of a survey's TOML file, from what a data file tells about itself.

A file knows its columns, its codes and sometimes their labels; it does not know which answers are ordered, which
direction a scale has within its domain, or what constrains what.
Whatever was guessed carries a comment that begins with "check:".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.cells import cell_texts
from demoscope.surveys.item import as_integer
from demoscope.surveys.labels import missing_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MOST_OPTIONS: Final = 26
"""Columns with more codes are no items that could be asked with letters."""

_ROLES: Final = {
    "id": r"(d_interview|idno|id|uid|uuid|case_?id|caseid|resp(ondent)?_?id|respid|unique_?id|v200)",
    "country": r"(b_country|cntry|country|s003|c_abrv|state|inputstate|nation)",
    "weight": r"(w_weight|pspwght|anweight|dweight|gweight|weight\w*|\w*weight|wt\w*|w|s017|\w*wght)",
    "stratum": r"(stratum|strata|vstrat)",
    "psu": r"(psu|i_psu|vpsu)",
}
_DEMOGRAPHICS: Final = {
    "sex": r"(q260|gndr|sex|gender|v225|female|x001)",
    "age": r"(q262|agea|age|x003|v226_age)",
    "education": r"(q275r?|eisced|educ|education|degree|edu\w*|x025r?)",
    "marital": r"(q273|marst|marital|maritalb|marstat|x007)",
    "settlement": r"(h_urbrural|domicil|urban\w*|settlement|xnorcsiz)",
    "income": r"(q288r?|hinctnta|income|faminc\w*|rincom\w*)",
    "religion": r"(q289|religion|relig|rlgdnm\w*)",
    "employment": r"(q279|employment|emplst\w*|wrkstat|mnactic)",
}
OLDEST: Final = 120
"""Larger numbers in a column of ages are taken for codes."""


class Labelled(Protocol):
    """What a draft asks of a file."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of its columns."""
        ...

    @property
    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Column to text of a code to label."""
        ...

    @property
    def titles(self) -> Mapping[str, str]:
        """Column to its label."""
        ...

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Cells of some columns."""
        ...


@dataclass(frozen=True)
class Coded:
    """One column as it may become an item or attribute.

    Attributes:
        column: Its name.
        title: What the file calls it, else its name.
        options: Code to label, in ascending order of codes.
        missing: Code to reason.
        open: Codes that occur and of which the file does not say what they are.
    """

    column: str
    title: str
    options: dict[str, str]
    missing: dict[str, str]
    open: list[str]


def draft_survey(source: Labelled, *, name: str, where: object) -> str:
    """The text of a survey's TOML file, which loads as it is and is meant to be read through.

    Args:
        source: A data file.
        name: Its ``id``.
        where: The file, for the draft's ``data`` and for messages.

    Raises:
        DataError: No column could be asked about.
    """
    left = list(source.columns)
    roles = {role: _take(left, pattern) for role, pattern in _ROLES.items()}
    attributes = {attribute: _take(left, pattern) for attribute, pattern in _DEMOGRAPHICS.items()}
    frame = source.read(list(source.columns))
    items, omitted = [], []
    for column in left:
        found = _coded(source, frame[column], where=where)
        if isinstance(found, Coded):
            items.append(found)
        else:
            omitted.append((column, found))
    if not items:
        raise DataError(f"{where}: none of its {len(source.columns)} columns holds codes that could be asked about")
    shared = _most_common(item.missing for item in items)
    return (
        "\n".join(
            (
                *_header(name, roles, source, frame, where=where),
                *_missing("missing", shared),
                "",
                *_scales(items),
                *(
                    line
                    for attribute, column in attributes.items()
                    if column is not None
                    for line in _demographic(attribute, source, frame[column], where=where)
                ),
                *(line for item in items for line in _item(item, items, shared)),
                *_omitted(omitted),
            )
        )
        + "\n"
    )


def name_of(path: Path) -> str:
    """Name of a survey after that of its file: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "survey"


def _take(left: list[str], pattern: str) -> str | None:
    """The first column of a role, taken out of those that are left."""
    found = next((column for column in left if re.fullmatch(pattern, column, re.IGNORECASE)), None)
    if found is not None:
        left.remove(found)
    return found


def _coded(source: Labelled, column: pl.Series, *, where: object) -> Coded | str:
    """What a column could be asked as; a sentence where that is nothing."""
    labels = source.labels.get(column.name, {})
    try:
        counts = dict(cell_texts(column, where=where).drop_nulls().value_counts().iter_rows())
    except DataError:
        return f"holds {column.dtype}"
    if not counts and not labels:
        return "is empty"
    codes = sorted({*counts, *labels}, key=_place)
    if any(as_integer(code) is None for code in codes if code not in labels):
        return "holds text" if len(counts) > 1 else "is the same in every row"
    missing: dict[str, str] = {code: said for code in codes if (said := missing_reason(labels.get(code, "")))}
    answers = [code for code in codes if code not in missing and as_integer(code) is not None]
    inside = _between_labels(answers, labels) if labels else _longest_run(answers)
    options = {code: labels.get(code, code) for code in inside}
    if len(options) < 2:
        return f"has {len(options)} code that could be an answer" if options else "has no code that could be an answer"
    if len(options) > MOST_OPTIONS:
        return f"has {len(options)} different codes"
    unclear = [code for code in codes if code not in options and code not in missing]
    return Coded(column.name, source.titles.get(column.name) or column.name, _distinct(options), missing, unclear)


def _between_labels(codes: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Codes with labels and those between them: on long scales often only the ends are labelled."""
    named = [int(code) for code in codes if code in labels]
    return [code for code in codes if named and min(named) <= int(code) <= max(named)]


def _longest_run(codes: Sequence[str]) -> list[str]:
    """The longest row of neighbouring codes, the first of several: 0 to 10 where there are 77, 88 and 99 as well."""
    runs: list[list[str]] = []
    for code in codes:
        if runs and int(code) == int(runs[-1][-1]) + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return max(runs, key=len, default=[])


def _place(code: str) -> tuple[bool, int, str]:
    number = as_integer(code)
    return number is None, number or 0, code


def _distinct(options: Mapping[str, str]) -> dict[str, str]:
    """Options whose labels differ, as those of a survey have to."""
    often = Counter(options.values())
    return {code: label if often[label] == 1 else f"{label} ({code})" for code, label in options.items()}


def _most_common(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The missing codes that most items have."""
    counts = Counter(tuple(sorted(table.items(), key=lambda entry: _place(entry[0]))) for table in tables)
    return dict(counts.most_common(1)[0][0])


def _header(
    name: str, roles: Mapping[str, str | None], source: Labelled, frame: pl.DataFrame, *, where: object
) -> list[str]:
    lines = [
        f"# A draft, made from {where}.",
        '# Read it through: lines that begin with "# check:" are guesses, and whatever is not an item can be deleted.',
        "# `demoscope survey check FILE --survey THIS` lists every code of every item and what it becomes.",
        "",
        f"id = {_text(name)}",
        f"title = {_text(name)}",
        f"data = {_text(str(where))}",
    ]
    if (column := roles["id"]) is not None:
        unique = frame[column].is_duplicated().any() is False and frame[column].null_count() == 0
        lines.append(
            f"id_column = {_text(column)}"
            if unique
            else f"# check: {_comment(column)} does not name respondents, since it occurs more than once or is empty"
        )
    if (column := roles["country"]) is not None:
        lines.append(f"country_column = {_text(column)}")
    else:
        lines += ["# check: the file has no column of countries that could be recognised", 'country = "the country"']
    lines += [
        f"{key} = {_text(column)}"
        for key, role in (("weight_column", "weight"), ("strata_column", "stratum"), ("psu_column", "psu"))
        if (column := roles[role]) is not None
    ]
    if roles["weight"] is None:
        lines.append("# check: no column of weights was recognised; every person counts alike")
    if (column := roles["country"]) is not None and (names := source.labels.get(column)):
        present = set(cell_texts(frame[column], where=where).drop_nulls().unique())
        lines.append(f"countries = {_table({code: name for code, name in names.items() if code in present})}")
    return lines


def _missing(key: str, table: Mapping[str, str]) -> list[str]:
    return [f"{key} = {_table(table)}"] if table else []


def _scales(items: Sequence[Coded]) -> list[str]:
    scales = _shared_scales(items)
    return (
        ["[scales]", *(f"{name} = {_table(dict(options))}" for options, name in scales.items()), ""] if scales else []
    )


def _shared_scales(items: Sequence[Coded]) -> dict[tuple[tuple[str, str], ...], str]:
    """Options that several items have, and a name for each."""
    often = Counter(tuple(item.options.items()) for item in items)
    shared = [options for options, n in often.items() if n > 1]
    return {options: f"scale_{number}" for number, options in enumerate(shared, start=1)}


def _demographic(attribute: str, source: Labelled, column: pl.Series, *, where: object) -> list[str]:
    lines = ["[[demographics]]", f"id = {_text(attribute)}"]
    if column.name != attribute:
        lines.append(f"column = {_text(column.name)}")
    texts = cell_texts(column, where=where).drop_nulls()
    labels = source.labels.get(column.name, {})
    missing = {code: reason for code in labels if (reason := missing_reason(labels[code]))}
    if attribute == "age":
        ages = texts.filter(~texts.is_in(list(missing))).cast(pl.Float64, strict=False)
        missing |= {str(int(age)): "other_missing" for age in ages.filter(ages > OLDEST).unique().sort()}
        youngest = int(min([18.0, *ages.filter(ages <= OLDEST).to_list()]))
        bands = ((f"{youngest}-34", youngest, 34), ("35-54", 35, 54), ("55 or over", 55, OLDEST))
        entries = [f"{{ low = {low}, high = {high}, label = {_text(label)} }}" for label, low, high in bands]
        lines += [
            "# check: the bands, and whether ages that are declared as missing are",
            'text = "aged {value}"',
            f"bands = [{', '.join(entries)}]",
        ]
    else:
        words = {code: label for code, label in labels.items() if code not in missing}
        lines.append("# check: how a prompt says it")
        if attribute == "sex":
            lines += ['text = "a {value}"', "noun = true"]
        else:
            lines += [f"text = {_text(attribute + ': {value}')}", "shown = false"]
        if words:
            lines.append(f"values = {_table(words)}")
    return [*lines, *_missing("missing", missing), ""]


def _item(item: Coded, items: Sequence[Coded], shared: Mapping[str, str]) -> list[str]:
    scale = _shared_scales(items).get(tuple(item.options.items()))
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", item.column)
    lines = ["[[items]]", f"id = {_text(name)}"]
    if name != item.column:
        lines.append(f"column = {_text(item.column)}")
    lines += [
        f"# check: the question; the file calls it {_comment(item.title)}",
        f"text = {_text(item.title)}",
        f"options = {_text(scale) if scale else _table(item.options)}",
    ]
    if len(item.options) == 2:
        lines.append('type = "binary"')
    elif item.title != item.column or scale:
        lines.append('# check: are the options in the order of a scale? If there is none: type = "nominal"')
    if item.missing != shared:
        lines.append(f"missing = {_table(item.missing)}")
    if item.open:
        lines.append(f"# check: declare these codes as options or as missing: {_comment(', '.join(item.open))}")
    return [*lines, ""]


def _omitted(columns: Sequence[tuple[str, str]]) -> list[str]:
    if not columns:
        return []
    return ["# Columns that are no items here:", *(f"# {_comment(name)} {why}" for name, why in columns)]


def _table(entries: Mapping[str, str]) -> str:
    inner = ", ".join(f"{_key(code)} = {_text(label)}" for code, label in entries.items())
    return f"{{ {inner} }}"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    """A TOML string: that of JSON, which leaves one control character as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text that stays on its line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
