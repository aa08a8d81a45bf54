"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes says more about the machine and its other work than about the code.
# The same examples every time: a change is judged by what it changes, not by the draw of the day.
settings.register_profile("demoscope", deadline=None, derandomize=True)
settings.load_profile("demoscope")

# `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, max_examples=2000)
