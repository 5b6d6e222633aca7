"""The house rules that import-linter cannot see, read from the source."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.resources import REGISTRY

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("mock_crm/**/*.py"), ROOT / "config.py", ROOT / "wsgi.py"])
APP = [path for path in FILES if path.is_relative_to(ROOT / "app")]
OUTSIDE_THE_SERVICE = {"app/stack.py", "app/demo.py"}
"""The supervisor and the tour: they play a person at a terminal, and are no part of what serves."""
IN_THE_CRMS_WORDS = {"app/crm/types.py", "app/crm/endpoints.py"}
"""One CRM's records and calls for programs; tests/unit/test_library_types.py holds them to the declarations."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def in_folders(*folders: str) -> list[Path]:
    return [path for path in APP if name_of(path).startswith(tuple(f"app/{folder}" for folder in folders))]


def not_in(*folders: str) -> list[Path]:
    return [path for path in APP if path not in in_folders(*folders) and name_of(path) not in OUTSIDE_THE_SERVICE]


def ids(paths: list[Path]) -> list[str]:
    return [name_of(path) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_a_module_says_what_it_is_for_and_stays_small(path):
    tree = tree_of(path)

    assert ast.get_docstring(tree), "no docstring"
    assert path.read_text().count("\n") <= 250
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, node.name
        if isinstance(node, ast.FunctionDef):
            for inner in ast.walk(node):
                assert not isinstance(inner, ast.Import | ast.ImportFrom), f"an import inside {node.name}"


def test_functions_are_short():
    sizes = sorted(
        node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
    )
    assert sizes[len(sizes) // 2] < 10


@pytest.mark.parametrize("path", not_in("core/db.py"), ids=ids(not_in("core/db.py")))
def test_only_the_database_module_commits(path):
    assert "commit" not in set(calls(tree_of(path)))


@pytest.mark.parametrize("path", not_in("services", "sync", "core/db.py"), ids=name_of)
def test_transactions_begin_in_services_and_sync_only(path):
    assert "transact" not in set(calls(tree_of(path)))


@pytest.mark.parametrize("path", not_in("crm"), ids=name_of)
def test_only_the_crm_folder_speaks_http_to_the_crm(path):
    assert not [module for module, _ in imported(tree_of(path)) if module.partition(".")[0] in {"requests", "urllib3"}]


@pytest.mark.parametrize("path", not_in("store"), ids=name_of)
def test_only_the_store_writes_queries(path):
    queries = {"select", "insert", "update", "delete", "text"}
    used = [name for module, name in imported(tree_of(path)) if module.startswith("sqlalchemy") and name in queries]
    assert used in ([], ["text"] if name_of(path) == "app/core/resource.py" else [])


@pytest.mark.parametrize("path", not_in("http", "logs.py"), ids=name_of)
def test_only_http_reads_the_request(path):
    assert ("flask", "request") not in set(imported(tree_of(path)))


@pytest.mark.parametrize("path", not_in("resources"), ids=name_of)
def test_no_field_of_a_resource_is_known_outside_its_declaration(path):
    # Names of one word are words of ours too; those of the users and of several words can only be a field.
    fields = {name for resource in REGISTRY.values() for name in resource.fields if "_" in name}
    fields |= set(REGISTRY["users"].fields) - {"name"}
    fields -= {"client_id"}  # OAuth has one too (RFC 6749)
    strings = {
        node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    attributes = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
    if name_of(path) in IN_THE_CRMS_WORDS:
        return
    assert not fields & (strings | attributes) - ({"email"} if "openapi" in name_of(path) else set())


BROAD = {
    "app/sync/worker.py": 1,  # a bug in one step may not stop the others
    "app/core/groups.py": 2,  # caught on the thread that writes, raised again on the one that asked
}


@pytest.mark.parametrize("path", APP, ids=ids(APP))
def test_nothing_swallows_every_exception_but_the_workers_loop(path):
    broad = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) == BROAD.get(name_of(path), 0)


@pytest.mark.parametrize("path", [path for path in APP if path.parent.name != "http"], ids=name_of)
def test_time_and_chance_come_in_through_the_world(path):
    allowed = {
        "app/core/world.py",
        "app/core/db.py",
        "app/crm/transport.py",
        "app/crm/moments.py",
        "app/logs.py",
        *OUTSIDE_THE_SERVICE,
    }
    if name_of(path) in allowed:
        return  # the seam itself, and clocks that only measure how long a lock, a socket or a request takes
    used = {module for module, _ in imported(tree_of(path))}
    assert not used & {"time", "uuid"}
    assert "now" not in {
        node.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "datetime"
    }
