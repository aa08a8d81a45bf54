"""What the engine ``openai`` takes and refuses before it calls anybody; keys come from the environment only."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from demoscope.engines import Message, Request
from demoscope.engines.server import openai as openai_engine
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.engines.server.options import OpenaiOptions, headers_of
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-canary-7f3a91c2d5"
HOSTED = {"base_url": "https://models.example.org/v1", "model": "big"}
LOCAL = {"base_url": "http://127.0.0.1:8000/v1", "model": "big"}
REQUEST = Request("k", (Message("user", "A or B?"),), ("A", "B"))


def make(**options: Any) -> OpenaiEngine:
    return OpenaiEngine(model="m", options={**HOSTED, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_urls": "x"}, r"unknown key 'base_urls'; did you mean 'base_url'"),
        ({"base_url": "models.example.org/v1"}, r"key 'base_url': expected an address such as"),
        ({"base_url": "ftp://models.example.org"}, r"key 'base_url': expected an address such as"),
        ({"base_url": "https://models.example.org/v1?version=2"}, r"key 'base_url': an address without '\?' and '#'"),
        ({"base_url": "https://models.example.org:port/v1"}, r"key 'base_url'"),
        ({"model": ""}, r"key 'model'"),
        ({"api": "responses"}, r"key 'api'"),
        ({"logprobs": "all"}, r"key 'logprobs'"),
        ({"top_logprobs": 0}, r"key 'top_logprobs'"),
        ({"concurrency": 0}, r"key 'concurrency'"),
        ({"timeout_secs": 0}, r"key 'timeout_secs'"),
        ({"retries": -1}, r"key 'retries'"),
        ({"tokenizer": "/no/such/directory"}, r"tokenizer: there is no directory /no/such/directory"),
        ({"headers_env": {"X Key": "KEY"}}, r"key 'headers_env': 'X Key' cannot be the name of a header"),
        ({"extra_body": {"seed": 1}}, r"key 'extra_body': 'seed' is set by demoscope"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"model 'm': options: {message}"):
        make(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": KEY},
        {"api-key": KEY},
        {"token": KEY},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"extra_body": {"api_key": KEY}},
        {"api_key_env": KEY},
        {"api_key_env": "Abc123secret"},
        {"api_key_env": ["A"]},
        {"headers_env": {"X-Key": KEY}},
        {"base_url": f"https://user:{KEY}@models.example.org/v1"},
    ],
)
def test_a_key_in_the_settings_is_refused_and_not_quoted(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"environment|user name") as caught:
        make(**options)
    for text in (KEY, "Abc123secret"):
        assert text not in "".join(traceback.format_exception(caught.value))


def test_without_httpx_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_engine, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"pip install 'demoscope\[openai\]'"):
        make()


def test_a_hosted_server_needs_a_key_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    engine = make()
    assert engine.revision
    with pytest.raises(ConfigError, match="the environment variable OPENAI_API_KEY is not set"):
        list(engine.ask([REQUEST]))


def headers(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], **environment: str) -> Any:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return headers_of(OpenaiOptions.model_validate(options), where="here")


def test_where_keys_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert headers(monkeypatch, LOCAL) == ({}, ())
    assert headers(monkeypatch, HOSTED | {"api_key_env": ""}) == ({}, ())
    assert headers(monkeypatch, HOSTED, OPENAI_API_KEY=f" {KEY}\n") == ({"Authorization": f"Bearer {KEY}"}, (KEY,))
    with_header = HOSTED | {"headers_env": {"api-key": "OTHER_KEY"}}
    assert headers(monkeypatch, with_header, OTHER_KEY=KEY) == ({"api-key": KEY}, (KEY,))
    monkeypatch.delenv("OTHER_KEY")
    with pytest.raises(ConfigError, match=r"headers_env\.api-key: the environment variable OTHER_KEY is not set"):
        headers(monkeypatch, with_header)


@pytest.mark.parametrize("bad", ["two\nlines", "caf\u00e9", "a\x00b"])
def test_a_key_that_cannot_be_a_header_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setattr("os.environ", {"OPENAI_API_KEY": bad})
    with pytest.raises(ConfigError, match="holds characters that no key has") as caught:
        headers_of(OpenaiOptions.model_validate(HOSTED), where="here")
    assert bad not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:80/v1", True),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
    ],
)
def test_what_is_this_machine(url: str, local: bool) -> None:
    assert OpenaiOptions(base_url=url, model="m").is_loopback is local


def test_the_revision_changes_with_what_can_change_an_answer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    plain = make().revision
    others = [
        make(base_url="https://models.example.org/other/v1"),
        make(base_url="https://models.example.org:81/v1"),
        make(model="small"),
        make(api="completions"),
        make(logprobs="top"),
        make(top_logprobs=5),
        make(choice="json_schema"),
        make(extra_body={"chat_template_kwargs": {"enable_thinking": False}}),
        make(tokenizer=str(tmp_path)),
    ]
    assert len({plain, *(engine.revision for engine in others)}) == 10
    (tmp_path / "tokenizer.json").write_text('{"a": 1}', encoding="utf-8")
    assert make(tokenizer=str(tmp_path)).revision != others[-1].revision


def test_the_revision_does_not_change_with_how_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = make().revision
    same = {"concurrency": 3, "timeout_secs": 9, "retries": 1, "backoff_secs": 2, "batch_size": 8}
    monkeypatch.setenv("OTHER", KEY)
    assert make(**same, api_key_env="OTHER", headers_env={"X": "OTHER"}, max_answer_bytes=2048).revision == plain
    assert make(base_url="https://models.example.org/v1/").revision == plain
    assert OpenaiEngine(model="another name", options=HOSTED).revision == plain


def test_facts_say_what_is_and_what_is_not_promised() -> None:
    facts = make(batch_size=7).facts()
    assert facts["engine"] == "openai"
    assert facts["server"] == "OpenAI-compatible at models.example.org/v1"
    assert facts["logprobs"] == "not known before the server is asked"
    assert "up to the server" in facts["seeds"]
    assert "no server names their content" in facts["weights"]
    assert make(batch_size=7).capabilities.block == 7


def test_adapters_are_refused() -> None:
    with pytest.raises(EngineError, match="takes no adapters; name the adapter as the model"):
        list(make().ask([Request("k", REQUEST.messages, REQUEST.labels, adapter="liberal")]))
