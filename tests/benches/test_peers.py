"""The comparison with other programs; no peer needs to be installed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from benches.peers import programs
from benches.peers.__main__ import main
from benches.peers.answers import made_answers, read_answers, replicate_rows, rows_from_multiplicities
from benches.peers.measure import Measurement, items_within, largest_difference, measure_peer, pairs, pairs_among
from benches.peers.programs import PEERS, AbsentError, PeerError, Program, Worker
from benches.peers.reference import reference_matrix
from benches.peers.report import compared, markdown_table, notes, text_table, times
from demoscope import bootstrap_polychoric, polychoric
from demoscope.stats import kernels

if TYPE_CHECKING:
    from pathlib import Path

EXACT_PEERS = {"lavaan", "psych"}
AGREEMENT = 1e-4
"""psych searches with R's optimize, which stops at about this."""


def measured(**known: Any) -> Measurement:
    return Measurement(PEERS[0], status="measured", **{"items": 10, "all_items": 10} | known)


def command(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def talk(script: str, folder: Path, *, limit_secs: float = 60.0) -> Worker:
    return Worker([sys.executable, "-c", script], folder, limit_secs=limit_secs)


# Answers.


def test_made_answers_are_moderately_correlated_and_use_every_category() -> None:
    answers = made_answers(items=50, categories=5, respondents=1500, seed=1)
    assert answers.equals(made_answers(items=50, categories=5, respondents=1500, seed=1))
    assert all(set(answers[item]) == {1, 2, 3, 4, 5} for item in answers.columns)
    rho = polychoric(answers)["rho"].abs()
    assert rho.quantile(0.99) < 0.7
    assert rho.max() > 0.4


@pytest.mark.parametrize("categories", [2, 10])
def test_made_answers_of_other_sizes(categories: int) -> None:
    answers = made_answers(items=2, categories=categories, respondents=2000, seed=3)
    assert answers["item1"].n_unique() == categories


def test_csv_has_blanks_for_missing_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("a,b\n1,2\n,3\n4,\n")
    assert read_answers(path).rows() == [(1, 2), (None, 3), (4, None)]


@pytest.mark.parametrize(("text", "message"), [("a,b\n1,x\n", "integer codes in b"), ("a\n1\n", "two items")])
def test_csv_of_something_else(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_answers(path)
    found = command("--data", str(path))
    assert found.exit_code == 2
    assert message in found.output


def test_rows_are_repeated_as_often_as_they_were_drawn() -> None:
    assert rows_from_multiplicities([2, 0, 1, 3]).tolist() == [0, 0, 2, 3, 3, 3]


def test_rows_are_those_of_the_bootstrap() -> None:
    answers = made_answers(items=3, categories=3, respondents=400, seed=2)
    found = bootstrap_polychoric(answers, replicates=2, seed=5).replicates
    for replicate, rows in zip(found, replicate_rows(400, replicates=2, seed=5), strict=True):
        assert polychoric(answers[rows])["rho"].to_numpy() == pytest.approx(replicate, abs=1e-7)


# Arithmetic.


def test_pairs() -> None:
    assert [pairs(items) for items in (2, 5, 50)] == [1, 10, 1225]
    assert np.array_equal(pairs_among(2, items=4), [True, False, False, False, False, False])
    assert pairs_among(3, items=4).tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize(
    ("budget_secs", "items"), [(1000.0, 50), (2 * 1225, 50), (2 * 1225 - 1, 49), (20, 5), (1e-9, 2)]
)
def test_budget_pays_for_the_sample_and_one_replicate(budget_secs: float, items: int) -> None:
    per_pair = 0.1 if budget_secs == 1000.0 else 1.0
    assert items_within(budget_secs, secs_per_pair=per_pair, items=50) == items


def test_times_are_extrapolated_linearly_from_replicates_and_pairs() -> None:
    found = measured(matrix_runs=[1.0, 4.0, 2.0], replicate_runs=[1.0, 2.0])
    assert found.matrix_secs() == 2.0
    assert found.bootstrap_secs(1000) == 1500.0
    assert "bootstrap extrapolated from 2 replicates" in notes(found, replicates=1000)

    part = measured(items=5, matrix_runs=[1.0], replicate_runs=[3.0])
    assert part.matrix_secs() == 4.5
    assert part.bootstrap_secs(100) == pytest.approx(3.0 * 4.5 * 100)
    assert notes(part, replicates=100)[:2] == [
        "times extrapolated from 10 of 45 pairs",
        "bootstrap extrapolated from 1 replicate",
    ]


def test_what_was_run_is_not_extrapolated() -> None:
    whole = measured(bootstrap_run=7.0, cpu_secs=7.0)
    assert whole.bootstrap_secs(1000) == 7.0
    assert notes(whole, replicates=1000) == ["all 1000 replicates run"]
    assert "all 2 replicates run" in notes(measured(replicate_runs=[1.0, 1.0]), replicates=2)


def test_a_peer_on_two_cores_is_told_of() -> None:
    assert "used 1.9 cores" in notes(measured(matrix_runs=[1.0], cpu_secs=1.9), replicates=1)


def test_ratios_and_differences_are_to_demoscope() -> None:
    ours = measured(items=3, all_items=3, matrix_runs=[0.5], bootstrap_run=2.0, rho=np.array([0.1, 0.2, 0.3]))
    ours.rhos = {0: np.array([0.0, 0.0, 0.0]), 1: np.array([0.5, 0.5, 0.5])}
    peer = measured(items=2, all_items=3, matrix_runs=[1.0], replicate_runs=[1.0], rho=np.array([0.4]))
    peer.rhos = {1: np.array([0.25])}
    row = compared(peer, ours, replicates=4)
    assert (row.matrix_ratio, row.bootstrap_ratio) == (6.0, 6.0)
    assert row.sample_difference == pytest.approx(0.3)
    assert row.replicate_difference == 0.25


def test_undefined_correlations_do_not_hide_differences() -> None:
    assert largest_difference([0.1, np.nan, 0.3], [0.1, 0.2, 0.1]) == pytest.approx(0.2)
    assert np.isnan(largest_difference([np.nan], [0.1]))


# Processes.


def test_absent_peers_are_named_with_what_installs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program("no-such-peer", "Python", "no_such_peer()", "pair", "pip install no-such-peer")
    found = measure_peer(program, tmp_path, items=3, replicates=1, budget_secs=1.0, pythons={})
    assert found.status == "absent"
    assert notes(found, replicates=1) == ["not installed: pip install no-such-peer"]

    monkeypatch.setattr(programs.shutil, "which", lambda _: None)
    for peer in PEERS:
        if peer.language == "R":
            found = measure_peer(peer, tmp_path, items=3, replicates=1, budget_secs=1.0, pythons={})
            assert notes(found, replicates=1) == [f"not installed: {peer.install}"]


def test_a_worker_that_says_absent(tmp_path: Path) -> None:
    with pytest.raises(AbsentError):
        talk("""print('@{"absent": true}')""", tmp_path)


def test_a_peer_may_chatter(tmp_path: Path) -> None:
    script = (
        """print('Welcome'); print('@{"version": "1"}', flush=True); print(f'got {input()}'); print('@{"rho": []}')"""
    )
    with talk(script, tmp_path) as worker:
        assert worker.hello == {"version": "1"}
        assert worker.ask("sample", 3) == {"rho": []}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import time; time.sleep(60)", "stopped after 1 s"),
    ],
)
def test_a_peer_that_dies_or_hangs_says_so(tmp_path: Path, script: str, message: str) -> None:
    start = """print('@{"version": "1"}', flush=True); input();"""
    with talk(start + script, tmp_path, limit_secs=1.0) as worker, pytest.raises(PeerError, match=message):
        worker.ask("sample", 3)


def test_an_error_is_reported_and_the_peer_lives_on(tmp_path: Path) -> None:
    script = """print('@{}\\n@{"error": "singular"}\\n@{"rho": [1]}')"""
    with talk(script + "; input(); input()", tmp_path) as worker:
        with pytest.raises(PeerError, match="singular"):
            worker.ask("sample", 3)
        assert worker.ask("sample", 3) == {"rho": [1]}


# Tables and the command.


def test_tables() -> None:
    rows = [["program", "ratio", "max |d|"], ["demoscope", "1.00x", "-"]]
    assert text_table(rows).splitlines()[-1] == "demoscope  1.00x  -"
    assert markdown_table(rows).splitlines() == [
        r"| program | ratio | max \|d\| |",
        "| --- | ---: | --- |",
        "| demoscope | 1.00x | - |",
    ]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.0, "1.00x"), (12.345, "12.3x"), (123456.0, "123,000x"), (0.0123456, "0.0123x"), (9.999, "10.0x")],
)
def test_three_digits(ratio: float, text: str) -> None:
    assert times(ratio) == text


def test_reference_matrix_is_read_in_the_order_of_pairs() -> None:
    items, rho = reference_matrix("item")
    assert items[:3] == ["A1", "A2", "A3"]
    assert rho[0] == -0.4084507265
    assert len(rho) == pairs(25)


def test_unknown_peers_are_refused() -> None:
    found = command("--peers", "psych,mplus")
    assert found.exit_code == 2
    assert "unknown program 'mplus'; known: EGAnet, lavaan" in found.output
    assert "unknown Python program 'psych'" in command("--python", "psych=/usr/bin/python3").output


def test_a_debug_build_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "DEBUG_BUILD", True)
    found = command()
    assert found.exit_code == 2
    assert "make release" in found.output


@pytest.mark.skipif(kernels.DEBUG_BUILD, reason="a debug build is not timed")
def test_the_whole_command(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    sizes = ["-p", "4", "-n", "200", "-B", "20", "--budget-secs", "1"]
    result = command(*sizes, "--bfi", str(tmp_path / "bfi.csv"), "--json", str(path), "--markdown")
    assert result.exit_code == 0, result.output
    assert "made answers, p=4, k=5, n=200, seed=1" in result.stdout
    assert "| demoscope | " in result.stdout
    assert "bfi.csv is not there" in result.stdout
    found = json.loads(path.read_text(encoding="utf-8"))
    ours, *peers = found["programs"]
    assert ours["status"] == "measured"
    assert ours["pairs_run"] == 6
    assert ours["matrix_secs"] > 0
    assert ours["bootstrap_secs"] > 0
    assert (ours["matrix_ratio"], ours["bootstrap_ratio"]) == (1.0, 1.0)
    assert [peer["program"] for peer in peers] == [program.name for program in PEERS]
    for peer in peers:
        assert f"| {peer['program']} | " in result.stdout
        if peer["status"] == "absent":
            assert peer["notes"][0].startswith("not installed: ")
        if peer["status"] == "measured" and peer["program"] in EXACT_PEERS:
            assert peer["sample_difference"] < AGREEMENT
            assert peer["replicate_difference"] < AGREEMENT


@pytest.mark.skipif(kernels.DEBUG_BUILD, reason="a debug build is not timed")
def test_agreement_on_bfi() -> None:
    from benches.peers.reference import BFI, agreement_rows

    if not BFI.is_file():
        pytest.skip("bfi.csv is not here")
    _, *rows = agreement_rows(BFI, [], budget_secs=1.0, pythons={})
    assert [row[:2] for row in rows] == [["demoscope", "item"], ["demoscope", "pair"]]
    assert all(float(row[2]) < 1e-7 for row in rows)


@pytest.mark.skipif(kernels.DEBUG_BUILD, reason="a debug build is not timed")
def test_answers_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    answers = made_answers(items=3, categories=3, respondents=100, seed=1)
    answers.with_columns(item1=pl.when(pl.int_range(100) > 5).then("item1")).write_csv(path)
    result = command("--data", str(path), "-B", "5", "--peers", "", "--bfi", str(tmp_path / "bfi.csv"))
    assert result.exit_code == 0, result.output
    assert "mine.csv, p=3, n=100, seed=1" in result.stdout
