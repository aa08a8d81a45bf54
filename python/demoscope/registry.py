"""Names that stand for parts which are loaded only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from demoscope.errors import ConfigError, nearest


class Registry(Mapping[str, Any]):
    """An immutable map from a name to ``"module:attribute"``, imported at first use.

    Args:
        kind: What the names are, in words ("engine"); used in messages.
        places: Name to ``"module:attribute"``.
    """

    def __init__(self, kind: str, places: Mapping[str, str]) -> None:
        self.kind = kind
        self._places = dict(places)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a registry holds parts of any kind
        if name not in self._places:
            raise ConfigError(f"unknown {self.kind} {name!r}{nearest(name, self._places)}")
        module, attribute = self._places[name].split(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
