"""The upload page in a real browser: many files, refusals, a lost connection, a reload in the middle."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from metrology.models import Acquisition, Upload, UploadState
from tests.factories import acquisitions, catalogue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

PIECE = 8 * 1024**2
expect.set_options(timeout=30_000)
LONG = "2026-03-02 Convallaria 20x water 488 nm HyD zoom 1.5 line average 4 tile scan field " + "of the morning " * 6


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def room(transactional_db):
    path = catalogue.optical_path(catalogue.instrument(name="LSM 880", slug="lsm-880"))
    catalogue.member(of=path.instrument.facility, username="olga")
    return path


@pytest.fixture
def page(chromium, live_server, room):
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if "Content Security" in said.text else None)
    page.goto("/sign-in/?next=/upload/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upload/")
    yield page
    assert page.complaints == []
    context.close()


@pytest.fixture
def large(tmp_path):
    """A file of two and a half pieces."""
    path = tmp_path / "mosaic.tif"
    pixels = np.random.default_rng(1).integers(0, 4096, (PIECE * 5 // 4 // 4096, 4096), dtype=np.uint16)
    tifffile.imwrite(path, pixels, metadata=None)
    return path


def shut_after(page, pieces):
    """Let some requests with bytes through, then cut the line."""
    passed = []

    def judge(route):
        if route.request.method == "PATCH" and len(passed) >= pieces:
            route.abort("connectionreset")
            return
        if route.request.method == "PATCH":
            passed.append(int(route.request.headers["upload-offset"]))
        route.continue_()

    page.route("**/api/v1/uploads/**", judge)
    return passed


def summary(page):
    return page.locator(".upload-summary")


def test_thirty_files_come_in_two_at_a_time_and_each_says_what_became_of_it(page, room, tmp_path):
    files = []
    for number in range(27):
        files.append(tmp_path / (f"{LONG}{number}.tif" if number == 3 else f"scan {number}.tif"))
        files[-1].write_bytes(acquisitions.tiff(seed=number))
    (tmp_path / "picture of the screen.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "again.tif").write_bytes(acquisitions.tiff(seed=0))
    files += [tmp_path / name for name in ("picture of the screen.png", "empty.tif", "again.tif")]
    page.get_by_label("Instrument").select_option(label="LSM 880")
    page.get_by_label("Optical path").select_option(index=1)
    page.get_by_label("Label").fill("Müller, früh")
    page.set_input_files("input[type=file]", files)
    expect(summary(page)).to_have_text("27 of 30 in · 1 already there · 2 refused", timeout=60_000)
    refused = page.locator(".upload-row[data-state=refused]")
    expect(refused).to_have_count(2)
    expect(refused.first).to_contain_text("is a PNG picture. Pictures and packages lose intensities")
    expect(refused.last).to_contain_text("empty.tif is empty. Copy it again")
    expect(page.locator(".upload-row[data-state=duplicate]")).to_contain_text("Already here since")
    rows = list(Acquisition.objects.all())
    assert len(rows) == 27
    assert {(row.instrument, row.optical_path, row.label) for row in rows} == {(room.instrument, room, "Müller, früh")}
    expect(page.locator(".upload-row[data-state=done] .acquisition-state").first).to_be_visible()
    page.get_by_role("link", name="Open scan 5.tif").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Müller")


def test_after_a_lost_connection_it_goes_on_by_itself_where_it_stopped(page, large):
    passed = shut_after(page, 1)
    page.set_input_files("input[type=file]", large)
    row = page.locator(".upload-row")
    expect(row).to_have_attribute("data-state", "lost")
    expect(row.locator(".upload-message")).to_have_text(re.compile(r"Connection lost, \d+ % · .* It goes on by itself"))
    page.unroute("**/api/v1/uploads/**")
    expect(row).to_have_attribute("data-state", "done")
    assert passed == [0]
    assert Acquisition.objects.get().stored_file.path.read_bytes() == large.read_bytes()
    assert Upload.objects.get().state == UploadState.DONE


def test_after_a_reload_the_same_file_goes_on_where_it_stopped(page, large):
    shut_after(page, 1)
    page.get_by_label("Label").fill("said before")
    page.set_input_files("input[type=file]", large)
    expect(page.locator(".upload-row")).to_have_attribute("data-state", "lost")
    page.unroute("**/api/v1/uploads/**")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    listed = page.locator("[data-unfinished]")
    expect(listed).to_contain_text("mosaic.tif")
    expect(listed).to_contain_text("39 % of 21")
    passed = shut_after(page, 99)
    page.set_input_files("input[type=file]", large)
    expect(page.locator(".upload-row")).to_have_attribute("data-state", "done")
    expect(listed).to_have_count(0)
    assert passed[0] == PIECE, "nothing was sent twice"
    row = Acquisition.objects.get()
    assert row.stored_file.path.read_bytes() == large.read_bytes()
    assert row.label == "said before"


def test_an_upload_may_be_paused_and_removed(page, large):
    held = []
    page.route(
        "**/api/v1/uploads/*/",
        lambda route: held.append(route) if route.request.method == "PATCH" and not held else route.continue_(),
    )
    page.set_input_files("input[type=file]", large)
    row = page.locator(".upload-row")
    while not held:
        page.wait_for_timeout(50)
    row.get_by_role("button", name="Pause").click()
    expect(row).to_have_attribute("data-state", "paused")
    expect(summary(page)).to_contain_text("1 paused")
    row.get_by_role("button", name="Go on").click()
    expect(row).to_have_attribute("data-state", "done")
    assert Acquisition.objects.count() == 1


def test_what_was_left_unfinished_may_be_removed(page, large):
    shut_after(page, 1)
    page.set_input_files("input[type=file]", large)
    expect(page.locator(".upload-row")).to_have_attribute("data-state", "lost")
    page.unroute("**/api/v1/uploads/**")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="Remove: mosaic.tif").click()
    expect(page.locator("[data-unfinished-list]")).to_have_count(0)
    upload = Upload.objects.get()
    assert upload.state == UploadState.GONE
    assert not upload.path.exists()


def test_files_may_be_dropped(page):
    page.evaluate(
        """(content) => {
            const moved = new DataTransfer();
            const bytes = Uint8Array.from(content);
            for (const name of ["a.tif", "b.tif"]) moved.items.add(new File([bytes, name], name));
            document.querySelector(".dropzone").dispatchEvent(
                new DragEvent("drop", { dataTransfer: moved, bubbles: true, cancelable: true }));
        }""",
        list(acquisitions.tiff()),
    )
    expect(summary(page)).to_have_text("2 of 2 in")


def test_a_wrong_date_is_said_at_every_file_before_it_is_sent(page, large):
    page.get_by_label("Acquired").fill("2099-01-01T00:00:00")
    page.set_input_files("input[type=file]", large)
    row = page.locator(".upload-row")
    expect(row).to_contain_text("which is in the future. Set the clock")
    assert not Upload.objects.exists()
    page.get_by_label("Acquired").fill("")
    page.set_input_files("input[type=file]", large)
    expect(summary(page)).to_have_text("1 of 2 in · 1 refused")
    page.get_by_role("button", name="Remove").click()
    expect(summary(page)).to_have_text("1 of 1 in")
