"""A small template language: Jinja's syntax without its power, and with a bound on the work of every rendering.

Templates come from files that people pass around, so they get no more than wording a prompt takes: variables, loops,
conditions, a few filters.
Everything else is refused when the file is read, and whatever grows while a template runs is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    Undefined,
    meta,
    nodes,
    pass_context,
    pass_environment,
)
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from demoscope.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from jinja2.runtime import Context

MAX_SOURCE: Final = 50_000
"""Longest template in characters."""

MAX_STEPS: Final = 10_000
"""Most passes through loops in one rendering, nested ones counted each time."""

MAX_WORK: Final = 200_000
"""Most characters that the expressions of one rendering make, each counted as one more, and most that it writes.

Together with ``MAX_STEPS`` it bounds time and memory: what is compared was made, or is a text of the survey.
"""

MAX_INTEGER: Final = 10**9
"""Largest number that arithmetic takes or gives."""

_BUDGET: Final = "(budget)"  # no name of a template can be written like this

_FILTERS: Final = (
    "capitalize", "default", "first", "int", "join", "last", "length", "list", "lower", "replace", "reverse", "sort",
    "string", "title", "trim", "unique", "upper",
)  # fmt: skip
_TESTS: Final = (
    "defined", "undefined", "none", "string", "number", "boolean", "true", "false", "odd", "even", "divisibleby",
    "lower", "upper", "in", "eq", "ne", "lt", "le", "gt", "ge", "equalto", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip
_NODES: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.For, nodes.If,
    nodes.Assign, nodes.With, nodes.Tuple, nodes.List, nodes.Keyword, nodes.CondExpr,
    nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare,
    nodes.Operand, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add, nodes.Sub, nodes.Mod, nodes.And, nodes.Or,
    nodes.Not, nodes.Neg, nodes.Pos,
)  # fmt: skip
_COSTLY: Final = (nodes.Concat, nodes.Filter, nodes.BinExpr, nodes.Getitem, nodes.Compare, nodes.Test)
_PLAIN: Final = (nodes.Const, nodes.Neg, nodes.TemplateData)
"""What a list in a template is made of: lists of lists of themselves would be small to make and endless to write."""

_FAILURES: Final = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)


class SandboxedTemplate:
    """One template of a file.

    Args:
        source: Its text.
        where: Name of the file and key, for messages.
        variables: Names that it may use.

    Raises:
        ConfigError: It is not a template, uses an unknown name, or something that templates cannot do; the message has
            the line within the template.
    """

    def __init__(self, source: str, *, where: str, variables: Collection[str]) -> None:
        self._where = where
        if len(source) > MAX_SOURCE:
            raise ConfigError(f"{where}: {len(source)} characters; a template has {MAX_SOURCE} at most")
        environment = _Environment()
        try:
            tree = environment.parse(source)
            _check(tree, where=where)
            self.uses = frozenset(meta.find_undeclared_variables(tree)) - set(environment.globals)
            for name in sorted(self.uses - set(variables)):
                line = next(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
                raise ConfigError(f"{where}, line {line}: no variable {name!r}{nearest(name, variables)}")
            counted = _Counted(environment).visit(tree)
            code = environment.compile(counted, name=where, filename=where)
        except TemplateSyntaxError as error:
            raise ConfigError(f"{where}, line {error.lineno}: {error.message}") from error
        except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
            raise ConfigError(f"{where}: too deeply nested or too large: {error}") from error
        self._template = Template.from_code(environment, code, environment.globals)

    def render(self, values: Mapping[str, Any]) -> str:
        """Fill the template.

        Args:
            values: Texts, numbers, lists and dictionaries of such; texts are written as they are, whatever is in them.

        Raises:
            ConfigError: It asks for something that is not there, or for more work than wording a prompt takes; the
                message has the line within the template.
        """
        budget = _Budget()
        written: list[str] = []
        try:
            for chunk in self._template.generate({**values, _BUDGET: budget}):
                budget.write(chunk)
                written.append(chunk)
        except _FAILURES as error:
            raise ConfigError(f"{self._where}{_line_of(error, self._where)}: {error}") from error
        return "".join(written)


class _Budget:
    """What one rendering may still do."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._work = MAX_WORK
        self._writing = MAX_WORK

    def counted(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._steps -= 1
            if self._steps < 0:
                raise SecurityError(f"loops run more than {MAX_STEPS} times")
            yield value

    def made(self, value: Any) -> Any:  # noqa: ANN401 - values of templates
        self._work -= 1 + (len(value) if isinstance(value, str | list | tuple | dict) else 0)
        if self._work < 0:
            raise SecurityError(f"expressions make more than {MAX_WORK} characters")
        return value

    def write(self, text: str) -> None:
        self._writing -= len(text)
        if self._writing < 0:
            raise SecurityError(f"writes more than {MAX_WORK} characters")


class _Environment(ImmutableSandboxedEnvironment):
    """What templates can reach: plain data, ``range`` and ``loop``."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, optimized=False, finalize=_written)
        known, tests = self.filters, self.tests
        own = {"replace": _replace, "join": _join, "(counted)": _counted, "(made)": _made}
        self.filters = {name: known[name] for name in _FILTERS} | own
        self.tests = {name: tests[name] for name in _TESTS}
        self.globals = {"range": _range}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - values of templates
        """``loop.index``, or the entry of a dictionary; objects have nothing else."""
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - values of templates
        """An entry, never an attribute."""
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self._nothing(obj, argument)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - values of templates
        """Only ``range`` and what belongs to ``loop``."""
        if obj is not _range and not isinstance(getattr(obj, "__self__", None), LoopContext):
            raise SecurityError("only range and loop.cycle can be called")
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - values of templates
        """Arithmetic of bounded numbers; ``+`` joins texts and lists as well."""
        numbers = [isinstance(side, int | float) for side in (left, right)]
        if not all(numbers) and not (operator == "+" and not any(numbers)):
            raise SecurityError(f"{operator} takes two numbers")
        result = super().call_binop(context, operator, left, right)
        if any(isinstance(side, int | float) and abs(side) > MAX_INTEGER for side in (left, right, result)):
            raise SecurityError(f"numbers go to {MAX_INTEGER}")
        return result

    def _nothing(self, obj: Any, name: Any) -> Undefined:  # noqa: ANN401 - values of templates
        return self.undefined(f"there is no {name!r} here", obj=obj, name=name)


class _Counted(NodeTransformer):
    """Sends every loop and every expression that takes time or can grow through the budget."""

    def __init__(self, environment: _Environment) -> None:
        self._environment = environment

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: ANN401 - jinja's signature
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.For):
            assert isinstance(node.iter, nodes.Expr)
            node.iter = self._filtered(node.iter, "(counted)")
        return self._filtered(node, "(made)") if isinstance(node, _COSTLY) else node

    def _filtered(self, node: nodes.Expr, name: str) -> nodes.Filter:
        through = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        through.set_environment(self._environment)
        return through


@pass_context
def _counted(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    if isinstance(values, str | int | float | dict):
        raise SecurityError("a loop goes over a list")
    return _budget(context).counted(values)


@pass_context
def _made(context: Context, value: Any) -> Any:  # noqa: ANN401 - values of templates
    return _budget(context).made(value)


def _budget(context: Context) -> _Budget:
    budget = context.resolve(_BUDGET)
    assert isinstance(budget, _Budget)
    return budget


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers[: MAX_STEPS + 1]) > MAX_STEPS:
        raise SecurityError(f"range has more than {MAX_STEPS} numbers")
    return numbers


def _replace(text: str, old: str, new: str) -> str:
    if not all(isinstance(part, str) for part in (text, old, new)):
        raise SecurityError("replace takes texts")
    if len(text) + text.count(old) * len(new) > MAX_WORK:
        raise SecurityError(f"expressions make more than {MAX_WORK} characters")
    return text.replace(old, new)


@pass_environment
def _join(environment: _Environment, values: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    """Jinja's filter with texts and numbers only, measured before it is done."""
    found = values if attribute is None else (environment.getitem(value, attribute) for value in values)
    parts = [_written(part) for part in found]
    if sum(map(len, parts)) + len(d) * len(parts) > MAX_WORK:
        raise SecurityError(f"expressions make more than {MAX_WORK} characters")
    return d.join(parts)


def _written(value: Any) -> str:  # noqa: ANN401 - values of templates
    """A text or number as it is written; lists and functions are not meant for readers."""
    if not isinstance(value, str | int | float | Undefined):
        raise SecurityError(f"texts and numbers can be written, not a {type(value).__name__}")
    return str(value)


def _check(tree: nodes.Template, *, where: str) -> None:
    """Refuse what templates cannot do, with its line."""
    for node in _walk(tree):
        problem = None
        if not isinstance(node, _NODES):
            problem = f"{_NAMES.get(type(node), type(node).__name__.lower())} is not possible in a template"
        elif isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            problem = f"no filter {node.name!r}{nearest(node.name, _FILTERS)}"
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            problem = f"no test {node.name!r}{nearest(node.name, _TESTS)}"
        elif isinstance(node, nodes.List | nodes.Tuple) and not _is_flat(node):
            problem = "a list in a template holds texts and numbers only"
        elif isinstance(node, nodes.For) and node.recursive:
            problem = "a recursive loop is not possible in a template"
        elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            problem = f"{node.attr!r} is out of reach of a template"
        elif isinstance(node, nodes.Call) and (node.dyn_args is not None or node.dyn_kwargs is not None):
            problem = "* and ** in calls are not possible in a template"
        if problem is not None:
            line = f", line {node.lineno}" if node.lineno else ""
            raise ConfigError(f"{where}{line}: {problem}")


def _is_flat(node: nodes.List | nodes.Tuple) -> bool:
    if getattr(node, "ctx", "load") == "store":
        return True
    return all(isinstance(part, _PLAIN) for part in node.items)


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    yield from tree.find_all(nodes.Node)


_NAMES: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Pow: "**",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set as a block",
    nodes.NSRef: "set of an attribute",
    nodes.Scope: "autoescape",
    nodes.FromImport: "import",
}


def _line_of(error: BaseException, filename: str) -> str:
    """The last line of the template that the error went through."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f", line {line}"
