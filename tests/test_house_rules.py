"""Rules of the house that no linter checks."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APPS = ("common", "config", "instruments", "metrology", "enhancement")
PURE = (
    "instruments/optics",
    "instruments/simulator",
    "metrology/imaging",
    "metrology/attributes",
    "metrology/spc",
    "metrology/charts",
    "metrology/watching",
    "enhancement/networks",
    "enhancement/training",
    "enhancement/inference",
    "enhancement/filters",
    "enhancement/evaluation",
)
LONGEST_FILE = 400
NEVER_IN_THE_WEB_PROCESS = ("torch", "numba", "skimage", "lightning")


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def tracked_text_files() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [ROOT / name for name in names if name and "/vendor/" not in name]
    return [
        path
        for path in paths
        if path.is_file() and path.suffix in {".py", ".html", ".css", ".js", ".md", ".toml", ".txt", ""}
    ]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_module_is_longer_than_400_lines():
    lengths = {named(path): len(path.read_text().splitlines()) for path in modules(*APPS, "benchmarks", "tests")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("path", [path for path in modules(*PURE) if path.name != "__init__.py"], ids=named)
def test_public_functions_of_the_pure_packages_say_what_they_take_give_and_raise(path):
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        arguments = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        assert not arguments or "Parameters\n" in text, f"{node.name} does not describe its parameters"
        returns = not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
        assert not returns or "Returns\n" in text or "Yields\n" in text, f"{node.name} does not describe its result"
        raises = any(isinstance(inner, ast.Raise) and inner.exc is not None for inner in ast.walk(node))
        assert not raises or "Raises\n" in text, f"{node.name} does not say what it raises"


@pytest.mark.parametrize("folder", PURE)
def test_each_pure_package_has_tests_that_mirror_it(folder):
    mirrored = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / folder).glob("test_*.py")}
    assert mirrored, f"tests/{folder} is empty"


def test_no_file_names_a_machine_a_registry_or_an_unfinished_thing():
    words = (
        "/" + "root/",
        "/" + "home/",
        "pypi" + ".org",
        "pythonhosted",
        "registry.npm" + "js",
        "NotImplementedError",
    )
    found = []
    for path in tracked_text_files():
        text = path.read_text()
        if path != Path(__file__):
            found += [(named(path), word) for word in words if word in text]
            found += [(named(path), match) for match in re.findall(r"\b(?:TODO|FIXME|XXX)\b", text)]
    assert found == []


def test_no_page_asks_another_host_for_anything():
    asks = re.compile(r"""(?:src|href|url|import|fetch)\s*[=(]?\s*["'(]\s*(?:https?:)?//(?!www\.w3\.org)""")
    pages = [path for path in tracked_text_files() if path.suffix in {".html", ".css", ".js"}]
    assert [named(path) for path in pages if asks.search(path.read_text())] == []


def test_environment_is_read_in_one_module_only():
    readers = [named(p) for p in modules(*APPS) if re.search(r"os\.(environ\.get|getenv|environ\[)", p.read_text())]
    assert readers == []


def test_every_variable_is_listed_in_the_example():
    used = set(re.findall(r'_env\.\w+\("(\w+)"', (ROOT / "config" / "env.py").read_text()))
    listed = set(re.findall(r"^# (\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == listed


def test_the_web_process_starts_without_torch_numba_or_scikit_image():
    code = (
        "import sys, config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        "import json; print(json.dumps(sorted(sys.modules)))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(re.findall(r'"([\w.]+)"', run.stdout))
    assert "config.wsgi" in loaded
    assert loaded.isdisjoint(NEVER_IN_THE_WEB_PROCESS)


def test_every_requirement_is_pinned_and_says_what_it_is_for():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.match(r"^[\w.\-\[\],]+==\S+ +# \S", line), line


def test_every_lint_exception_gives_its_reason():
    for path in modules(*APPS, "tests", "benchmarks"):
        if path == Path(__file__):
            continue
        for line in path.read_text().splitlines():
            found = re.search(r"#\s*(noqa: [A-Z]+\d+|type: ignore\[[\w, -]+\])(?P<reason>.*)", line)
            assert not found or len(found["reason"].strip(" -#")) > 5, f"{named(path)}: {line.strip()}"
