import math
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from demoscope.engines import ENGINES, Engine, Message, Request, Sampling
from demoscope.errors import ConfigError, DataError, EngineError


def request(item="q", codes="1,2,3", **attributes):
    labels = tuple("ABCDEFG"[: len(codes.split(","))])
    facts = {**attributes, "item": item, "order": "given", "option_codes": codes}
    return Request(f"{item}-{codes}", (Message("user", "?"),), labels, facts=facts)


def engine(**options):
    return ENGINES["scripted"](model="rule", options=options)


def probs(table, **asked):
    (answer,) = engine(rule="table", table=str(table)).ask([request(**asked)])
    return answer.probs


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        "item,state,sex,code,probability\nq,,,1,0.5\nq,,,2,0.5\nq,Ohio,,1,0.25\nq,Ohio,,3,0.75\nq,Ohio,woman,2,1\n"
    )
    return path


def test_uniform_and_first():
    (answer,) = engine().ask([request()])
    assert answer.probs == (1 / 3, 1 / 3, 1 / 3)
    assert (answer.status, answer.label_mass) == ("valid", 1.0)
    (answer,) = engine(rule="first").ask([request(codes="3,2,1")])
    assert answer.probs == (1.0, 0.0, 0.0)


def test_the_most_specific_row_answers(csv):
    assert probs(csv) == (0.5, 0.5, 0.0)
    assert probs(csv, state="Iowa", sex="man") == (0.5, 0.5, 0.0)
    assert probs(csv, state="Ohio", sex="man") == (0.25, 0.0, 0.75)
    assert probs(csv, state="Ohio", sex="woman") == (0.0, 1.0, 0.0)


def test_a_table_speaks_codes_whatever_the_displayed_order(csv):
    assert probs(csv, state="Ohio", codes="3,2,1") == (0.75, 0.0, 0.25)


def test_formats_agree(csv, tmp_path):
    frame = pl.read_csv(csv)
    parquet = tmp_path / "table.parquet"
    frame.write_parquet(parquet)
    toml = tmp_path / "table.toml"
    toml.write_text(
        '[[rows]]\nitem = "q"\nprobs = {1 = 0.5, 2 = 0.5}\n'
        '[[rows]]\nitem = "q"\nstate = "Ohio"\nprobs = {1 = 0.25, 3 = 0.75}\n'
        '[[rows]]\nitem = "q"\nstate = "Ohio"\nsex = "woman"\nprobs = {2 = 1}\n'
    )
    for asked in ({}, {"state": "Ohio"}, {"state": "Ohio", "sex": "woman"}):
        assert probs(csv, **asked) == probs(parquet, **asked) == probs(toml, **asked)


def test_a_request_that_no_row_fits_is_an_error_row(csv):
    (answer,) = engine(rule="table", table=str(csv)).ask([request(item="other")])
    assert (answer.status, answer.reason, answer.probs) == ("error", "no_row_fits", None)


def test_probabilities_are_divided_by_their_sum(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,code,probability\nq,1,0.3333333\nq,2,0.3333333\nq,3,0.3333333\n")
    assert math.fsum(probs(path)) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,code,probability\nq,1,0.5\nq,2,0.4\n", "sum to 0.9"),
        ("item,code,probability\nq,1,1\nq,1,0\n", "row 2: item 'q', code 1 has a probability already"),
        ("item,code,probability\nq,1,-1\nq,2,2\n", "row 1: probability -1.0"),
        ("item,code,probability\nq,1,nan\n", "row 1: probability nan"),
        ("item,code,probability\nq,1.5,1\n", "row 1: code '1.5' is not an integer"),
        ("item,code,probability\nq,1,much\n", "row 1: probability 'much' is not a number"),
        ("item,code,probabilty\nq,1,1\n", "no column 'probability'; did you mean 'probabilty'"),
        ("item,code,probability\n", "no rows"),
    ],
)
def test_bad_tables_are_refused_by_place(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as refused:
        engine(rule="table", table=str(path))
    assert "bad.csv" in str(refused.value)


def test_bad_toml_tables_are_refused(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("[[row]]\n")
    with pytest.raises(ConfigError, match="did you mean 'rows'"):
        engine(rule="table", table=str(path))
    path.write_text('[[rows]]\nitem = "q"\n')
    with pytest.raises(DataError, match="entry 1"):
        engine(rule="table", table=str(path))


def test_a_code_that_is_no_option_stops_the_run(csv):
    with pytest.raises(EngineError, match="code 3 is not one of its options"):
        probs(csv, state="Ohio", codes="1,2")


def test_two_rows_that_fit_alike_stop_the_run(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,state,sex,code,probability\nq,Ohio,,1,1\nq,,woman,2,1\n")
    with pytest.raises(EngineError, match=r"sex=woman.*state=Ohio|state=Ohio.*sex=woman"):
        probs(path, state="Ohio", sex="woman")


def test_independence_tells_apart_by_one_attribute_only(csv, tmp_path):
    with pytest.raises(ConfigError, match="by sex and state"):
        engine(rule="independence", table=str(csv))
    path = tmp_path / "t.csv"
    path.write_text("item,state,code,probability\nq,Ohio,1,1\nq,Iowa,2,1\n")
    answers = engine(rule="independence", table=str(path)).ask(
        [request(state="Ohio", sex="man"), request(state="Ohio", sex="woman"), request(state="Iowa", sex="man")]
    )
    assert [answer.probs for answer in answers] == [(1, 0, 0), (1, 0, 0), (0, 1, 0)]


def test_options_are_checked():
    with pytest.raises(ConfigError, match=r"model 'rule'.*'delay_sec'.*did you mean 'delay_secs'"):
        engine(delay_sec=1)
    with pytest.raises(ConfigError, match="needs a table"):
        engine(rule="table")
    with pytest.raises(ConfigError, match="has no table"):
        engine(rule="first", table="x.csv")


def test_the_revision_follows_the_table(csv):
    first = engine(rule="table", table=str(csv))
    assert isinstance(first, Engine)
    assert first.revision == engine(rule="table", table=str(csv), delay_secs=0.1, block=2).revision
    assert first.revision != engine().revision
    csv.write_text(csv.read_text().replace("0.25", "0.3").replace("0.75", "0.7"))
    assert first.revision != engine(rule="table", table=str(csv)).revision


def texts(number, *, mode="text", **options):
    asked = [replace(request(), key=str(seed), mode=mode, seed=seed) for seed in range(number)]
    return list(engine(**options).ask(asked))


def test_choices_are_drawn_from_the_rule_by_the_seed_alone(csv):
    options = {"rule": "table", "table": str(csv)}
    asked = [
        replace(request(state="Ohio", sex="man"), key=str(seed), mode="choice", seed=seed * 2**40)
        for seed in range(2000)
    ]
    answers = list(engine(**options).ask(asked))
    counts = Counter(answer.text for answer in answers)
    assert counts.keys() == {"A", "C"}
    assert counts["A"] / 2000 == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 2000))
    assert [answer.probs for answer in answers] == [None] * 2000
    assert [next(engine(**options).ask([one])) for one in asked[50:60][::-1]] == answers[50:60][::-1]


def test_temperature_sharpens_what_is_drawn(csv):
    def share(sampling):
        asked = [
            replace(request(state="Ohio", sex="man"), key=str(seed), mode="choice", seed=seed, sampling=sampling)
            for seed in range(400)
        ]
        answers = list(engine(rule="table", table=str(csv)).ask(asked))
        return sum(answer.text == "C" for answer in answers) / len(answers)

    assert share(Sampling(temperature=0)) == 1
    assert share(Sampling(top_p=0.7)) == 1
    assert share(Sampling(temperature=0.5)) == pytest.approx(0.9, abs=0.06)


def test_texts_say_the_drawn_label():
    plain = texts(300)
    assert {answer.text for answer in plain} == {"A", "B", "C"}
    assert not any(answer.truncated for answer in plain)
    sentences = texts(300, texts="sentence")
    assert [answer.text for answer in sentences] == [f"My answer is {answer.text}." for answer in plain]


def test_messy_texts_have_the_share_of_non_answers_asked_for():
    found = texts(4000, texts="messy", invalid_share=0.3)
    assert found == texts(4000, texts="messy", invalid_share=0.3)
    spoken = Counter(answer.text for answer in found)
    refused = spoken["I'm sorry, but as an AI I cannot answer that question."]
    cut = [answer for answer in found if answer.truncated]
    for count in (refused, len(cut), spoken[""], spoken["I don't know."]):
        assert count / 4000 == pytest.approx(0.3 / 7, abs=0.015)
    assert spoken["Z"] > 0
    assert spoken["A or B"] > 0
    assert not any(answer.truncated for answer in texts(100, texts="messy", invalid_share=0))
    assert "invalid_share 0.3" in engine(texts="messy", invalid_share=0.3).revision


def test_a_stated_distribution_is_that_of_the_rule(csv):
    asked = replace(request(state="Ohio", sex="man", codes="3,2,1"), mode="verbalized")
    (answer,) = engine(rule="table", table=str(csv)).ask([asked])
    assert answer.text == "A: 75%\nB: 0%\nC: 25%"
    (answer,) = engine().ask([replace(request(), mode="verbalized")])
    assert answer.text == "A: 33.3333%\nB: 33.3333%\nC: 33.3333%"


def test_persistence_repeats_the_place_of_the_answer_before():
    def after(said, **options):
        turns = (Message("user", "?"), Message("assistant", said), Message("user", "And this?"))
        (answer,) = engine(rule="first", **options).ask([replace(request(), messages=turns)])
        return answer.probs

    assert after("C", persistence=0.25) == (0.75, 0.0, 0.25)
    assert after("My answer is B.", persistence=0.25) == (0.75, 0.25, 0.0)
    assert after("E", persistence=0.25) == (0.75, 0.0, 0.25)
    assert after("I don't know.", persistence=0.25) == (1.0, 0.0, 0.0)
    assert after("C") == (1.0, 0.0, 0.0)
    (answer,) = engine(persistence=0.5).ask([request()])
    assert answer.probs == (1 / 3, 1 / 3, 1 / 3)


def test_adapters_matter_where_the_table_has_a_column_for_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,adapter,code,probability\nq,,1,1\nq,left,2,1\n")
    assert engine().capabilities.adapters
    asked = [replace(request(), adapter=adapter) for adapter in (None, "adapters/left", "adapters/right")]
    answers = engine(rule="table", table=str(path)).ask(asked)
    assert [answer.probs for answer in answers] == [(1, 0, 0), (0, 1, 0), (1, 0, 0)]
    answers = engine().ask(asked)
    assert {answer.probs for answer in answers} == {(1 / 3, 1 / 3, 1 / 3)}
