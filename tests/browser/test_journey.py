"""One person's way through Strehl, in a real browser with a real worker: from an upload to a restored image."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from common.models import JobState
from common.permissions import Role
from enhancement.models import RestoredImage
from enhancement.training import config
from metrology.models import Acquisition, Limits, Standard
from metrology.services.ingest import acquisition_ingest
from tests.factories import catalogue

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.timeout(420)]

SIDE_PX = 96
FIELDS = 9
TINY = {"architecture": "residual_unet_gan", "epochs": 2, "steps_per_epoch": 4, "batch": 2, "patch_px": 32}


def tissue(number: int) -> np.ndarray:
    """Two channels of one field: the second sees ten times the light."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / 9.0
    light = 60 * (1.5 + np.sin(x + number) * np.cos(y - number))
    return np.stack([rng.poisson(light), rng.poisson(10 * light)]).astype(np.uint16)


def write(path, planes, axes):
    tifffile.imwrite(path, planes, ome=True, metadata={"axes": axes, "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2})
    return path


@pytest.fixture
def room(worker, tmp_path, monkeypatch):
    """A facility whose staff set a limit, with tissue scanned by two detectors at once."""
    monkeypatch.setitem(config.PRESETS, "quick", TINY)
    path = catalogue.optical_path(channels=2)
    facility = path.instrument.facility
    for name, role in (("olga", Role.OPERATOR), ("sam", Role.STAFF)):
        catalogue.member(role, of=facility, username=name)
    Standard.objects.create(facility=facility, name="marbles", kind="marbles")
    kidney = Standard.objects.create(facility=facility, name="kidney", kind="kidney")
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    Limits.objects.create(facility=facility, attribute_id="mean", action_low=120, valid_from=start)
    for number in range(FIELDS):
        source = write(tmp_path / f"kidney{number}.ome.tif", tissue(number), "CYX")
        when = start + timedelta(hours=number)
        acquisition_ingest(
            facility=facility,
            source=source,
            original_name=source.name,
            optical_path=path,
            standard=kidney,
            acquired_at=when,
        )
    return path.instrument


@pytest.fixture
def page(chromium, live_server):
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def sign_in(page, name):
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def test_from_an_upload_to_a_restored_image(page, room, worker, tmp_path):
    # an operator uploads a dim scan and watches it being measured
    sign_in(page, "olga")
    scan = write(tmp_path / "dim marbles.ome.tif", tissue(50) // 4, "CYX")
    page.get_by_role("link", name="Upload", exact=True).first.click()
    page.get_by_label("Instrument").select_option(label=str(room))
    page.get_by_label("Standard").select_option(label="marbles")
    page.get_by_label(re.compile("acquired|date", re.IGNORECASE)).first.fill("2026-02-02T09:00")
    page.set_input_files("input[type=file]", scan)
    worker.wait_until(lambda: Acquisition.objects.filter(original_name=scan.name, state=JobState.DONE).exists(), 120)
    expect(page.get_by_text(re.compile("measured", re.IGNORECASE)).first).to_be_visible()

    # the flag is there, and becomes a case
    worker.wait_until(room.flags.exists, 120)
    page.goto("/flags/")
    page.get_by_role("link", name=str(room)).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(room))
    page.get_by_role("button", name="Open a restoration case").click()
    expect(page.get_by_text("Only staff may start a training; your role is operator")).to_be_visible()
    case_page = page.url

    # staff trains, compares and releases
    sign_in(page, "sam")
    page.goto(case_page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Release").first).to_be_visible(timeout=180_000)
    for row in ("Raw", "gaussian", "median"):
        expect(page.get_by_role("row", name=re.compile(row, re.IGNORECASE)).first).to_be_visible()
    page.get_by_role("button", name="Release").first.click()
    expect(page.get_by_text(re.compile("Released by sam")).first).to_be_visible()

    # a tissue scan is restored; the slider parts raw from restored
    tissue_scan = Acquisition.objects.filter(standard__kind="kidney").first()
    page.goto(tissue_scan.get_absolute_url())
    page.get_by_role("button", name=re.compile("^Restore with")).click()
    worker.wait_until(lambda: RestoredImage.objects.filter(state=JobState.DONE).exists(), 120)
    restored = RestoredImage.objects.get()
    page.goto(restored.get_absolute_url())
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    assert page.evaluate("document.querySelector('.compare').style.getPropertyValue('--split')") == "0%"
    slider.press("End")
    assert page.evaluate("document.querySelector('.compare').style.getPropertyValue('--split')") == "100%"
    assert page.evaluate("[...document.querySelectorAll('.compare img')].every(i => i.complete && i.naturalWidth > 0)")
    assert page.complaints == []
