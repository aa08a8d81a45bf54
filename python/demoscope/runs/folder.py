"""Names of the files in a run folder, and how its small text files are written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """A run folder.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def settings(self) -> Path:
        """Resolved settings."""
        return self.path / "run.toml"

    @property
    def manifest(self) -> Path:
        """Versions, seeds and hashes."""
        return self.path / "manifest.json"

    @property
    def survey(self) -> Path:
        """The survey as it was when the run was made."""
        return self.path / "survey.json"

    @property
    def facts(self) -> Path:
        """Facts that the report tells beside the scores."""
        return self.path / "facts.json"

    @property
    def personas(self) -> Path:
        """Who was asked as."""
        return self.path / "personas.parquet"

    @property
    def responses(self) -> Path:
        """The store of asked cells."""
        return self.path / "responses"

    @property
    def scores(self) -> Path:
        """Score tables."""
        return self.path / "scores"

    @property
    def summary(self) -> Path:
        """Scores over all countries."""
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def create(self) -> None:
        """Make the folder.

        Raises:
            ConfigError: Something else has that name.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path}: is a file; a run needs a folder")
        self.path.mkdir(parents=True, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader sees the old text or the new."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - Path.replace is the same call, spelled less plainly


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write plain values as JSON; NaN is not JSON and raises ``ValueError``."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
