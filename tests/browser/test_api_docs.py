"""The API's documentation in a real browser, under the policy that every page is sent with."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from common.permissions import Role
from tests.factories import catalogue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def open_docs(chromium, live_server, client):
    """Open the documentation as somebody who is signed in; `said` holds every word of the console."""
    client.force_login(catalogue.member(Role.VIEWER))
    session = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    context = chromium.new_context(base_url=live_server.url)
    context.add_cookies([session | {"url": live_server.url}])

    def opened(theme):
        page = context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.emulate_media(color_scheme=theme)
        answer = page.goto(reverse("api-docs"))
        assert "style-src 'self';" in answer.headers["content-security-policy"] + ";"
        expect(page.locator("#operations-standards-standards_create")).to_be_visible()
        return page

    yield opened
    context.close()


def ground(page):
    """How bright the page's ground is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.querySelector('.swagger-ui .scheme-container')).backgroundColor")
    return sum(int(part) for part in colour.split("(")[1].split(")")[0].split(",")[:3]) / 3


def test_nothing_on_the_page_is_blocked(open_docs):
    page = open_docs("light")
    page.locator("#operations-standards-standards_create .opblock-summary-control").click()
    expect(page.locator("#operations-standards-standards_create .opblock-body")).to_be_visible()
    assert page.said == []


def test_the_page_follows_the_theme_of_the_system_and_of_its_button(open_docs):
    assert ground(open_docs("light")) > 200
    page = open_docs("dark")
    assert ground(page) < 60
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).not_to_have_class("dark-mode")
    assert ground(page) > 200
