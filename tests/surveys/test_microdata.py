"""From raw columns to checked answers: nothing is guessed, nothing becomes missing unseen."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import ConfigError, DataError
from demoscope.surveys import load_microdata, microdata_from_frame, read_table, survey_from_table
from demoscope.surveys.coded import coded
from tests.surveys.survey_strategies import raw_frames, surveys

FIVE = {str(i): f"label {i}" for i in range(1, 6)}
ELEVEN = {str(i): f"step {i}" for i in range(11)}


def survey(**table):
    base = {
        "id": "s",
        "title": "S",
        "id_column": "id",
        "country_column": "land",
        "items": [{"id": "q", "text": "Well?", "options": FIVE}],
    }
    table = {key: value for key, value in (base | table).items() if value is not None}
    return survey_from_table(table, where=Path("s.toml"))


def people(**columns):
    base = {"id": ["a", "b", "c"], "land": ["X", "Y", "X"], "q": [1, 2, 5]}
    return pl.DataFrame(base | columns, strict=False)


def load(raw, **table):
    return microdata_from_frame(raw, survey=survey(**table), where="file.csv")


def refusal(raw, **table):
    with pytest.raises(DataError) as error:
        load(raw, **table)
    return str(error.value)


def missing(microdata, item="q"):
    rows = microdata.missing.filter(pl.col("item") == item)
    return {(country, code): (reason, n) for _, country, code, reason, n in rows.iter_rows()}


def test_schema_of_the_frame():
    data = load(people(sex=[1, 2, 1]), demographics=[{"id": "sex", "values": {"1": "man", "2": "woman"}}])
    assert dict(data.frame.schema) == {
        "respondent_id": pl.String(),
        "country": pl.String(),
        "weight": pl.Float64(),
        "sex": pl.String(),
        "q": pl.Int32(),
    }
    assert data.frame.rows() == [("a", "X", 1.0, "man", 1), ("b", "Y", 1.0, "woman", 2), ("c", "X", 1.0, "man", 5)]
    assert data.countries == ("X", "Y")
    assert data.missing.is_empty()


@pytest.mark.parametrize(
    "column",
    [
        ["1", " 2 ", "5.0"],
        [1.0, 2.0, 5.0],
        pl.Series([1, 2, 5], dtype=pl.UInt8),
        pl.Series(["1", "2", "5"], dtype=pl.Categorical),
        pl.Series(["1", "2", "5"], dtype=pl.Enum(["5", "2", "1"])),
        pl.Series(["1", "2", "5"]).cast(pl.Decimal(5, 2)),
    ],
    ids=["text", "float", "unsigned", "categorical", "enum", "decimal"],
)
def test_codes_are_read_from_any_type_that_holds_them(column):
    assert load(people(q=column)).frame["q"].to_list() == [1, 2, 5]


def test_booleans_are_0_and_1():
    yes_no = [{"id": "q", "text": "?", "options": {"0": "No", "1": "Yes"}}]
    assert load(people(q=[True, False, None]), items=yes_no).frame["q"].to_list() == [1, 0, None]


def test_an_unknown_code_is_named_with_column_row_and_what_is_declared():
    assert refusal(people(q=[1, 8, 8])) == (
        "file.csv: column 'q', row 2: code '8' is not declared; options 1..5, missing codes: none; and 1 further row"
    )
    assert refusal(people(q=[1, 2, 0]), missing={"9": "refused", "99": "dont_know"}) == (
        "file.csv: column 'q', row 3: code '0' is not declared; options 1..5, missing codes: 9, 99"
    )


@pytest.mark.parametrize("value", [2.5, float("inf"), -float("inf"), 1e300])
def test_floats_that_are_no_codes_are_refused(value):
    assert "column 'q', row 2: code" in refusal(people(q=[1.0, value, 2.0]))


def test_all_wrong_columns_are_reported_at_once():
    items = [{"id": name, "text": "?", "options": FIVE} for name in ("q", "r", "s")]
    message = refusal(people(r=[1, 1, 9], s=[1, 1, 1], q=[7, 1, 1], id=["a", "a", "b"]), items=items)
    assert [line.split(":")[1].strip() for line in message.splitlines()] == [
        "column 'id', row 2", "column 'q', row 1", "column 'r', row 3",
    ]  # fmt: skip


def test_a_code_can_be_an_answer_on_one_item_and_missing_on_another():
    items = [
        {"id": "short", "text": "?", "options": FIVE},
        {"id": "long", "text": "?", "options": ELEVEN, "missing": {"77": "refused"}},
    ]
    data = load(people(short=[7, 8, 5], long=[7, 0, 77]), items=items, missing={"7": "refused", "8": "dont_know"})
    assert data.frame["short"].to_list() == [None, None, 5]
    assert data.frame["long"].to_list() == [7, 0, None]
    assert missing(data, "short") == {("X", "7"): ("refused", 1), ("Y", "8"): ("dont_know", 1)}
    assert missing(data, "long") == {("X", "77"): ("refused", 1)}
    assert "code '88' is not declared; options 0..10, missing codes: 77" in refusal(
        people(short=[1, 1, 1], long=[1, 2, 88]), items=items
    )


def test_an_option_of_an_item_outranks_the_missing_codes_of_the_survey():
    items = [{"id": "q", "text": "?", "options": {"-1": "less", "0": "same", "1": "more"}}]
    data = load(people(q=[-1, 0, 1]), items=items, missing={"-1": "dont_know", "0": "not_applicable"})
    assert data.frame["q"].to_list() == [-1, 0, 1]


def test_missing_codes_may_be_text():
    data = load(people(q=["NA", ".a", "3"]), missing={"NA": "other_missing", ".a": "refused"})
    assert missing(data) == {("X", "NA"): ("other_missing", 1), ("Y", ".a"): ("refused", 1)}


@pytest.mark.parametrize("column", [["1", "", "  "], [1, None, None], [1.0, float("nan"), None]])
def test_empty_cells_are_counted(column):
    assert missing(load(people(q=column))) == {("Y", ""): ("other_missing", 1), ("X", ""): ("other_missing", 1)}


def test_codes_of_missing_answers_are_counted_as_declared():
    data = load(people(q=["9.0", "9", "09"], land=["X"] * 3), missing={"9": "refused"})
    assert missing(data) == {("X", "9"): ("refused", 3)}


def test_empty_cells_may_be_given_a_reason():
    assert missing(load(people(q=[1, None, 2]), missing={"": "not_asked"})) == {("Y", ""): ("not_asked", 1)}


def test_an_item_nobody_answered_is_no_error():
    assert load(people(q=[None, None, None])).frame["q"].null_count() == 3


def test_an_item_not_asked_somewhere_is_empty_there():
    items = [{"id": "q", "text": "?", "options": FIVE, "asked_in": ["X"]}]
    assert missing(load(people(q=[1, None, None]), items=items)) == {
        ("X", ""): ("other_missing", 1),
        ("Y", ""): ("not_asked", 1),
    }
    assert "row 2: an answer from 'Y', where 'q' was not asked" in refusal(people(), items=items)


def test_columns_may_have_other_names_and_serve_twice():
    high_low = {"id": "q", "bands": [{"label": "low", "high": 2}, {"label": "high", "low": 3}]}
    data = load(
        people(),
        items=[{"id": "one", "column": "q", "text": "?", "options": FIVE}],
        demographics=[{"id": "home", "column": "land"}, high_low],
    )
    assert data.frame.select("home", "q", "one").rows() == [("X", "low", 1), ("Y", "low", 2), ("X", "high", 5)]


BANDS = {"id": "age", "bands": [{"label": "young", "low": 18, "high": 29}, {"label": "old", "low": 30}]}


def test_bands_include_their_ends():
    data = load(people(age=[18, 29, 30]), demographics=[BANDS])
    assert data.frame["age"].to_list() == ["young", "young", "old"]
    assert load(people(age=["93", "18.5", None]), demographics=[BANDS]).frame["age"].to_list() == ["old", "young", None]


@pytest.mark.parametrize("age", [17, 29.5, "old", "nan"])
def test_values_outside_all_bands_are_refused(age):
    message = refusal(people(age=["20", str(age), "20"]), demographics=[BANDS])
    assert f"column 'age', row 2: code '{age}' is not declared; bands young, old, missing codes: none" in message


def test_missing_codes_of_a_demographic():
    age = BANDS | {"missing": {"999": "refused"}}
    data = load(people(age=[999, 20, 40]), demographics=[age], missing={"7": "dont_know"})
    assert data.frame["age"].to_list() == [None, "young", "old"]
    assert missing(data, "age") == {("X", "999"): ("refused", 1)}


def test_values_of_a_demographic_are_declared_or_free():
    sex = {"id": "sex", "values": {"1": "man", "2": "woman"}}
    assert "code '3' is not declared; values 1, 2, missing codes: none" in refusal(
        people(sex=[1, 2, 3]), demographics=[sex]
    )
    free = load(people(town=[" Ulm ", "", "New York"]), demographics=[{"id": "town"}])
    assert free.frame["town"].to_list() == ["Ulm", None, "New York"]


def test_countries_may_have_codes():
    codes = {"276": "Germany", "040": "Austria"}
    assert load(people(land=[276, 276, "040"]), countries=codes).countries == ("Austria", "Germany")
    assert "column 'land', row 3: country '999' is not declared" in refusal(
        people(land=["276", "040", "999"]), countries=codes
    )


def test_a_survey_of_one_country():
    assert load(people(), country="Utopia", country_column=None).countries == ("Utopia",)


def test_respondents_without_country_are_refused():
    assert "column 'land', row 2: no country; and 1 further row" in refusal(people(land=["X", None, ""]))
    assert "'(all)' stands for all countries" in refusal(people(land=["X", "(all)", "X"]))


def test_ids_are_unique_and_present():
    assert load(people(id=[7.0, 8.0, 9.0])).frame["respondent_id"].to_list() == ["7", "8", "9"]
    assert load(people(), id_column=None).frame["respondent_id"].to_list() == ["1", "2", "3"]
    assert "column 'id', row 3: id 'a' is that of row 1 already" in refusal(people(id=["a", "b", "a"]))
    assert "column 'id', row 2: no id" in refusal(people(id=["a", None, "c"]))


def test_weights_are_kept_as_given():
    assert load(people(w=[0.5, 2, 1]), weight_column="w").frame["weight"].to_list() == [0.5, 2.0, 1.0]
    assert load(people(w=["0.5", "2", "1e0"]), weight_column="w").frame["weight"].to_list() == [0.5, 2.0, 1.0]


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), None])
def test_impossible_weights_are_refused(weight):
    message = refusal(people(w=[1.0, weight, weight]), weight_column="w")
    assert "column 'w', row 2: " in message
    assert "is no weight; weights are finite and above 0; and 1 further row" in message


def test_weights_in_words_are_refused():
    assert "column 'w', row 2: 'heavy' is no weight" in refusal(people(w=["1", "heavy", "1"]), weight_column="w")


def test_absent_columns_are_refused_with_the_nearest():
    message = refusal(people().rename({"q": "trust1"}), items=[{"id": "trust2", "text": "?", "options": FIVE}])
    assert message == "file.csv: no column 'trust2'; did you mean 'trust1'?"


def test_other_types_and_empty_tables_are_refused():
    assert "column 'q' holds Date" in refusal(people(q=[dt.date(2020, 1, 1)] * 3))
    assert "column 'q' holds List" in refusal(people(q=[[1], [2], [3]]))
    assert refusal(people().clear()) == "file.csv: no rows"


def test_a_survey_without_data_says_so():
    with pytest.raises(DataError, match="survey 's' names no data file"):
        load_microdata(survey())


def test_csv_and_parquet_of_the_same_people_are_the_same(tmp_path):
    raw = people(q=[1, None, 5], extra=["left", "alone", ""])
    raw.write_csv(tmp_path / "x.csv")
    raw.write_parquet(tmp_path / "x.parquet")
    one, other = (load_microdata(survey(), path=tmp_path / f"x.{kind}") for kind in ("csv", "parquet"))
    assert one.frame.equals(other.frame)
    assert one.missing.equals(other.missing)
    assert load_microdata(survey(data=str(tmp_path / "x.csv"))).frame.equals(one.frame)


def test_all_undeclared_codes_of_a_column_are_named_with_their_rows():
    raw = pl.DataFrame({"id": range(9), "land": ["X"] * 9, "q": [1, 8, 7, 8, 0, 11, 12, 13, 8]})
    assert refusal(raw) == (
        "file.csv: column 'q', row 2: codes '8' (3 rows from row 2), '7' (1 row from row 3), '0' (1 row from row 5), "
        "'11' (1 row from row 6), '12' (1 row from row 7) and 1 further ones are not declared; "
        "options 1..5, missing codes: none"
    )
    assert (
        "column 'land', row 1: countries 'X' (2 rows from row 1), 'Y' (1 row from row 2) are not declared"
        in refusal(people(), countries={"1": "Utopia"})
    )


def test_several_columns_name_a_respondent_together():
    raw = people(id=["a", "a", "b"], wave=[1, 2, 1])
    assert load(raw, id_column=["id", "wave"]).frame["respondent_id"].to_list() == ["a-1", "a-2", "b-1"]
    message = refusal(people(id=["a", "a", "b"], wave=[1, 1, 1]), id_column=["id", "wave"])
    assert "columns 'id' and 'wave', row 2: id 'a-1' is that of row 1 already" in message
    assert "no column 'wave'" in refusal(people(), id_column=["id", "wave"])


def test_of_several_names_of_a_column_the_first_that_is_there_is_read():
    items = [{"id": "trust", "column": ["q_new", "q", "q_old"], "text": "?", "options": FIVE}]
    data = load(people(w=[2, 2, 2], q_old=[5, 5, 5]), items=items, weight_column=["w2021", "w"])
    assert data.frame["trust"].to_list() == [1, 2, 5]
    assert data.weight_column == "w"
    assert "no column 'q_new' or 'r'" in refusal(
        people(), items=[{"id": "trust", "column": ["q_new", "r"], "text": "?", "options": FIVE}]
    )


def test_a_run_may_take_another_weight_or_none():
    raw, two = people(w=[2.0, 2, 2], v=[3.0, 3, 3]), survey(weight_column="w")
    taken = [microdata_from_frame(raw, survey=two, weight=weight) for weight in (None, "v", "none")]
    assert [data.weight_column for data in taken] == ["w", "v", None]
    assert [data.frame["weight"][0] for data in taken] == [2.0, 3.0, 1.0]
    with pytest.raises(ConfigError, match="has no column 'u'; declared weights that it has: 'w', 'none'"):
        microdata_from_frame(raw, survey=two, weight="u")


def test_countries_without_weights_are_named_with_their_rows():
    raw = people(id=range(6), land=["X", "Y", "Y", "X", "Z", "Z"], q=[1] * 6, w=[1.0, None, None, 2.0, 0.0, 1.0])
    assert refusal(raw, weight_column=["w", "v"]) == (
        "file.csv: column 'w', row 2: None is no weight; weights are finite and above 0; and 2 further rows; "
        "none in 2 rows: Y (2 of its 2 rows); zero in 1 rows: Z (1 of its 2 rows); "
        "a run may say weight = 'v' or 'none'"
    )


def test_strata_and_sampling_units_are_read_where_the_file_has_them():
    raw = people(region=[1, 2, None], village=["a", "b", "c"])
    data = load(raw, strata_column=["stratum", "region"], psu_column="village")
    assert data.frame["stratum"].to_list() == ["1", "2", None]
    assert data.frame["psu"].to_list() == ["a", "b", "c"]
    assert not {"stratum", "psu"} & set(load(people(), strata_column="region", psu_column="village").frame.columns)


def test_cells_that_name_no_unit_are_those_that_are_declared():
    raw = people().with_columns(unit=pl.Series([0, -4, 7]))
    known = load(raw, psu_column="unit", missing={"-4": "not_asked", "9": "dont_know"}, no_unit=["0"])
    assert known.frame["psu"].to_list() == [None, None, "7"]
    assert load(raw, psu_column="unit").frame["psu"].to_list() == ["0", "-4", "7"]


def test_a_partial_survey_leaves_out_what_the_file_lacks():
    items = [{"id": name, "text": "?", "options": FIVE} for name in ("q", "r")]
    table = {"items": items, "demographics": [BANDS], "partial": True}
    data = load(people(), **table)
    assert data.absent.rows() == [("age", "age"), ("r", "r")]
    assert [part.id for part in data.survey.parts] == ["q"]
    assert data.frame.columns == ["respondent_id", "country", "weight", "q"]
    assert load(people(r=[1, 1, 1], age=[20, 20, 20]), **table).absent.is_empty()
    assert "none of the 2 items of survey 's' has a column here" in refusal(people().drop("q"), **table)


def test_further_missing_codes_stand_beside_those_of_the_survey():
    items = [
        {"id": "q", "text": "?", "options": FIVE, "missing_also": {"66": "not_applicable"}},
        {"id": "r", "text": "?", "options": FIVE, "missing": "wide"},
    ]
    tables = {"wide": {"77": "refused"}}
    data = load(people(q=[66, 9, 1], r=[77, 1, 1]), items=items, missing={"9": "dont_know"}, missing_tables=tables)
    assert missing(data) == {("X", "66"): ("not_applicable", 1), ("Y", "9"): ("dont_know", 1)}
    assert missing(data, "r") == {("X", "77"): ("refused", 1)}


def test_a_variant_turns_its_scales_round():
    variants = [{"name": "the inverted file", "has": ["inverted"], "mirrored": ["q"]}, {"name": "the usual file"}]
    straight, turned = load(people(), variants=variants), load(people(inverted=[1, 1, 1]), variants=variants)
    assert straight.variant.name == "the usual file"
    assert turned.variant.name == "the inverted file"
    assert straight.frame["q"].to_list() == [1, 2, 5]
    assert turned.frame["q"].to_list() == [5, 4, 1]


def test_numbers_stand_behind_bands():
    age = BANDS | {"missing": {"999": "refused"}}
    for cells in ([18, 999, 30], ["18", "", "30.0"], [18.0, None, 30.0]):
        data = load(people(age=cells), demographics=[age])
        assert data.numbers.to_dict(as_series=False) == {"age": [18.0, None, 30.0]}
    assert load(people()).numbers.is_empty()


@pytest.mark.parametrize("kind", ["csv", "parquet", "sav"])
def test_namibia_is_a_country(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    raw = people(land=["NA", "DE", "NA"])
    if kind == "csv":
        raw.write_csv(path)
    elif kind == "parquet":
        raw.write_parquet(path)
    else:
        pyreadstat.write_sav(raw.to_pandas(), str(path))
    assert load_microdata(survey(), path=path).countries == ("DE", "NA")
    named = survey(countries={"NA": "Namibia", "DE": "Germany"})
    assert load_microdata(named, path=path).frame["country"].to_list() == ["Namibia", "Germany", "Namibia"]


def test_notes_of_a_file_are_handed_on(tmp_path):
    (tmp_path / "x.csv").write_bytes("id,land,q\n1,Perú,2\n".encode("cp1252"))
    data = load_microdata(survey(), path=tmp_path / "x.csv")
    assert data.countries == ("Perú",)
    assert data.notes == ("x.csv is not UTF-8; it was read as cp1252",)


@given(st.data())
def test_cells_read_as_integers_are_what_they_are_as_text(tmp_path_factory, data):
    """The slow twin: every cell of the file as text."""
    table = data.draw(surveys())
    raw = data.draw(raw_frames(table))
    path = tmp_path_factory.mktemp("twin") / "x.csv"
    raw.write_csv(path)
    declared = survey_from_table(table, where=Path("s.toml"))
    fast = load_microdata(declared, path=path)
    slow = microdata_from_frame(read_table(path), survey=declared)
    assert fast.frame.equals(slow.frame)
    assert fast.missing.equals(slow.missing)
    assert fast.numbers.equals(slow.numbers)


@pytest.mark.parametrize("key", ["02", "2"])
def test_a_code_with_a_leading_zero_is_the_code_that_was_declared(tmp_path, key):
    (tmp_path / "x.csv").write_text("id,land,q\n007,02,02\n008,02,1\n")
    read = load_microdata(survey(countries={key: "Utopia"}, id_column="id"), path=tmp_path / "x.csv")
    assert read.frame.rows() == [("007", "Utopia", 1.0, 2), ("008", "Utopia", 1.0, 1)]


def test_messages_show_cells_as_the_file_has_them(tmp_path):
    (tmp_path / "x.csv").write_text("id,land,q\n1,X,1\n2,X,09\n")
    with pytest.raises(DataError, match="row 2: code '09' is not declared"):
        load_microdata(survey(), path=tmp_path / "x.csv")


@given(st.lists(st.one_of(st.none(), st.integers(-5000, 5000)), min_size=1, max_size=30), st.data())
def test_coded_columns_give_texts_and_counts_back(cells, data):
    groups = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(cells), max_size=len(cells))))
    expected = Counter(zip(groups.tolist(), ["" if cell is None else str(cell) for cell in cells], strict=True))
    integers = pl.Series("q", cells, dtype=pl.Int64)
    for column in (integers, integers.cast(pl.Float64), integers.cast(pl.String)):
        found = coded(column, where="x")
        assert [found.text(place) for place in found.places.tolist()] == ["" if c is None else str(c) for c in cells]
        counted = zip(*(part.tolist() for part in found.counts(groups, n_groups=3)), strict=True)
        assert {(group, found.text(place)): n for group, place, n in counted} == expected
