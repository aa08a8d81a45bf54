"""Replicates that are reduced band by band come to the same numbers as those that are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demoscope.errors import ConfigError, DataError
from demoscope.stats import bootstrap_polychoric, summary
from demoscope.stats import designs as designs_module
from demoscope.stats.designs import DESIGNS
from demoscope.stats.kernels import pair_indices, sampled_correlations

BLOCKS = {"left": ["c", "a", "b"], "right": ["d", "b", "c"], "one": ["a", "constant"]}
LEVELS = (0.025, 0.1, 0.5, 0.975)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Five items, one of them with missing answers, one rare and one constant."""
    random = np.random.default_rng(3)
    latent = random.normal(size=(120, 1)) * 0.7 + random.normal(size=(120, 4)) * 0.7
    codes = np.digitize(latent, [-0.7, 0.2, 0.9]) + 1
    columns: dict[str, Any] = {name: codes[:, i].tolist() for i, name in enumerate("abcd")}
    columns["b"][::9] = [None] * len(columns["b"][::9])
    columns["d"] = [1] * 118 + [2] * 2
    return pl.DataFrame(
        {
            **columns,
            "constant": [2] * 120,
            "w": random.uniform(0.5, 1.5, 120),
            "h": np.arange(120) // 40,
            "u": np.arange(120) // 4,
        }
    )


def run(frame: pl.DataFrame, design: Any = "respondent", **settings: Any) -> Any:
    if design in ("psu", "jackknife"):
        settings |= {"strata": "h", "psu": "u"}
    if design != "jackknife":
        settings.setdefault("replicates", 70)
    items = ["a", "b", "c", "d", "constant"]
    return bootstrap_polychoric(
        frame, items=items, weights="w", design=design, seed=4, levels=LEVELS, covariances=BLOCKS, **settings
    )


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("design", DESIGNS)
def test_a_summary_is_that_of_kept_replicates(
    frame: pl.DataFrame, design: Any, narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if narrow:
        # 13 replicates at a time, and 3 of the 10 pairs.
        monkeypatch.setattr(designs_module, "BATCH_VALUES", 13 * frame.height)
    kept = run(frame, design)
    if narrow:
        count = len(kept.replicates)
        monkeypatch.setattr(summary, "BAND_BYTES", 3 * (8 * count + 10 * 13))
        assert summary.band_width(count, 13) == 3
    reduced = run(frame, design, keep="summary")
    assert (kept.summary, reduced.replicates) == (None, None)
    assert reduced.estimate.equals(kept.estimate, null_equal=True)
    assert reduced.statuses.equals(kept.statuses)
    assert (reduced.digest, reduced.merged_strata) == (kept.digest, kept.merged_strata)
    assert reduced.standard_errors().equals(kept.standard_errors())
    for level in (0.95, 0.8) if design == "jackknife" else (0.95,):
        # (1 - 0.95) / 2 is not quite 0.025.
        assert_frame_equal(reduced.interval(level), kept.interval(level), rel_tol=0, abs_tol=1e-12)
    found = reduced.summary
    quantile_columns = ["q0.025", "q0.1", "q0.5", "q0.975"]
    assert found.columns == ["item_a", "item_b", "rho", "mean", "sd", *quantile_columns, "replicates"]
    for pair, row in enumerate(found.iter_rows(named=True)):
        values = kept.replicates[:, pair]
        values = values[np.isfinite(values)]
        assert row["replicates"] == len(values)
        if len(values) >= 2:
            expected = [values.mean(), values.std(ddof=1), *np.quantile(values, LEVELS)]
            assert [row[name] for name in ("mean", "sd", *quantile_columns)] == pytest.approx(
                expected, rel=0, abs=1e-12
            )
        else:
            assert np.isnan([row[name] for name in ("sd", *quantile_columns)]).all()
    check_covariances(kept, reduced, design)


def check_covariances(kept: Any, reduced: Any, design: str) -> None:
    names = list(zip(kept.estimate["item_a"], kept.estimate["item_b"], strict=True))
    rho = kept.estimate["rho"].to_numpy()
    assert list(reduced.covariances) == list(BLOCKS)
    for name, items in BLOCKS.items():
        pairs = [i for i, pair in enumerate(names) if set(pair) <= set(items)]
        values = kept.replicates[:, pairs]
        defined = np.isfinite(values).all(axis=1)
        if design == "jackknife":
            away = values - rho[pairs]
            expected = np.einsum("b,bi,bj->ij", kept.scales, away, away)
        elif defined.sum() >= 2:
            expected = np.cov(values[defined], rowvar=False)
        else:
            expected = np.full((len(pairs), len(pairs)), np.nan)
        assert reduced.covariances[name].shape == (len(pairs), len(pairs))
        if design == "jackknife" and not defined.all():
            assert np.isnan(reduced.covariances[name]).all()
        else:
            assert reduced.covariances[name] == pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)
        assert np.array_equal(reduced.covariances[name], kept.covariances[name], equal_nan=True)


def test_wanted_pairs_are_the_replicates_of_all_pairs(frame: pl.DataFrame) -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 4, (200, 11)).astype(np.uint8)
    draws = random.multinomial(200, np.full(200, 1 / 200), 40).astype(np.uint16)
    pairs = len(pair_indices(11)[0])
    for path in ("best", "scalar"):
        everything = sampled_correlations(codes, [4] * 11, None, draws, path=path)  # type: ignore[arg-type]
        wanted = random.random(pairs) < 0.3
        some = sampled_correlations(codes, [4] * 11, None, draws, pairs=wanted, only_wanted=True, path=path)  # type: ignore[arg-type]
        for found, expected in zip(some, everything, strict=True):
            assert np.array_equal(found, expected[:, wanted])
    one = sampled_correlations(codes, [4] * 11, pairs=wanted, only_wanted=True)
    assert np.array_equal(one.rho, sampled_correlations(codes, [4] * 11).rho[:, wanted])


def test_quantiles_are_those_of_numpy() -> None:
    random = np.random.default_rng(5)
    rho = random.uniform(-1, 1, (301, 40))
    rho[random.random(rho.shape) < 0.2] = np.nan
    rho[:, 0], rho[1:, 1], rho[:, 2], rho[:, 3] = np.nan, np.nan, np.nan, 0.25
    rho[:2, 2] = [0.5, -0.25]
    levels = [0.0, 0.025, 1 / 3, 0.5, 0.77, 0.975, 1.0]
    expected = np.full((40, len(levels)), np.nan)
    expected[2:] = np.nanquantile(rho[:, 2:], levels, axis=0).T
    assert summary.quantiles(rho, levels) == pytest.approx(expected, rel=0, abs=1e-15, nan_ok=True)
    for threads in (1, 4):
        assert np.array_equal(
            summary.quantiles(rho, levels, threads=threads), summary.quantiles(rho, levels), equal_nan=True
        )
    with pytest.raises(DataError, match="levels, position 1"):
        summary.quantiles(rho, [0.5, 1.5])


def test_moments_and_covariance_of_nothing() -> None:
    found = summary.moments(np.array([[0.5, np.nan], [np.nan, np.nan]]))
    assert (found.mean[0], found.defined.tolist()) == (0.5, [1, 0])
    assert np.isnan([found.mean[1], *found.sd]).all()
    assert summary.covariance(np.empty((5, 3)), np.empty(0, dtype=np.intp)).shape == (0, 0)
    with pytest.raises(DataError, match="pairs, position 0: 3 is not below 3"):
        summary.covariance(np.empty((5, 3)), np.array([3]))


def test_flags_are_counted() -> None:
    empty = pl.DataFrame({"a": [0] * 30 + [1] * 30, "b": [0] * 15 + [1] * 45})
    counts = bootstrap_polychoric(empty, replicates=50, seed=1).statuses.row(0, named=True)
    assert counts == {
        "item_a": "a", "item_b": "b", "ok": 50, "boundary": 0, "degenerate": 0, "not_converged": 0,
        "zero_corrected": 50, "clipped": 0, "few": 0,
    }  # fmt: skip
    forty = pl.DataFrame({"a": [0, 1] * 20, "b": [0, 0, 1, 1] * 10})
    assert bootstrap_polychoric(forty, replicates=30).statuses["few"].to_list() == [30]
    # Replicates of 52 respondents with Poisson counts have 52 give or take 7.
    poisson = bootstrap_polychoric(
        pl.DataFrame({"a": [0, 1] * 26, "b": [0, 0, 1, 1] * 13}), design="poisson", replicates=400
    )
    assert 50 < poisson.statuses["few"][0] < 350


def test_bands_hold_every_pair_and_every_block() -> None:
    for items, width in [(20, 7), (20, 190), (20, 1000), (3, 1), (1, 5), (2, 1)]:
        names = [str(i) for i in range(items)]
        blocks = {"x": names[:3], "y": names[1:4], "z": names[-2:]} if items == 20 else {}
        pairs = summary.block_pairs(names, blocks)
        bands = summary.plan_bands(items, pairs, width)
        assert all(len(band.pairs) <= width for band in bands)
        assert sorted({pair for band in bands for pair in band.pairs.tolist()}) == list(range(items * (items - 1) // 2))
        assert [name for band in bands for name in band.blocks] == list(blocks)
        for band in bands:
            assert (np.diff(band.pairs) > 0).all()
            assert all(set(pairs[name]) <= set(band.pairs) for name in band.blocks)
    assert summary.band_width(2000, 10_000) == 2**26 // 20_000
    assert summary.band_width(10**9, 1) == 1


def test_settings_that_do_not_fit(frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings, message in [
        ({"keep": "nothing"}, "unknown keep 'nothing'; known: replicates, summary"),
        ({"levels": [0.5, 1.5]}, "levels= lie between 0 and 1, got 1.5"),
        ({"levels": [float("nan")]}, "levels= lie between 0 and 1, got nan"),
        ({"levels": [0.5, 0.5]}, "levels= names a level twice"),
        ({"covariances": {"x": ["a", "aa"]}}, "covariances, block 'x': 'aa' is not an item; did you mean 'a'"),
        ({"covariances": {"x": ["a", "a"]}}, "covariances, block 'x' names an item twice"),
        ({"covariances": {"x": ["a"]}}, "covariances, block 'x': at least 2 items are needed"),
        ({"covariances": {"x": "ab"}}, "covariances, block 'x': a list of items is needed, not the text 'ab'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            bootstrap_polychoric(frame, items=["a", "b"], replicates=3, **settings)  # type: ignore[arg-type]
    result = bootstrap_polychoric(frame, items=["a", "b"], replicates=30, keep="summary")
    assert result.interval()["low"][0] < result.interval()["high"][0]
    with pytest.raises(ConfigError, match=r"ends at the quantile 0.05, .* of the summary \(0.025, 0.975\); name it in"):
        result.interval(0.9)
    monkeypatch.setattr(summary, "BAND_BYTES", 2 * 10 * 70)
    with pytest.raises(ConfigError, match="covariances, block 'left': its 3 pairs are more than the 2 whose"):
        run(frame, keep="summary")


MEMORY = """
import sys
import numpy as np
import polars as pl
from demoscope.stats import bootstrap_polychoric

def peak():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return 1024 * int(line.split()[1])

latent = np.random.default_rng(1).normal(size=(300, 120))
frame = pl.DataFrame(np.digitize(latent + latent[:, :1], [-0.8, 0.8]), schema=[f"i{i}" for i in range(120)])
bootstrap_polychoric(frame, replicates=1, keep=sys.argv[1], threads=2)
before = peak()
bootstrap_polychoric(frame, replicates=2000, keep=sys.argv[1], threads=2)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_memory_stays_below_what_is_stated() -> None:
    """A new process has the peak of its parent in ``ru_maxrss``, so the peak of its own memory is read."""

    def peak(keep: str) -> int:
        done = subprocess.run([sys.executable, "-c", MEMORY, keep], capture_output=True, text=True, check=True)
        return int(done.stdout)

    respondents, items, replicates, levels = 300, 120, 2000, 2
    pairs = items * (items - 1) // 2
    factors = 2 * replicates * respondents
    kernels = 1024 * (8 * respondents + 16 * 3 * items)
    buffers = 2 * 2**23
    outputs = 8 * pairs * (16 + levels)
    bound = factors + kernels + buffers + summary.BAND_BYTES + outputs
    # What threads hold at the same time is a matter of chance: the better of two runs.
    assert min(peak("summary"), peak("summary")) < bound
    assert peak("replicates") > 1.3 * bound
