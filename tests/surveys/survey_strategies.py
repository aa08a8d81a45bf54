"""Hypothesis strategies: survey tables as TOML gives them, raw frames that fit them, and ways to spoil both."""

from __future__ import annotations

import copy
from itertools import pairwise

import polars as pl
from hypothesis import strategies as st

REASONS = ("dont_know", "refused", "not_asked", "not_applicable", "other_missing")
COUNTRIES = ("Here", "There", "Élan|=%", "4")

words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
codes = st.integers(-20, 120)
junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@st.composite
def items(draw, name):
    chosen = draw(st.lists(codes, min_size=1, max_size=9, unique=True))
    labels = draw(st.lists(words, min_size=len(chosen), max_size=len(chosen), unique=True))
    table = {
        "id": name,
        "text": draw(words),
        "type": draw(st.sampled_from(["ordinal", "nominal", "count"])),
        "options": dict(zip(map(str, chosen), labels, strict=True)),
    }
    if draw(st.booleans()):
        lost = draw(st.lists(codes.filter(lambda code: code not in chosen), max_size=3, unique=True))
        table["missing"] = {str(code): draw(st.sampled_from(REASONS)) for code in lost}
    texts = st.lists(words.filter(lambda text: text.strip() != table["text"].strip()), max_size=2, unique_by=str.strip)
    table["paraphrases"] = draw(texts)
    if draw(st.booleans()):
        table["translations"] = {"es": draw(translations(table))}
    return table


@st.composite
def translations(draw, table):
    """An item in another language: labels by code or in order, and as many texts as there are."""
    labels = draw(st.lists(words, min_size=len(table["options"]), max_size=len(table["options"]), unique=True))
    by_code = dict(zip(table["options"], labels, strict=True))
    n = 1 + len(table["paraphrases"])
    text, *others = draw(st.lists(words, min_size=n, max_size=n, unique_by=str.strip))
    return {"text": text, "options": draw(st.sampled_from([labels, by_code])), "paraphrases": others}


@st.composite
def demographics(draw, name):
    table = {"id": name, "text": "of {value}", "shown": draw(st.booleans())}
    kind = draw(st.sampled_from(["values", "bands", "text"]))
    if kind == "values":
        table["values"] = draw(st.dictionaries(codes.map(str), words, min_size=1, max_size=4))
        table["missing"] = {}
    elif kind == "bands":
        cuts = sorted(draw(st.lists(st.integers(1, 99), max_size=4, unique=True)))
        bounds = [None, *cuts, None]
        table["bands"] = [
            {"label": f"band {i}"}
            | ({} if low is None else {"low": low})
            | ({} if high is None else {"high": high - 1})
            for i, (low, high) in enumerate(pairwise(bounds))
        ]
        table["missing"] = {"999": "refused"}
    return table


@st.composite
def surveys(draw):
    """A valid survey table."""
    attributes = [draw(demographics(f"d{i}")) for i in range(draw(st.integers(0, 3)))]
    questions = [draw(items(f"q{i}")) for i in range(draw(st.integers(1, 4)))]
    return {
        "id": "s",
        "title": draw(words),
        "id_column": "id",
        "country_column": "land",
        "weight_column": "w",
        "missing": draw(st.dictionaries(codes.map(str), st.sampled_from(REASONS), max_size=3)),
        "demographics": attributes,
        "items": questions,
        "translations": {"es": {"phrases": {"letter": "Una letra."}, "scales": {}}},
        "languages": draw(st.dictionaries(st.sampled_from(COUNTRIES), st.sampled_from(["en", "es"]))),
    }


@st.composite
def raw_frames(draw, table):
    """Raw columns that fit a valid survey table, typed as integers, floats or text."""
    n = draw(st.integers(1, 12))
    columns = {
        "id": [f"r{i}" for i in range(n)],
        "land": draw(st.lists(st.sampled_from(COUNTRIES), min_size=n, max_size=n)),
        "w": draw(st.lists(st.floats(1e-3, 1e3), min_size=n, max_size=n)),
    }
    for part in table["demographics"]:
        if "values" in part:
            cells = st.sampled_from([*map(int, part["values"]), None])
        elif "bands" in part:
            cells = st.one_of(st.integers(0, 120), st.just(999), st.none())
        else:
            cells = st.sampled_from([1, 2, 3, None])
        columns[part["id"]] = draw(st.lists(cells, min_size=n, max_size=n))
    for item in table["items"]:
        lost = item.get("missing", table["missing"])
        cells = st.sampled_from([*map(int, item["options"]), *map(int, lost), None])
        columns[item["id"]] = draw(st.lists(cells, min_size=n, max_size=n))
    answers = [part["id"] for part in (*table["demographics"], *table["items"])]
    # Words of the file itself are text: as a float, 1 would be the text "1.0" in a CSV file and "1" in a Parquet file.
    free = [part["id"] for part in table["demographics"] if not part.keys() & {"values", "bands"}]
    dtype = draw(st.sampled_from([pl.Int64, pl.Float64, pl.String]))
    frame = pl.DataFrame(columns, schema_overrides=dict.fromkeys(answers, pl.Int64))
    return frame.with_columns(pl.col(answers).exclude(free).cast(dtype), pl.col(free).cast(pl.String))


@st.composite
def spoiled(draw, table):
    """A copy of a TOML table with one value replaced, removed or added somewhere."""
    table = copy.deepcopy(table)
    place = table
    while True:
        if isinstance(place, dict):
            key = draw(st.sampled_from([*place, "surprise"]))
        else:
            key = draw(st.integers(0, len(place) - 1))
        child = place[key] if key != "surprise" else None
        if isinstance(child, dict | list) and child and draw(st.integers(0, 3)):
            place = child
            continue
        if isinstance(place, dict) and key in place and draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(junk)
        return table


@st.composite
def spoiled_frames(draw, frame):
    """A frame with one column dropped, emptied or filled with something else."""
    name = draw(st.sampled_from(frame.columns))
    other = draw(
        st.one_of(
            st.lists(st.integers(-(2**62), 2**62), min_size=frame.height, max_size=frame.height),
            st.lists(st.floats(), min_size=frame.height, max_size=frame.height),
            st.lists(st.text(max_size=4), min_size=frame.height, max_size=frame.height),
            st.lists(st.dates(), min_size=frame.height, max_size=frame.height),
            st.just([None] * frame.height),
            st.just([[1]] * frame.height),
        )
    )
    if draw(st.integers(0, 5)) == 0:
        return frame.drop(name)
    return frame.with_columns(pl.Series(name, other))
