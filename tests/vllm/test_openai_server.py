"""A real vLLM server behind the engine ``openai``, on the CPU; ``tests/vllm/setup.sh`` makes environment and model."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from tests.small_model import FLOAT32_NATS, MODEL, VLLM, Reference, by_key, cells, logprobs_of, reference_of

from demoscope.engines import Answer, Message, Request, Sampling
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECS = 540


ARGUMENTS = [
    *("--model", str(MODEL), "--served-model-name", "smollm2", "--host", "127.0.0.1"),
    *("--dtype", "float32", "--block-size", "32", "--max-model-len", "1024", "--enforce-eager"),
    *("--max-num-seqs", "16"),
    # A seeded prompt that is read in pieces ends the engine on a CPU, hence all prompts of a batch at once.
    *("--max-num-batched-tokens", "16384"),
]
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that lives as long as these tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *ARGUMENTS, "--port", str(port)]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **ENVIRONMENT}) as process,
    ):
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_healthy(health: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(health, timeout=5) as response:
                if response.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def make(url: str, **options: Any) -> OpenaiEngine:
    return OpenaiEngine(model="m", options={"base_url": url, "model": "smollm2", **options})


def requests() -> list[Request]:
    """Six cells: two personas and nobody, each asked two items."""
    return cells(items=(0, -1), orders=("given",))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(requests())


def check_against(reference: Reference, answers: dict[str, Answer]) -> float:
    """The largest error of a log-probability in nats."""
    assert answers.keys() == reference.keys()
    errors = []
    for key, (expected, length) in reference.items():
        answer = answers[key]
        assert (answer.unseen_mass, answer.prompt_tokens) == (0.0, length)
        errors += [abs(ours - theirs) for ours, theirs in zip(logprobs_of(answer), expected, strict=True)]
    return max(errors)


def test_probabilities_by_token_ids_agree_with_transformers(
    url: str, reference: Reference, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make(url)
    largest = check_against(reference, by_key(engine.ask(requests())))
    with capsys.disabled():
        print(f"\n{VLLM} server, float32, against transformers float32: max error {largest:.1e} nat")  # noqa: T201 - a figure for the log
    assert largest < FLOAT32_NATS
    assert engine.facts()["logprobs"] == "exact by token ids"
    assert engine.facts()["server"].startswith("vLLM at 127.0.0.1:")
    assert engine.facts()["server_version"][0].isdigit()


def test_prompts_are_shown_and_counted_alike_by_the_server_and_by_a_tokenizer(url: str, reference: Reference) -> None:
    server, here = make(url), make("http://127.0.0.1:9/v1", tokenizer=str(MODEL))
    tokens = server.prompt_tokens(requests())
    assert tokens is not None
    assert [len(prompt) for prompt in tokens] == [reference[request.key][1] for request in requests()]
    assert here.prompt_tokens(requests()) == tokens
    assert (server.calls, here.calls) == (0, 0)
    for request in requests():
        assert server.rendered(request) == here.rendered(request)
    assert str(here.rendered(requests()[-1])).endswith("<|im_start|>assistant\n")


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_tokenizer_in_this_process_gives_the_same(url: str, reference: Reference, api: str) -> None:
    engine = make(url, tokenizer=str(MODEL), api=api)
    assert check_against(reference, by_key(engine.ask(requests()))) < FLOAT32_NATS
    assert engine.facts()["logprobs"] == "exact by token ids"


def test_the_likeliest_tokens_give_the_same_where_all_labels_are_among_them(url: str) -> None:
    exact = by_key(make(url).ask(requests()))
    engine = make(url, logprobs="top")
    for key, answer in by_key(engine.ask(requests())).items():
        assert answer.unseen_mass == 0.0
        assert answer.probs == pytest.approx(exact[key].probs, abs=2e-3)
    assert engine.facts()["logprobs"] == "top 20, rest unseen"


def test_what_few_tokens_do_not_show_is_bounded(url: str) -> None:
    exact = by_key(make(url).ask(requests()))
    partly = 0
    for key, answer in by_key(make(url, logprobs="top", top_logprobs=2).ask(requests())).items():
        mass = exact[key].label_mass
        assert mass is not None
        assert answer.label_mass is not None
        if answer.unseen_mass > 0.0 and answer.label_mass > 0.0:
            partly += 1
            assert answer.label_mass < mass + 1e-3
            assert mass <= answer.label_mass + answer.unseen_mass + 1e-3
    assert partly >= 3


def test_more_tokens_than_the_server_gives_are_not_asked_for_twice(url: str) -> None:
    engine = make(url, logprobs="top", top_logprobs=50)
    assert {answer.status for answer in engine.ask(requests())} == {"valid"}
    assert engine.facts()["logprobs"] == "top 20, rest unseen"


@pytest.mark.parametrize("way", ["vllm", "json_schema"])
def test_choices_are_labels(url: str, way: str) -> None:
    labels = ("Strongly agree", "Agree", "Disagree")
    asked = [replace(request, labels=labels, mode="choice", seed=n) for n, request in enumerate(requests())]
    answers = by_key(make(url, choice=way).ask(asked))
    assert {answer.status for answer in answers.values()} == {"valid"}
    assert {answer.text for answer in answers.values()} <= set(labels)


def test_equal_seeds_give_equal_texts_and_other_seeds_other_texts(url: str) -> None:
    (given, *_) = requests()
    asked = [
        replace(given, key=f"{seed}", mode="text", seed=seed, sampling=Sampling(max_tokens=12))
        for seed in (1, 2, 3, 4, 5, 6)
    ]
    engine = make(url)
    once, again = by_key(engine.ask(asked)), by_key(engine.ask(asked[::-1]))
    assert once == again
    assert len({answer.text for answer in once.values()}) > 3
    assert all(0 < answer.output_tokens <= 12 for answer in once.values())
    assert all(answer.truncated == (answer.output_tokens == 12) for answer in once.values())


def test_temperature_0_draws_the_same_whatever_the_seed(url: str) -> None:
    (given, *_) = requests()
    greedy = Sampling(temperature=0.0, max_tokens=8)
    asked = [replace(given, key=f"{seed}", mode="text", seed=seed, sampling=greedy) for seed in (1, 2**62)]
    assert len({answer.text for answer in make(url).ask(asked)}) == 1


def test_what_the_server_refuses_is_said(url: str) -> None:
    (given, *_) = requests()
    long = replace(given, key="long", messages=(Message("user", "word " * 1100),))
    found = by_key(make(url).ask([long, given]))
    assert (found["long"].status, found["long"].reason) == ("error", "prompt_too_long")
    assert found[given.key].status == "valid"
    with pytest.raises(EngineError, match="label '10' is not one token"):
        list(make(url).ask([replace(given, labels=("1", "10"))]))
    with pytest.raises(ConfigError, match="has no 'smollm'; did you mean 'smollm2'"):
        list(make(url, model="smollm").ask([given]))
