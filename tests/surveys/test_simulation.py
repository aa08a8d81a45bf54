"""Simulated people: what is true of them, and what their files look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import demoscope
from demoscope.errors import ConfigError, DataError
from demoscope.surveys import load_microdata, load_survey, microdata_from_frame
from demoscope.surveys.simulation import simulate, simulation_truth, write_simulated
from demoscope.surveys.simulation.people import _sizes
from demoscope.surveys.survey import DEFINED

WVS = load_survey("wvs7")
TOWN = load_survey(Path(__file__).parent / "definitions/town.toml")


@pytest.fixture(scope="module")
def wvs():
    return simulate(WVS, countries=["Germany", "Peru", "Northern Ireland"], respondents=800, seed=3)


def microdata(frame, survey=WVS):
    return microdata_from_frame(frame, survey=survey, where="simulated")


def test_correlations_of_the_people_are_those_of_the_truth():
    n = 4000
    truth = simulation_truth(WVS)
    data = microdata(simulate(WVS, countries=["Germany"], respondents=n, seed=1)).frame
    items = ["Q48", "Q49", "Q50", "Q64", "Q69", "Q71", "Q106", "Q108", "Q164", "Q182", "Q184", "Q199", "Q250"]
    items = [item for item in items if data[item].null_count() < n]
    found = demoscope.polychoric(data.select(items), categories={i: WVS.item(i).codes for i in items})
    place = {name: j for j, name in enumerate(truth.items)}
    expected = np.array(
        [truth.correlation[place[a], place[b]] for a, b in found.select("item_a", "item_b").iter_rows()]
    )
    errors = (found["rho"].to_numpy() - expected) / found["se"].to_numpy()
    assert len(errors) >= 45
    assert np.ptp(expected) > 0.4
    assert 0.6 < np.sqrt(np.mean(errors**2)) < 1.5
    assert abs(errors.mean()) < 0.5


def test_the_truth_is_a_correlation_matrix_and_does_not_move_with_other_items():
    truth = simulation_truth(WVS)
    assert np.allclose(np.diag(truth.correlation), 1)
    assert np.linalg.eigvalsh(truth.correlation).min() > 0
    few = WVS.model_copy(
        update={"items": tuple(i for i in WVS.items if i.id in ("Q48", "Q49", "Q106")), "culture_map": None}
    )
    a = simulation_truth(few)
    one, other = (t.correlation[t.items.index("Q48"), t.items.index("Q106")] for t in (truth, a))
    assert one == pytest.approx(other, abs=1e-12)
    assert np.array_equal(a.thresholds["Q49"], truth.thresholds["Q49"])


@pytest.mark.parametrize("name", ["ces2016", "synthetic", *DEFINED, "town"])
def test_every_definition_can_be_simulated_and_reads_its_file_without_complaint(name):
    survey = TOWN if name == "town" else load_survey(name)
    countries = min(3, max(1, len(set(survey.countries.values()))))
    data = microdata(simulate(survey, countries=countries, respondents=60), survey)
    assert data.frame.height == 60 * countries
    assert data.simulated
    assert data.absent.is_empty()
    assert not data.frame.select(part.id for part in survey.demographics).null_count().row(0) or all(
        n == 0 for n in data.frame.select(part.id for part in survey.demographics).null_count().row(0)
    )
    answered = [data.frame[item.id].null_count() < data.frame.height for item in survey.items]
    assert np.mean(answered) > 0.9


def test_items_that_constrain_each_other_do(wvs):
    chosen = wvs.select(pl.sum_horizontal(*(pl.col(f"Q{n}") == 1 for n in range(7, 18))).alias("n"))["n"]
    assert 1 <= chosen.max() <= 5
    assert chosen.n_unique() > 3
    for first, second in (("Q152", "Q153"), ("Q154", "Q155"), ("Q156", "Q157")):
        both = wvs.filter((pl.col(first) > 0) & (pl.col(second) > 0))
        assert both.height > 1000
        assert (both[first] != both[second]).all()
    twins = wvs.filter((pl.col("Q33") > 0) & (pl.col("Q33_3") > 0))
    same = twins["Q33"].replace_strict({1: 1, 2: 1, 3: 3, 4: 2, 5: 2}) == twins["Q33_3"]
    assert twins.height > 1000
    assert same.all()


def test_the_same_seed_gives_the_same_people_whatever_others_there_are(wvs):
    again = simulate(WVS, countries=["Peru"], respondents=800, seed=3)
    assert again.equals(wvs.filter(pl.col("B_COUNTRY") == 604))
    assert not simulate(WVS, countries=["Peru"], respondents=800, seed=4).equals(again)


def test_columns_of_the_official_file(wvs):
    assert wvs.width > 400
    assert wvs["version"].str.starts_with("simulated").all()
    assert wvs["simulated"].str.contains("nobody was interviewed").all()
    assert wvs["B_COUNTRY_ALPHA"].unique().sort().to_list() == ["DEU", "NIR", "PER"]
    assert wvs.filter(pl.col("B_COUNTRY") == 276)["D_INTERVIEW"].to_list()[:2] == [276_070_001, 276_070_002]
    assert wvs["D_INTERVIEW"].n_unique() == wvs.height
    by_country = wvs.group_by("B_COUNTRY").agg(pl.col("W_WEIGHT").mean(), pl.col("S018").sum())
    assert by_country["W_WEIGHT"].to_numpy() == pytest.approx(1, abs=1e-5)
    assert by_country["S018"].to_numpy() == pytest.approx(1000, abs=1e-3)
    assert (wvs["Q262"] + wvs["Q261"] == 2019).all()
    assert set(wvs.filter(pl.col("Q94") == 2)["Q94R"]) == {1}
    older = wvs.group_by("Q275").agg(pl.col("Q262").mean()).sort("Q275")["Q262"].to_list()
    assert older[0] > older[-1]


def test_nobody_answers_everything_and_reasons_are_those_of_the_survey(wvs):
    data = microdata(wvs)
    lost = data.missing.filter(pl.col("item").is_in([item.id for item in WVS.items]))
    shares = dict(lost.group_by("reason").agg(pl.col("n").sum()).iter_rows())
    cells = data.frame.height * len(WVS.items)
    assert set(shares) == {"dont_know", "refused", "not_asked", "not_applicable", "other_missing"}
    assert 0.005 < shares["dont_know"] / cells < 0.05
    assert shares["refused"] < shares["dont_know"]
    whole = lost.filter(pl.col("reason") == "not_asked")
    assert whole.height > 5
    assert (whole["n"] == 800).all()


def test_every_country_can_be_put_on_the_map_of_cultures():
    data = microdata(simulate(WVS, respondents=4)).frame
    named = {item for indicator in WVS.culture_map.indicators for item in indicator.scores}
    answered = data.group_by("country").agg(pl.col(sorted(named)).count())
    assert answered.height == 66
    assert answered.select(pl.min_horizontal(pl.col(sorted(named))).min()).item() > 0


def test_a_full_size_file_has_as_many_people_as_the_official_one():
    sizes = _sizes(list(WVS.countries.values()))
    assert (len(sizes), sum(sizes)) == (66, 97_220)
    assert 350 < min(sizes) < 700
    assert 2500 < max(sizes) < 4500


def test_countries_by_number_and_name():
    assert simulate(WVS, countries=2, respondents=5)["B_COUNTRY"].unique().sort().to_list() == [20, 32]
    with pytest.raises(ConfigError, match="has 66 countries, not 67"):
        simulate(WVS, countries=67)
    with pytest.raises(ConfigError, match="no country 'Germny'; did you mean 'Germany'"):
        simulate(WVS, countries=["Germny"])


@pytest.mark.parametrize("suffix", ["csv", "parquet", "sav", "dta"])
def test_files_of_every_format_hold_the_same_people(tmp_path, wvs, suffix):
    few = WVS.model_copy(update={"items": WVS.items[:40], "culture_map": None, "groups": {}, "variants": WVS.variants})
    names = [part.columns[0] for part in few.parts]
    frame = wvs.select(*dict.fromkeys(["D_INTERVIEW", "W_WEIGHT", "I_PSU", "version", "simulated", *names])).head(300)
    few = few.model_copy(update={"variants": ()})
    path = tmp_path / f"people.{suffix}"
    write_simulated(frame, path, survey=few)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    direct, read = microdata(frame, few), load_microdata(few, path=path)
    assert read.frame.equals(direct.frame)
    assert read.missing.equals(direct.missing)
    assert read.simulated


def test_a_name_that_says_no_format(tmp_path, wvs):
    with pytest.raises(DataError, match=r"people\.xlsx: unknown kind of file"):
        write_simulated(wvs, tmp_path / "people.xlsx", survey=WVS)
    with pytest.raises(DataError, match="cannot be written"):
        write_simulated(wvs.head(2), tmp_path / "nowhere/people.csv", survey=WVS)
