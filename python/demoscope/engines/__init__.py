"""Engines: who answers."""

from typing import Final

from demoscope.engines.base import Answer as Answer
from demoscope.engines.base import Capabilities as Capabilities
from demoscope.engines.base import Engine as Engine
from demoscope.engines.base import Message as Message
from demoscope.engines.base import Request as Request
from demoscope.engines.base import Sampling as Sampling
from demoscope.registry import Registry

ENGINES: Final = Registry(
    "engine",
    {
        "embedded": "demoscope.engines.embedded:EmbeddedEngine",
        "hf": "demoscope.engines.hf:HfEngine",
        "openai": "demoscope.engines.server.openai:OpenaiEngine",
        "scripted": "demoscope.engines.scripted:ScriptedEngine",
        "vllm": "demoscope.engines.vllm:VllmEngine",
    },
)
"""Every engine by name; an entry is a class with keyword arguments ``model`` (name) and ``options`` (TOML table)."""
