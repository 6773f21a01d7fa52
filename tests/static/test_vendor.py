"""What was vendored is what was published, and nothing is fetched from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "MANIFEST.json").read_text())
OWN_ASSETS = [*(ROOT / "static" / "css").glob("*.css"), *(ROOT / "static" / "js").glob("*.js")]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_vendored_file_has_the_sum_of_the_manifest(entry):
    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["version"] in entry["file"]
    assert entry["licence"]


def test_every_vendored_file_is_in_the_manifest():
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present - {"MANIFEST.json", "README.md"} == {entry["file"] for entry in MANIFEST}


def test_the_plotly_bundle_is_the_one_that_plotly_py_was_made_for():
    from plotly.offline import get_plotlyjs_version

    bundles = {entry["version"] for entry in MANIFEST if entry["file"].endswith("plotly-cartesian.min.js")}
    assert bundles == {get_plotlyjs_version()}


@pytest.mark.parametrize("path", OWN_ASSETS, ids=lambda path: path.name)
def test_own_assets_name_no_other_host(path):
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_templates_hold_nothing_that_the_content_security_policy_forbids(path):
    text = path.read_text()
    assert re.findall(r"\s(?:style|on[a-z]+)=[\"']", text) == []
    assert re.findall(r"hx-on|js:|<style", text) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text) == []
    assert re.findall(r"(?:src|href|action)=[\"'](?:https?:)?//", text) == []


def test_files_that_templates_link_exist():
    linked = {name for path in TEMPLATES for name in re.findall(r"\{% static '([^']+)' %\}", path.read_text())}
    own = {name for name in linked if not name.startswith("django_htmx/")}
    assert len(own) >= 8
    assert [name for name in own if not (ROOT / "static" / name).is_file()] == []
