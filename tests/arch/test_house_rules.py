"""The rules an import graph cannot see. Exceptions stand in allow.toml, each with its reason."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

FORBIDDEN = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "base",
    "core",
    "service",
    "services",
    "handler",
    "handlers",
}
SQL = re.compile(
    r"^\s*(select\s.+\sfrom\s|insert\s+(or\s+\w+\s+)?into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(table|view|index|trigger)\s)",
    re.I | re.S,
)
IMPURE = {
    "os",
    "subprocess",
    "socket",
    "sqlite3",
    "duckdb",
    "pathlib",
    "requests",
    "httpx",
    "asyncio",
    "threading",
    "random",
    "tempfile",
    "logging",
}


def sources(root: Path) -> list[Path]:
    """Every Python file of the package."""
    return sorted((root / "src/trivet").rglob("*.py"))


@pytest.fixture(scope="session")
def allow(root: Path) -> dict[str, dict[str, str]]:
    """The exceptions: rule -> file -> reason."""
    return tomllib.loads((root / "tests/arch/allow.toml").read_text())


def test_every_exception_names_a_file_and_a_reason(root: Path, allow: dict[str, dict[str, str]]) -> None:
    """An exception for a file that is gone, or without a reason, is itself a failure."""
    for rule, files in allow.items():
        for name, reason in files.items():
            assert (root / "src/trivet" / name).exists(), f"{rule}: {name} is gone"
            assert len(reason) > 20, f"{rule}: {name} has no reason"


def test_no_file_name_that_says_nothing(root: Path) -> None:
    """Names say what is kept or done."""
    assert [str(path) for path in sources(root) if path.stem in FORBIDDEN] == []


def test_no_file_is_too_long(root: Path, allow: dict[str, dict[str, str]]) -> None:
    """500 lines are the limit unless a reason is written down."""
    long = {path.relative_to(root / "src/trivet").as_posix(): sum(1 for _ in path.open()) for path in sources(root)}
    assert {name: lines for name, lines in long.items() if lines > 500 and name not in allow["long"]} == {}


def strings(tree: ast.AST) -> list[str]:
    """String constants that are not docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_sql_stands_in_sql_files(root: Path, allow: dict[str, dict[str, str]]) -> None:
    """No statement hides in Python: it stands in a file where it can be read, checked and overridden."""
    found = {
        path.relative_to(root / "src/trivet").as_posix(): text[:60]
        for path in sources(root)
        for text in strings(ast.parse(path.read_text()))
        if SQL.match(text)
    }
    assert {name: text for name, text in found.items() if name not in allow["sql"]} == {}


def test_one_statement_per_sql_file(root: Path) -> None:
    """A statement is named by its file. Triggers keep their inner semicolons."""
    for path in (root / "src/trivet").rglob("*.sql"):
        text = re.sub(r"--[^\n]*", "", path.read_text())
        text = re.sub(r"'[^']*'", "''", text)
        text = re.sub(r"(?is)create\s+trigger.+?\bend\b\s*;?", "trigger", text)
        assert len([part for part in text.split(";") if part.strip()]) == 1, path


def test_kernel_and_contracts_do_nothing(root: Path) -> None:
    """The ground floor has no I/O, no clock of its own and no threads; the one exception is named."""
    for path in sources(root):
        place = path.relative_to(root / "src/trivet").as_posix()
        if not place.startswith(("kernel/", "contracts/")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not {name.split(".")[0] for name in names} & IMPURE, place


def test_broad_excepts_stand_at_doors_only(root: Path, allow: dict[str, dict[str, str]]) -> None:
    """A swallowed fault looks like "no risk found"."""
    for path in sources(root):
        place = path.relative_to(root / "src/trivet").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                names = [getattr(kind, "id", "") for kind in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])]
                broad = node.type is None or {"Exception", "BaseException"} & set(names)
                reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                assert not broad or reraises or place in allow["except"], f"{place}:{node.lineno}"


def test_every_module_says_what_it_is(root: Path) -> None:
    """A module docstring: what comes in, what goes out, what is refused."""
    for path in sources(root):
        doc = ast.get_docstring(ast.parse(path.read_text()))
        assert doc not in (None, "", "TODO"), path


def test_every_test_says_what_it_proves(root: Path) -> None:
    """A test without a statement of what it proves cannot be reviewed."""
    for path in (root / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path}:{node.lineno}"


def test_no_mocks(root: Path) -> None:
    """Tests prove behaviour on real parts."""
    for path in (root / "tests").rglob("*.py"):
        assert not re.search(r"(?m)^\s*(from|import) (unittest\.mock|mock|pytest_mock)", path.read_text()), path
