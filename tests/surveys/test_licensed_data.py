"""People of the European Social Survey stay outside of the repository, and so of every package built from it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
EXTRACT = ROOT / ".." / "shared" / "data" / "ess11" / "ess11_pl_es_se.csv"
# Columns of every file of respondents of the ESS; written apart, so as not to find this file.
COLUMNS = ("cnt" + "ry", "id" + "no", "psp" + "wght")
DATA_NAME = re.compile(r"ess-?(\d|round|data|pl|es|se)[^/]*\.(csv|tsv|txt|parquet|sav|zsav|dta|rds|rda|rdata|gz|zip)$")
TABLE_LINE = re.compile(r"""^[\w"']+([,;\t][\w"'.]*){5,}\s*$""")


def leaks(path: Path, *, lines: frozenset[str] = frozenset()) -> str | None:
    """What speaks for people of the ESS in a file; ``lines`` are known lines of one."""
    if DATA_NAME.search(path.name.lower()):
        return "its name"
    if path.suffix == ".parquet":
        return "its columns" if set(COLUMNS[:2]) <= set(pl.read_parquet_schema(path)) else None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip() in lines:
            return "a line of the extract"
        cells = {cell.strip("\"' ") for cell in re.split(r"[,;\t]", line)}
        if TABLE_LINE.match(line) and set(COLUMNS) <= cells:
            return "a header"
    return None


def people() -> frozenset[str]:
    return frozenset(EXTRACT.read_text(encoding="utf-8").splitlines()) if EXTRACT.exists() else frozenset()


def test_no_file_of_the_repository_holds_people_of_the_ess() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert any(path.name == "ess.toml" for path in files)
    lines = people()
    assert not {str(path): found for path in files if path.is_file() and (found := leaks(path, lines=lines))}


def test_data_of_the_ess_would_be_found(tmp_path: Path) -> None:
    header, row = ",".join((*COLUMNS, "agea", "gndr", "happy")), "XX,1,1.5,40,1,7"
    cases = {
        "sample.csv": f"{header}\n{row}\n",
        "sample.txt": header.replace(",", "\t"),
        "quoted.csv": '"' + header.replace(",", '","') + '"',
        "ess11_pl.csv": "",
        "ESS11e04_0.sav": "",
        "some.py": f"x = 1\n{row}\n",
    }
    for name, text in cases.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert leaks(path, lines=frozenset([row])), name
    table = tmp_path / "people.parquet"
    pl.DataFrame({name: [1] for name in COLUMNS}).write_parquet(table)
    assert leaks(table) == "its columns"
    prose = tmp_path / "prose.md"
    prose.write_text(f"Columns {', '.join(COLUMNS)} are read.\n", encoding="utf-8")
    assert leaks(prose) is None


def test_every_line_of_the_extract_would_be_found(tmp_path: Path) -> None:
    lines = people()
    if not lines:
        pytest.skip("the extract is not here")
    path = tmp_path / "copied.csv"
    path.write_text(f"a\n{min(lines)}\n", encoding="utf-8")
    assert leaks(path, lines=lines)
