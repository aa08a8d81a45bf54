"""Settings of all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# How long one example takes says more about the machine and its other work than about the code.
# The same examples every time: a change is judged by what it changes, not by the draw of the day.
settings.register_profile("demoscope", deadline=None, derandomize=True)
settings.load_profile("demoscope")

# `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, max_examples=2000)

# In the background of a shell Ctrl-C is ignored, and children inherit that; tests of Ctrl-C want it back.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
