"""Headless Chromium by its command line: what a page asks for, what it says on the console, what becomes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)

# The initiator of requests that Chromium makes for itself (updates, time); a page's has an origin, "null" for a file.
OWN = "not an origin"


@dataclass(frozen=True)
class Visit:
    """One page load.

    Attributes:
        dom: The document after loading, as HTML.
        requests: Addresses that the page asked for over the network.
        console: Messages on the console.
    """

    dom: str
    requests: tuple[str, ...]
    console: tuple[str, ...]


def visit(path: Path, *, folder: Path) -> Visit:
    """Load a file; every host name is unknown, so that nothing leaves the machine."""
    assert BROWSER is not None
    log = folder / "net.json"
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        "--window-size=1280,900",
        f"--log-net-log={log}",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    stderr = done.stderr.decode(errors="replace")
    return Visit(
        dom=done.stdout.decode(errors="replace"),
        requests=_requests(json.loads(log.read_text(encoding="utf-8"))),
        console=tuple(re.findall(r"CONSOLE[^\]]*\] (.*)", stderr)),
    )


def _requests(log: dict) -> tuple[str, ...]:
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    begun = [event.get("params", {}) for event in log["events"] if event["type"] == started]
    return tuple(params["url"] for params in begun if params.get("url") and params.get("initiator", OWN) != OWN)
