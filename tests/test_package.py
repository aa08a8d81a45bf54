"""The package as a whole: versions that agree, few dependencies, a public interface that is what it says."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

import demoscope

ROOT = Path(__file__).parents[1]
MOST_DISTRIBUTIONS = 20


def test_versions_agree():
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert citation is not None
    assert {cargo, project, citation[1]} == {demoscope.__version__}


def test_base_install_is_small():
    found, waiting = set(), ["demoscope"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [
            re.match(r"[\w.-]+", requirement)[0].lower()
            for requirement in requires(name) or []
            if "extra ==" not in requirement and "indows" not in requirement and "win32" not in requirement
        ]
    assert "polars" in found
    assert len(found) <= MOST_DISTRIBUTIONS, sorted(found)


@pytest.mark.parametrize("name", [name for name in demoscope.__all__ if name != "__version__"])
def test_everything_public_is_documented(name):
    assert name in dir(demoscope)
    value = getattr(demoscope, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        assert all(
            parameter.annotation is not inspect.Parameter.empty
            for parameter in inspect.signature(value).parameters.values()
        )


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="polychorick"):
        _ = demoscope.polychorick


def test_import_alone_loads_nothing_heavy():
    code = "import sys, demoscope; sys.exit(bool({'polars', 'numpy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
