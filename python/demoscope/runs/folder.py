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
    def answers(self) -> Path:
        """Drawn answers, one row per persona, item and draw."""
        return self.path / "answers.parquet"

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

    def check_for_run(self) -> None:
        """Refuse a folder that holds something else than a run.

        Raises:
            ConfigError: It is a file, or a folder with files and no ``run.toml``.
        """
        self._check_is_folder()
        # Hidden files may be a settings file that was being written when its run was stopped.
        if self.path.exists() and not self.settings.exists() and any(not _is_hidden(p) for p in self.path.iterdir()):
            raise ConfigError(f"{self.path}: holds files that are not those of a run; a run needs a folder of its own")

    def check_for_scores(self) -> None:
        """Refuse a folder whose scores are those of a run.

        Raises:
            ConfigError: It is a file, or a folder with a ``run.toml``.
        """
        self._check_is_folder()
        if self.settings.exists():
            raise ConfigError(f"{self.path}: holds a run, whose scores and report would be lost; name another folder")

    def create(self) -> None:
        """Make the folder, once it is checked."""
        self.path.mkdir(parents=True, exist_ok=True)

    def _check_is_folder(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path}: is a file, not a folder")


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader sees the old text or the new."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - Path.replace is the same call, spelled less plainly


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write plain values as JSON; NaN is not JSON and raises ``ValueError``."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
