"""Guessing passwords is slow, on the page and by token."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.factories import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()
    yield
    cache.clear()


def test_the_eleventh_attempt_within_a_minute_is_refused_even_with_the_right_password(client):
    catalogue.member(username="maria")
    for _ in range(10):
        assert client.post(reverse("login"), {"username": "maria", "password": "wrong"}).status_code == 200
    answer = client.post(reverse("login"), {"username": "maria", "password": "correct horse"})
    assert answer.status_code == 429
    assert b"Wait a minute" in answer.content


def test_pages_and_tokens_count_together(client):
    for _ in range(10):
        client.post(reverse("login"), {"username": "maria", "password": "wrong"})
    answer = client.post(reverse("api-token"), {"username": "maria", "password": "wrong"})
    assert answer.status_code == 429
    assert answer.json()["code"] == "throttled"


def test_a_right_password_gives_a_token_that_opens_the_api(client):
    catalogue.member(username="maria")
    token = client.post(reverse("api-token"), {"username": "maria", "password": "correct horse"}).json()["token"]
    answer = client.get("/api/v1/instruments/", headers={"authorization": f"Token {token}"})
    assert answer.status_code == 200


def test_without_a_token_the_api_says_how_to_sign_in(client):
    answer = client.get("/api/v1/instruments/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert "Authorization: Token" in answer.json()["message"]


def test_an_address_that_does_not_exist_is_a_page_for_people_and_an_envelope_for_programs(client):
    client.force_login(catalogue.member())
    page = client.get("/nowhere/", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert b"<html" in page.content
    assert client.get("/api/v1/nowhere/").json()["code"] == "not_found"
