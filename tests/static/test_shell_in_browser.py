"""The scripts of the shell in a real Chromium, under the strict policy that the site sends."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django_htmx
import pytest
from django.template import Context, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.urls(__name__)]
urlpatterns: list[object] = []  # the shell stands before any page exists

STATIC = Path(__file__).parents[2] / "static"
HTMX = Path(django_htmx.__file__).parent / "static"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
)
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
PIXEL = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#888"/></svg>'
)
FIGURE = {
    "data": [
        {
            "type": "scatter",
            "mode": "markers",
            "meta": {"role": "points"},
            "x": [1, 2, 3],
            "y": [1.0, 2.0, 1.5],
            "customdata": [["/acquisition.html", "/day.svg"]] * 3,
        }
    ],
    "layout": {
        "shapes": [
            {"type": "line", "meta": {"role": "action"}, "xref": "paper", "x0": 0, "x1": 1, "y0": 1.8, "y1": 1.8}
        ],
        "yaxis": {"title": {"text": "FWHM [µm]"}},
    },
}
TEMPLATE = """{% extends "base.html" %}{% load static %}
{% block charts %}{% include "_components/plotly.html" %}{% endblock %}
{% block scripts %}<script src="{% static 'js/compare.js' %}" type="module"></script>
<script src="{% static 'vendor/tus-js-client/4.3.1/tus.min.js' %}" defer></script>
<script src="{% static 'js/upload.js' %}" type="module"></script>{% endblock %}
{% block content %}{% include "_components/chart.html" with summary="Three points." chart_id="c" %}
{% with alt="Cells" before_url="/day.svg" after_url="/day.svg" %}
{% include "_components/compare.html" with before_label="Raw" after_label="Restored" %}{% endwith %}
<form data-upload data-uploads-url="/uploads/" method="post" action="/upload" enctype="multipart/form-data">
<input type="hidden" name="csrfmiddlewaretoken" value="token">
<label class="dropzone"><input type="file" name="files" multiple></label>
</form>{% endblock %}"""


class Handler(BaseHTTPRequestHandler):
    """Serves one page, the static files, and answers uploads."""

    page = ""

    def do_GET(self) -> None:
        if self.path == "/":
            return self.answer(200, "text/html", self.page.encode())
        if self.path == "/day.svg":
            return self.answer(200, "image/svg+xml", PIXEL.encode())
        name = self.path.removeprefix("/static/")
        found = next((folder / name for folder in (STATIC, HTMX) if (folder / name).is_file()), None)
        if found is None:
            return self.answer(404, "text/html", b"<title>elsewhere</title>")
        return self.answer(200, TYPES.get(found.suffix, "application/octet-stream"), found.read_bytes())

    def do_POST(self) -> None:
        assert self.headers["Accept"] == "application/json"
        assert self.headers["X-CSRFToken"] == "token"
        said = dict(pair.split(" ") for pair in self.headers["Upload-Metadata"].split(","))
        if base64.b64decode(said["filename"]) == b"bad.tif":
            answer = {"code": "unreadable_image", "message": "This is a PNG. Export it as OME-TIFF.", "details": {}}
            return self.answer(400, "application/json", json.dumps(answer).encode())
        return self.answer(201, "text/plain", b"", {"Location": "/uploads/1/"})

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert (body, self.headers["Upload-Offset"]) == (b"II*\0", "0")
        found = {"Upload-Offset": "4", "Strehl-Acquisition": "/acquisition.html", "Strehl-Duplicate": "false"}
        return self.answer(204, "text/plain", b"", {**found, "Strehl-Message": "In."})

    def answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def address(settings: Any) -> Iterator[str]:
    settings.STATIC_URL = "/static/"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    handler = type("PageHandler", (Handler,), {"page": Template(TEMPLATE).render(Context({"figure": FIGURE}))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def shell(chromium: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".chart-canvas .points path.point")
    yield page, complaints
    page.close()


def colour_of_points(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.querySelector('.points path.point')).fill")


def test_a_chart_is_drawn_in_the_colours_of_the_theme_without_offending_the_policy(shell):
    page, complaints = shell
    assert complaints == []
    assert page.evaluate("getComputedStyle(document.querySelector('.modebar')).position") == "absolute"
    assert page.evaluate("getComputedStyle(document.querySelector('.main-svg')).position") == "absolute"
    light = colour_of_points(page)
    page.click("[data-theme-toggle]")
    page.wait_for_function(
        "before => getComputedStyle(document.querySelector('.points path.point')).fill !== before", arg=light
    )
    assert (light, colour_of_points(page)) == ("rgb(36, 66, 95)", "rgb(195, 212, 228)")
    assert complaints == []


def test_hovering_a_point_shows_the_image_of_the_day_and_a_click_opens_it(shell):
    page, _ = shell
    box = page.locator(".points path.point").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".chart-preview:not([hidden])")
    assert page.get_attribute(".chart-preview img", "src") == "/day.svg"
    assert page.inner_text(".chart-preview").split("\n")[-1].strip() == "FWHM [µm]: 2"
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/acquisition.html")


def test_the_divider_follows_the_keyboard(shell):
    page, _ = shell
    page.focus(".compare input")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('.compare').style.getPropertyValue('--split')") == "0.5%"


def test_each_file_is_sent_by_itself_and_says_what_became_of_it(shell):
    page, _ = shell
    files = [
        {"name": name, "mimeType": "image/tiff", "buffer": b"II*\0"} for name in ("a.tif", "bad.tif", "c.tif", "d.tif")
    ]
    page.set_input_files("input[type=file]", files)
    page.wait_for_function("() => document.querySelector('.upload-summary').textContent === '3 of 4 in · 1 refused'")
    assert page.inner_text(".upload-row[data-state=refused] .upload-message") == "This is a PNG. Export it as OME-TIFF."
    assert page.get_attribute(".upload-row[data-state=done] a", "href") == "/acquisition.html"
