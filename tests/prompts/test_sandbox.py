"""What templates can say, and what they cannot do."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import ConfigError
from demoscope.prompts.sandbox import SandboxedTemplate

VALUES = {"text": "Why?", "options": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]}
QUICK = 5.0
"""Seconds; each of these takes milliseconds on an idle machine and would take hours without a bound."""

DOUBLED = "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 12
"""40,960 characters, within the bounds."""


def render(source, values=VALUES):
    return SandboxedTemplate(source, where="mine.toml: question", variables=tuple(VALUES)).render(values)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ text }}", "Why?"),
        ("{% for o in options %}{{ o.label }}) {{ o.text }}{{ ', ' if not loop.last }}{% endfor %}", "A) x, B) y"),
        ("{% for o in options %}{{ loop.index }}{{ loop.cycle('-', '+') }}{% endfor %}", "1-2+"),
        ("{{ options|join('/', attribute='label') }} {{ options|length }}", "A/B 2"),
        ("{% for o in options if o.label in ['B'] %}{{ o.text|upper }}{% endfor %}", "Y"),
        ("{% set n = options|length %}{{ n * 2 + 1 }}{{ -n }} {{ 7 // 2 }} {{ 'a' ~ n }}", "5-2 3 a2"),
        ("{% for i in range(3) %}{{ i }}{% else %}none{% endfor %}", "012"),
        ("{{ text|replace('?', '!') }} {{ options[0]['label'] }} {{ text|default('x') }}", "Why! A Why?"),
        ("{% if text is defined and text != '' %}yes{% elif text %}no{% endif %}{# a remark #}", "yes"),
        ("{% raw %}{{ text }}{% endraw %}<b>&", "{{ text }}<b>&"),
    ],
)
def test_a_template_words_a_prompt(source, text):
    assert render(source) == text


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "{% for i in range(9) %}x{% endfor %}", "<b>&amp;", "{# #}"])
def test_values_are_never_templates(value):
    values = {"text": value, "options": [{"label": value, "text": value}]}
    assert render("{{ text }}|{{ options[0].text }}", values) == f"{value}|{value}"
    assert render("{% set x = text ~ text %}{{ x }}", values) == value * 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% for i in range(10**9) %}{% endfor %}", "line 1: ** is not possible in a template"),
        ("{% for i in range(1000000000) %}{% endfor %}", "line 1: range has more than 10000 numbers"),
        ("{{ range(99999999999999999999)|length }}", "range has more than 10000 numbers"),
        ("\n{% for i in range(9000) %}\n{% for j in range(9000) %}{% endfor %}{% endfor %}", "line 3: loops run more"),
        ("{% for a in range(30) %}" * 12 + "{% endfor %}" * 12, "loops run more than 10000 times"),
        ("{{ 'a' * 1000000000 }}", "line 1: * takes two numbers"),
        ("{{ options * 1000000000 }}", "* takes two numbers"),
        ("{{ '%999999999d' % 1 }}", "% takes two numbers"),
        ("{{ 999999999 * 999999999 }}", "numbers go to 1000000000"),
        ("{{ 9 ** 9 ** 9 ** 9 }}", "** is not possible"),
        ("{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 60, "expressions make more than 200000 characters"),
        ("{% set s = 'aaaaaaaaaa' %}" + "{% set s = s + s %}" * 60, "expressions make more than 200000 characters"),
        ("{% set s = options %}" + "{% set s = s + s %}" * 60, "expressions make more than 200000 characters"),
        ("{% set s = [1] %}" + "{% set s = [s, s] %}" * 60 + "{{ s|string }}", "a list in a template holds texts and"),
        (DOUBLED + "{% for i in range(9) %}{{ s }}{% endfor %}", "writes more than 200000 characters"),
        (DOUBLED + "{% for i in range(9999) %}{% if s ~ s %}{% endif %}{% endfor %}", "expressions make more than"),
        (DOUBLED + "{% for i in range(9999) %}{% if s[::-1] %}{% endif %}{% endfor %}", "expressions make more than"),
        (DOUBLED + "{% for i in range(9999) %}" + "{% if s > s %}{% endif %}" * 99 + "{% endfor %}", "make more than"),
        (DOUBLED + "{{ s|replace('a', s) }}", "make more than 200000"),
        (DOUBLED + "{{ range(9000)|join(s) }}", "make more than 200000"),
        ("{{ 'a'|center(1000000000) }}", "no filter 'center'"),
        ("{{ 1|round(-1000000000) }}", "no filter 'round'"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "too deeply nested"),
        ("{% if 1 %}" * 3000, "too deeply nested"),
        ("{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "too deeply nested"),
        ("{{ " + "9" * 5000 + " }}", "too large"),
        ("x" * 50_001, "50001 characters; a template has 50000 at most"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macro is not possible"),
        ("{% for o in options recursive %}{{ loop(options) }}{% endfor %}", "a recursive loop is not possible"),
    ],
)
def test_endless_work_ends_soon_with_an_error(source, message):
    start = time.perf_counter()
    with pytest.raises(ConfigError) as error:
        render(source)
    assert message in str(error.value)
    assert str(error.value).startswith("mine.toml: question")
    assert time.perf_counter() - start < QUICK


@pytest.mark.parametrize(
    "source",
    [
        "{{ text.__class__ }}",
        "{{ text['__class__'] }}",
        "{{ text.upper() }}",
        "{{ text.format }}",
        "{{ '{0.__class__}'.format(text) }}",
        "{{ options.append(1) }}",
        "{{ options|map(attribute='__class__')|list }}",
        "{{ options|join(',', attribute='__class__') }}",
        "{{ options|sort(attribute='__class__') }}",
        "{{ text|attr('__class__') }}",
        "{% for o in options %}{{ loop.__init__ }}{% endfor %}",
        "{% for o in options %}{{ loop._iterable }}{% endfor %}",
        "{% for o in options %}{{ loop['_iterable'] }}{% endfor %}",
        "{{ range.__globals__ }}",
        "{{ range }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
        "{% set x %}y{% endset %}",
        "{% set options.x = 1 %}",
        "{% autoescape true %}x{% endautoescape %}",
        "{{ range(*options) }}",
    ],
)
def test_nothing_but_its_variables_is_in_reach(source):
    with pytest.raises(ConfigError, match=r"mine\.toml: question"):
        render(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ text }", "line 1: unexpected '}'"),
        ("\n\n{% for %}", "line 3: Expected an expression"),
        ("\n{{ txt }}", "line 2: no variable 'txt'; did you mean 'text'?"),
        ("\n\n{{ options[5].label }}", "line 3: there is no 5 here"),
        ("{% for o in options %}\n{{ o.name }}{% endfor %}", "line 2: there is no 'name' here"),
        ("{{ 1 / 0 }}", "line 1: division by zero"),
        ("{% for c in text %}{{ c }}{% endfor %}", "line 1: a loop goes over a list"),
        ("{{ options }}", "line 1: texts and numbers can be written, not a list"),
        ("{{ text|uper }}", "line 1: no filter 'uper'; did you mean 'upper'?"),
        ("{{ options|sort|length }}", "line 1: '<' not supported"),
    ],
)
def test_mistakes_are_named_with_their_line(source, message):
    with pytest.raises(ConfigError) as error:
        render(source)
    assert message in str(error.value)


WORDS = (
    "{{", "}}", "{%", "%}", "text", "options", "o", "loop", "for", "in", "if", "endfor", "endif", "else", "set", "=",
    "x", "~", "+", "*", "**", "(", ")", "[", "]", ".", "|", "join", "length", "range", "9", "'a'", "__class__", "is",
    "defined", ",", ":", "not", "and", "_",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_source_gives_text_or_a_config_error(source):
    with suppress(ConfigError):
        assert isinstance(render(source), str)
