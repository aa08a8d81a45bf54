from __future__ import annotations

import html
import json

import pytest

from demoscope.report.page import report_html
from demoscope.report.words import clean
from tests.report.browser import BROWSER, visit
from tests.report.markup import read
from tests.report.synthetic import HOSTILE, PLANS, comparison, facts, survey

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")]

PHONE = 375
PHONES = ("usual", "many_models", "hostile", "half_null", "map", "hostile_map")


def report(name: str) -> str:
    plan = PLANS[name]
    return report_html(comparison(plan), survey=survey(plan), facts=facts(plan))


def test_a_page_that_asks_for_something_or_fails_is_noticed(tmp_path):
    """The positive control of the tests below."""
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><img src='http://images.invalid/1.png'><link rel=stylesheet href='http://styles.invalid/1.css'>"
        "<script>throw new Error('boom')</script><img src=beside.png onerror='document.title=1'>",
        encoding="utf-8",
    )
    seen = visit(page, folder=tmp_path)
    assert set(seen.requests) == {"http://images.invalid/1.png", "http://styles.invalid/1.css"}
    assert any("boom" in message for message in seen.console)


def test_the_policy_of_the_page_is_in_force(tmp_path):
    """What gets past escaping, and a file beside the page, is still refused, and the refusal is noticed."""
    page = tmp_path / "page.html"
    extra = "<img src='http://images.invalid/1.png'><img src='beside.png'><script>document.title='run'</script></main>"
    page.write_text(report("usual").replace("</main>", extra), encoding="utf-8")
    seen = visit(page, folder=tmp_path)
    assert seen.requests == ()
    assert len([message for message in seen.console if "Content Security Policy" in message]) == 3
    assert "<title>run" not in seen.dom


@pytest.mark.parametrize("name", ["usual", "hostile"])
def test_the_report_asks_for_nothing_and_logs_nothing(name, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(report(name), encoding="utf-8")
    seen = visit(page, folder=tmp_path)
    assert seen.requests == ()
    assert seen.console == ()
    document = read(seen.dom)
    assert not document.all("img")
    assert not document.all("script")
    if name == "hostile":
        assert document.all("h1")[0].text == clean(HOSTILE)
        assert "</script><img onerror=alert(1) src=x>" in document.by_class("bars")[0].text


PROBE = """
<!doctype html><meta charset="utf-8">
%s
<pre id="result"></pre>
<script>
addEventListener("load", () => {
  const result = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, root = page.documentElement;
    for (const details of page.querySelectorAll("details")) details.open = true;
    const panels = [...page.querySelectorAll("#short > .of-panel")];
    const shown = () => panels.map(panel => getComputedStyle(panel).display !== "none");
    const before = shown(), first = page.querySelector("input[type=radio]");
    const boxes = [...page.querySelectorAll("svg.figure text")].map(text => {
      const box = text.getBoundingClientRect(), figure = text.ownerSVGElement.getBoundingClientRect();
      return box.width ? Math.max(figure.left - box.left, box.right - figure.right) : 0;
    });
    const wide = Math.max(root.scrollWidth, page.body.scrollWidth);
    if (first) first.checked = true;
    result[frame.title] = {width: root.clientWidth, wide, before, after: shown(), outside: Math.max(0, ...boxes)};
  }
  document.getElementById("result").textContent = JSON.stringify(result);
});
</script>
"""


def frame(title: str, text: str, width: int) -> str:
    return (
        f'<iframe title="{title}" style="border:0;width:{width}px;height:800px" srcdoc="{html.escape(text)}"></iframe>'
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Sizes of several pages at two widths, all details opened, from one visit."""
    folder = tmp_path_factory.mktemp("probe")
    frames = [frame("control", "<!doctype html><div style='width:600px'>wide</div>", PHONE)]
    frames += [frame(f"{name} phone", report(name), PHONE) for name in PHONES]
    frames += [frame(f"{name} desk", report(name), 1280) for name in ("usual", "one_country", "hostile_map")]
    page = folder / "probe.html"
    page.write_text(PROBE % "".join(frames), encoding="utf-8")
    seen = visit(page, folder=folder)
    return json.loads(read_result(seen.dom))


def read_result(dom: str) -> str:
    start = dom.index('<pre id="result">') + len('<pre id="result">')
    return html.unescape(dom[start : dom.index("</pre>", start)])


def test_no_page_is_wider_than_its_screen(measured):
    assert measured["control"]["wide"] >= 600, "the probe must notice a page that is too wide"
    for name, page in measured.items():
        if name != "control":
            assert page["width"] == (PHONE if name.endswith("phone") else 1280)
            assert page["wide"] == page["width"], name


def test_the_switch_shows_one_panel_at_a_time(measured):
    assert measured["usual desk"]["before"] == [False, True]
    assert measured["usual desk"]["after"] == [True, False]
    assert measured["many_models phone"]["before"] == [False, True, False, False, False, False]
    assert measured["one_country desk"]["before"] == [True]


def test_no_text_leaves_its_figure(measured):
    for name, page in measured.items():
        assert page["outside"] <= 2, name
