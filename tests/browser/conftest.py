"""What the tests of pages share: a facility with one operator, and her browser, which complains of nothing."""

from __future__ import annotations

import pytest

from tests.factories import catalogue


@pytest.fixture
def no_workers(monkeypatch):
    """Nothing is sent to a queue."""
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def room(transactional_db):
    facility = catalogue.facility()
    catalogue.member(of=facility, username="olga")
    return facility


@pytest.fixture
def page(chromium, live_server, room):
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": 1440, "height": 900}, color_scheme="light"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.goto("/sign-in/?next=/upload/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upload/")
    yield page
    context.close()
    assert page.complaints == []
