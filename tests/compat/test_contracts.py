"""What adapters promise: they say what they stand for and what differs, examples run, no original is imported."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from detutils import compat
from tests.cases import each

BRIDGES = {"tensors"}  # what adapters share; they stand for no library
MODULES = sorted(module.name for module in pkgutil.walk_packages(compat.__path__, "detutils.compat."))
ADAPTERS = sorted({module.name for module in pkgutil.iter_modules(compat.__path__)} - BRIDGES)


def parts(text: str) -> set[str]:
    """The headings of a numpydoc text."""
    return set(re.findall(r"^([A-Z][A-Za-z ]+)\n-+$", text, re.MULTILINE))


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Functions and classes that a module defines itself."""
    for name, thing in vars(module).items():
        own = getattr(thing, "__module__", None) == module.__name__
        if own and not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing)):
            yield name, thing


def methods(owner: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public methods that a class defines itself."""
    for name, member in vars(owner).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, (classmethod, staticmethod))):
            yield name, getattr(owner, name)


THINGS = {
    f"{module.removeprefix('detutils.compat.')}.{name}": thing
    for module in MODULES
    if module.split(".")[2] not in BRIDGES and "._" not in module  # an adapter's own parts
    for name, thing in public(importlib.import_module(module))
}
FUNCTIONS = {name: thing for name, thing in THINGS.items() if inspect.isfunction(thing)}
METHODS = {
    f"{name}.{key}": method
    for name, thing in THINGS.items()
    if inspect.isclass(thing)
    for key, method in methods(thing)
}


def check_parameters(name: str, thing: Callable[..., Any], text: str) -> None:
    """Each parameter has its line under the heading."""
    parameters = [key for key in inspect.signature(thing).parameters if key not in ("self", "cls")]
    if parameters:
        assert "Parameters" in parts(text), f"{name} does not say what it takes"
        for key in parameters:
            assert re.search(rf"^\W*(\w+, )*\**{key}\b", text, re.MULTILINE), f"{name} does not describe {key}"


@each("name", FUNCTIONS)
def test_functions_have_whole_contracts(name: str) -> None:
    thing = FUNCTIONS[name]
    text = inspect.getdoc(thing) or ""
    check_parameters(name, thing, text)
    assert "Returns" in parts(text) or thing.__annotations__["return"] in ("None", None), f"{name}: returns what?"
    assert "Raises" in parts(text), f"{name} does not say what it raises"
    assert "Examples" in parts(text), f"{name} has no example"
    assert ">>>" in text.split("Examples\n")[1], f"{name} has an example that does not run"


@each("name", METHODS)
def test_methods_say_what_they_take(name: str) -> None:
    text = inspect.getdoc(METHODS[name]) or ""
    assert text, f"{name} has no contract"
    check_parameters(name, METHODS[name], text)


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_module_names_its_original_and_what_differs(name: str) -> None:
    text = importlib.import_module(f"detutils.compat.{name}").__doc__ or ""
    assert name.replace("_", "") in re.sub(r"[-_. ]", "", text.lower().replace("detutils.compat", "")), "of what?"
    assert re.search(rf"detutils\.compat\.{name}\b|detutils\.compat import {name}\b", text), "which line to change?"
    assert re.search(r"^ *original.*\bhere\b.*\bwhy\b", text, re.MULTILINE), "no table of what differs"


def test_importing_imports_no_original() -> None:
    """Neither torch, nor what is adapted, nor what these need."""
    code = (
        "import sys, detutils._jit\n"  # numba brings what it finds
        "seen = set(sys.modules) | sys.stdlib_module_names | {'detutils', 'numpy'}\n"
        "for name in sys.argv[1:]:\n"
        "    __import__(name)\n"
        "    new = {module.partition('.')[0] for module in set(sys.modules) - seen} - seen\n"
        "    seen |= set(sys.modules)\n"
        "    if new: print(name, 'imports', *sorted(new))"
    )
    done = subprocess.run([sys.executable, "-c", code, *MODULES], capture_output=True, text=True, check=True)
    assert not done.stdout
