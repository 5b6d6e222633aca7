"""Building applications fast: werkzeug compiles two functions for each route, the same ones for each test's application."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing.rules import Rule

Build = Callable[..., tuple[str, str]]


def compile_once() -> None:
    """Let rules of the same words share what is compiled from them; a rule hands itself to it at each call."""
    compiled: dict[Any, Build] = {}
    compile_builder = Rule._compile_builder

    def compile_new(rule: Rule, append_unknown: bool = True) -> Build:
        words = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if words not in compiled:
            compiled[words] = compile_builder(rule, append_unknown)
        return compiled[words]

    Rule._compile_builder = compile_new  # type: ignore[assignment]
