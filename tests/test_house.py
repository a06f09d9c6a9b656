"""The rules of the house: where code may stand, what it may import, what a public name must say of itself."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from numba.core import sigutils

import detutils
from detutils import _jit
from tests.cases import each

HOUSE = Path(detutils.__file__).parent
FILES = sorted(path for path in HOUSE.rglob("*.py") if "__pycache__" not in path.parts)
KERNEL_FILES = [path for path in FILES if path.parent.name == "_kernels" and path.name != "__init__.py"]
PUBLIC = [name for name in detutils.__all__ if name != "__version__"]

# Floors, lowest first. A module may import from its own floor and from below; circles are forbidden.
FLOORS = [
    ["_compiler"],
    ["_jit"],
    ["_kernels"],
    ["_validate"],
    ["_files"],
    ["geometry"],
    ["suppression", "pictures"],
    ["batches"],
    ["targets", "proposals", "datasets"],
    ["heads", "rcnn", "evaluation"],
    ["compat"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def dotted(path: Path) -> str:
    """``detutils.proposals.grouping`` for its file."""
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The first name below ``detutils``."""
    return module.split(".")[1] if "." in module else ""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> list[tuple[str, str | None]]:
    """(module, name or None) of every import of detutils in a file; those for type checkers only are left out."""
    return list(imported(tree_of(path), path.name))


def imported(tree: ast.Module, file: str) -> Iterator[tuple[str, str | None]]:
    for node in statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            for alias in node.names:
                yield node.module or "", alias.name


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Every statement below a node, those for type checkers only left out."""
    for part in ("body", "handlers", "orelse", "finalbody", "cases"):
        below = getattr(node, part, [])
        for inner in below if isinstance(below, list) else []:
            if isinstance(inner, ast.stmt):
                yield inner
            if not (isinstance(inner, ast.If) and "TYPE_CHECKING" in ast.dump(inner.test)):
                yield from statements(inner)


def target(module: str, name: str | None) -> str:
    """The module that an import reaches: ``from detutils import boxes`` reaches ``detutils.boxes``."""
    return f"{module}.{name}" if module == "detutils" and name in FLOOR else module


def test_every_module_has_a_floor() -> None:
    rooms = {room(dotted(path)) for path in FILES} - {""}
    assert rooms <= FLOOR.keys(), f"give these a floor: {rooms - FLOOR.keys()}"


def test_imports_run_downward() -> None:
    wrong = []
    for path in FILES:
        mine = dotted(path)
        for module, name in imports(path):
            reached = target(module, name)
            if not reached.startswith("detutils.") or not room(mine):
                continue
            if FLOOR[room(reached)] > FLOOR[room(mine)]:
                wrong.append(f"{mine} -> {reached}")
    assert not wrong


def test_no_circles() -> None:
    modules = {dotted(path): path for path in FILES}
    arrows = {
        mine: {f"{m}.{n}" if f"{m}.{n}" in modules else m for m, n in imports(path)} & modules.keys() - {mine}
        for mine, path in modules.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for following in arrows[module]:
                visit(following, (*trail, module))
            done.add(module)

    for module in modules:
        visit(module, ())


def test_no_private_names_of_other_modules() -> None:
    wrong = [
        f"{dotted(path)} takes {name} from {module}"
        for path in FILES
        for module, name in imports(path)
        if module.startswith("detutils") and name and name.startswith("_") and name not in [*FLOOR, "__version__"]
    ]
    assert not wrong


@each("path", KERNEL_FILES)
def test_kernel_files_share_kernel_files_only(path: Path) -> None:
    """The stamp of cached machine code follows ``from detutils...._kernels.x import``, each on a line of its own."""
    tree = tree_of(path)
    roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    shared = {root for root in roots if root.startswith("detutils")}
    assert roots - shared <= {"__future__", "math", "typing", "numba", "numpy"}
    assert all(root == "detutils._jit" or "._kernels." in root for root in shared)
    assert shared == set(_jit.imported_files(dotted(path))), "the stamp does not see every import"


def test_the_jit_is_used_in_one_place_only() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if path.name != "_jit.py":
            assert not re.search(r"\bn?jit\(|@(numba\.)?n?jit\b|vectorize\(", text), path
        assert not re.search(r"fastmath *= *True|parallel *= *True", text), path


def test_the_library_neither_prints_nor_asserts() -> None:
    for path in FILES:
        if "cli" in path.parts or path.stem == "__main__":
            continue
        for node in ast.walk(tree_of(path)):
            assert not isinstance(node, ast.Assert), f"{path.name}:{node.lineno}"
            if path.parent.name == "pycocotools":
                continue  # the original prints, and what it prints is parsed
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{path.name}:{node.lineno}"


def test_files_fit_in_a_head() -> None:
    """At most 400 lines of code; contracts, comments and blank lines are not counted."""
    for path in FILES:
        text, tree = path.read_text(encoding="utf-8"), tree_of(path)
        assert ast.get_docstring(tree), f"{path}: a module says in a sentence what belongs in it"
        contracts: set[int] = set()
        for node in (tree, *statements(tree)):
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
                contracts.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        lines = enumerate(text.splitlines(), start=1)
        code = [line for number, line in lines if number not in contracts and line.strip() and line.strip()[0] != "#"]
        assert len(code) <= 400, path


def test_public_names_stand_in_the_stub_only() -> None:
    tree = ast.parse((HOUSE / "__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == detutils._HOMES
    assert len(detutils.__all__) == len(set(detutils.__all__)) == len(seen) + 1
    for name in PUBLIC:
        assert getattr(detutils, name) is getattr(importlib.import_module(seen[name]), name)
        assert name not in FLOOR, f"{name} would turn into a module"
    assert set(PUBLIC) <= set(dir(detutils))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        detutils.nothing  # noqa: B018


def contracts() -> Iterator[tuple[str, object]]:
    """Public functions, classes, and the public methods that these classes define themselves."""
    for name in PUBLIC:
        thing = getattr(detutils, name)
        yield name, thing
        if inspect.isclass(thing):
            for key, member in vars(thing).items():
                method = inspect.isfunction(member) or isinstance(member, (classmethod, staticmethod))
                if method and not key.startswith("_"):
                    yield f"{name}.{key}", getattr(thing, key)


CONTRACTS = dict(contracts())


@each("name", CONTRACTS)
def test_contracts_are_whole(name: str) -> None:
    thing = CONTRACTS[name]
    text = inspect.getdoc(thing) or ""
    parts = re.findall(r"^([A-Z][A-Za-z ]+)\n-+$", text, re.M)
    assert text, f"{name} has no contract"
    record = inspect.isclass(thing) and issubclass(thing, tuple)
    if record:  # a NamedTuple: its fields are its contract
        assert "Attributes" in parts or "Parameters" in parts
        assert ">>>" in text
        return
    method = "." in name
    parameters = [p for p in inspect.signature(thing).parameters if p != "self"]
    if parameters:
        assert "Parameters" in parts, f"{name} does not say what it takes"
        for parameter in parameters:
            assert re.search(rf"^\W*(\w+, )*\**{parameter}\b", text, re.M), f"{name} does not describe {parameter}"
    if not inspect.isclass(thing):
        assert "Returns" in parts or "Yields" in parts, f"{name} does not say what it returns"
    if not method:
        assert "Raises" in parts, f"{name} does not say what it raises"
        assert "Examples" in parts, f"{name} has no example"
        assert ">>>" in text.split("Examples\n")[1], f"{name} has an example that does not run"


def source(name: str) -> str:
    """The text of a module, which stands in a file of its name or in a folder's ``__init__``."""
    path = HOUSE.parent.joinpath(*name.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def modules_with_examples() -> list[str]:
    names = ["detutils"]
    for module in pkgutil.walk_packages(detutils.__path__, "detutils."):
        if not module.name.endswith("__main__") and ">>>" in source(module.name):
            names.append(module.name)
    return names


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0


def test_importing_costs_no_more_than_numpy() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import detutils; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "heavy = new & {'numba', 'llvmlite', 'cv2', 'skimage', 'scipy', 'PIL', 'matplotlib', 'tqdm'}; "
        "assert not heavy, heavy; assert len(new - {'detutils'}) <= 3, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_signature_a_kernel() -> None:
    """conftest runs this last, so it judges every call that the other tests made.

    A whole number for a real one finds the code that is kept, but not the next time: it is read anew at every call.
    """
    if _jit.JIT_DISABLED:
        pytest.skip("no kernel is compiled")
    for dispatcher, signature in _jit.kernels():
        declared, _ = sigutils.normalize_signature(signature)
        for compiled in dispatcher.signatures:
            assert tuple(compiled) == tuple(declared), f"{dispatcher.__name__} was called with {compiled}"
        for asked in getattr(dispatcher._cache, "asked", ()):
            assert tuple(asked) == tuple(declared), f"{dispatcher.__name__} was called with {asked}"
