"""The comparison as users call it: forms of input, matching, determinism, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demoscope.errors import DataError
from demoscope.scores import Comparison, compare, tables
from demoscope.scores.comparison import FRAMES
from tests.scores.simulated import ATTRIBUTES, SURVEY, TRUTH, independent_answers, over_all, people, scored

SCHEMAS = {name: getattr(tables, name.upper()) for name in FRAMES}
ITEMS = [item.id for item in SURVEY.items]


@pytest.fixture(scope="module")
def data():
    return people(3, n=200)


@pytest.fixture(scope="module")
def answers(data):
    return independent_answers(data, seed=4)


def long_form(wide: pl.DataFrame) -> pl.DataFrame:
    wide = wide.with_columns(persona_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(5))
    table = wide.unpivot(
        ITEMS, index=[c for c in wide.columns if c not in ITEMS], variable_name="item", value_name="code"
    )
    return table.with_columns(draw=pl.lit(0), status=pl.lit("valid"))


def profile_answers(data, *, seed: int = 1, shift: float = 1.0) -> pl.DataFrame:
    """Option probabilities that depend on the shown attributes, one matched persona per respondent."""
    rng = np.random.default_rng(seed)
    personas = data.frame.select(
        "country", *ATTRIBUTES, source_respondent_id="respondent_id", persona_id="p-" + pl.col("respondent_id")
    ).with_columns(profile=pl.concat_str("country", *ATTRIBUTES, separator="|"))
    cells = []
    for profile in sorted(personas["profile"].unique()):
        country = profile.split("|")[0]
        push = rng.normal() * shift
        for item in SURVEY.items:
            p = np.array(TRUTH.marginals[country][item.id]) * np.exp(push * np.linspace(-1, 1, len(item.options)))
            cells.append(
                {"profile": profile, "item": item.id, "cell": f"{profile}|{item.id}", "probs": list(p / p.sum())}
            )
    return personas.join(pl.DataFrame(cells), on="profile").with_columns(
        model=pl.lit("profiles"),
        steering=pl.lit("persona"),
        draw=pl.lit(-1),
        status=pl.lit("valid"),
        label_mass=pl.lit(0.5),
    )


def test_tables_have_the_declared_columns(data, answers):
    comparison = scored(data, answers)
    for name, schema in SCHEMAS.items():
        frame = getattr(comparison, name)
        keys = [] if name == "references" else ["model", "steering"]
        assert frame.columns == [*keys, *schema]
        assert {column: str(dtype) for column, dtype in frame.schema.items() if column in schema} == schema
        assert not frame.select(pl.selectors.float().is_nan().any()).to_series(0).any() if frame.height else True


def test_long_and_wide_answers_score_the_same(data, answers):
    wide, long = scored(data, answers), scored(data, long_form(answers))
    for name in FRAMES:
        assert_frame_equal(getattr(wide, name), getattr(long, name), check_exact=True)


def test_pandas_and_pyarrow_score_the_same(data, answers):
    expected = scored(data, answers)
    for convert in (pl.DataFrame.to_pandas, pl.DataFrame.to_arrow):
        found = compare(
            convert(data.frame), convert(answers), survey=SURVEY, country="country", human_id="respondent_id",
            replicates=200, permutations=20, seed=1,
        )  # fmt: skip
        for name in FRAMES:
            assert_frame_equal(getattr(found, name), getattr(expected, name), check_exact=True)


def test_any_number_of_threads_gives_the_same_bits(data):
    table = profile_answers(data)
    one = scored(data, table, threads=1)
    for threads in (2, 4):
        many = scored(data, table, threads=threads)
        for name in FRAMES:
            assert_frame_equal(getattr(one, name), getattr(many, name), check_exact=True)
        assert one.verdicts == many.verdicts


def test_order_of_rows_does_not_matter_for_models(data):
    table = profile_answers(data)
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=9)
    one, other = scored(data, table), scored(data, shuffled)
    for name in FRAMES:
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_exact_tables_agree_with_many_drawn_answers(data):
    """The scores of option probabilities are those of the answers that they stand for, without the noise of drawing."""
    table = profile_answers(data)
    rng = np.random.default_rng(5)
    copies = 60
    drawn = table.select("country", *ATTRIBUTES, "model", "steering", "persona_id", "item", "probs")
    codes = {item.id: item.codes for item in SURVEY.items}
    parts = [
        drawn.with_columns(
            persona_id=pl.col("persona_id") + f"-{copy}",
            code=pl.Series(
                [int(rng.choice(codes[item], p=p)) for item, p in drawn.select("item", "probs").iter_rows()]
            ),
        ).drop("probs")
        for copy in range(copies)
    ]
    exact, sampled = scored(data, table, replicates=50), scored(data, pl.concat(parts), replicates=50)
    keys = ["country", "item_a", "item_b"]
    both = exact.pairs.select(*keys, "model_rho").join(
        sampled.pairs.select(*keys, "model_rho"), on=keys, suffix="_drawn"
    )
    both = both.drop_nulls()  # few personas make rare answers too few to count; many drawn ones do not
    assert both.height > 100
    # 12,000 drawn persons: a correlation has a standard error below 0.02.
    assert (both["model_rho"] - both["model_rho_drawn"]).abs().max() < 0.08
    assert exact.settings["source"] == "exact"
    assert sampled.settings["source"] == "drawn"


def test_matched_personas_are_resampled_with_their_respondents(data):
    table = profile_answers(data)
    assert scored(data, table).settings["design"] == "matched"
    assert scored(data, table.drop("source_respondent_id")).settings["design"] == "independent"


def test_profiles_that_move_together_are_told_from_chance(data):
    """Every item follows one push per profile, as the human matrix mostly does not: similarity is judged by
    permutation."""
    structure = over_all(scored(data, profile_answers(data), permutations=100).structure)
    assert structure["profiles"] == 18
    assert 0 < structure["permuted_p"] <= 1
    assert structure["permuted_similarity_q95"] > 0.1


def test_flat_model_has_no_structure_and_says_so(data):
    flat = profile_answers(data, shift=0.0)
    comparison = scored(data, flat)
    structure = over_all(comparison.structure)
    assert structure["structure_r2"] == pytest.approx(0, abs=1e-9)
    assert structure["similarity"] is None
    assert "no structure" in comparison.verdict.structure


def test_collapsed_items_count_as_zero_structure(data):
    table = profile_answers(data, shift=0.3).with_columns(
        probs=pl.when(pl.col("item") == "police")
        .then(pl.lit([0.0, 0.0, 1.0, 0.0, 0.0], dtype=pl.List(pl.Float64)))
        .otherwise("probs")
    )
    comparison = scored(data, table)
    structure = over_all(comparison.structure)
    assert structure["degenerate_items"] == ["police"]
    assert structure["pairs"] == 3 * 45
    assert structure["pairs_estimable"] == 3 * 36
    item = comparison.marginals.filter(pl.col("item") == "police")
    assert item["collapse"].all()


def test_written_comparison_is_read_back(data, answers, tmp_path):
    comparison = scored(data, answers)
    comparison.write(tmp_path)
    again = Comparison.read(tmp_path)
    for name in FRAMES:
        assert_frame_equal(getattr(comparison, name), getattr(again, name))
    assert again.verdicts == comparison.verdicts


def test_without_survey_and_country_everything_is_ordinal(data, answers):
    north = data.frame.filter(pl.col("country") == "North").select(ITEMS)
    comparison = compare(north, answers.filter(pl.col("country") == "North").select(ITEMS), replicates=50)
    assert comparison.by == ()
    assert comparison.structure["country"].to_list() == ["(all)"]
    assert comparison.pairs.height == 45


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.with_columns(police=pl.lit(9)), ["police", "row 1", "9"]),
        (lambda f: f.with_columns(police=pl.lit(1.5)), ["police", "1.5"]),
        (lambda f: f.with_columns(country=pl.lit("Nort")), ["Nort", "did you mean 'North'"]),
        (lambda f: f.clear(), ["no rows"]),
        (lambda f: f.select("country", "model", "steering", "police"), ["1 common item"]),
    ],
)
def test_bad_answers_are_named(data, answers, change, words):
    with pytest.raises(DataError) as caught:
        scored(data, change(answers))
    for word in words:
        assert word in str(caught.value)


def test_probabilities_that_do_not_sum_to_one_are_named(data):
    table = profile_answers(data)
    broken = table.with_columns(probs=pl.when(pl.col("item") == "voted").then(pl.lit([0.5, 0.6])).otherwise("probs"))
    with pytest.raises(DataError, match="voted"):
        scored(data, broken)


def test_a_country_with_too_few_people_is_named(data, answers):
    few = data.frame.with_columns(country=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("few")).otherwise("country"))
    asked = answers.with_columns(country=few["country"])
    with pytest.raises(DataError, match="country 'few' has 3 people; scores need at least 4"):
        compare(few, asked, survey=SURVEY, country="country", by=(), replicates=20, permutations=20)
