"""The page and the API of the quantities are written from their declarations."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from common.permissions import Role
from metrology.attributes.registry import ATTRIBUTES
from tests.factories import catalogue

pytestmark = pytest.mark.django_db


def test_every_quantity_is_on_the_page_under_its_own_mark(client):
    client.force_login(catalogue.member(Role.VIEWER))
    page = client.get("/quantities/").content.decode()
    assert [one for one in ATTRIBUTES if f'id="{one}"' not in page] == []
    assert "Mean Sobel gradient modulus" in page
    assert "any sample" in page


def test_a_stranger_signs_in_first(client):
    assert client.get("/quantities/").status_code == 302


def test_the_api_lists_the_same():
    api = APIClient()
    assert api.get("/api/v1/attributes/").status_code == 401
    api.force_authenticate(catalogue.member(Role.VIEWER))
    rows = {row["id"]: row for row in api.get("/api/v1/attributes/").json()}
    assert list(rows) == list(ATTRIBUTES)
    assert rows["ssim"]["harmful"] == "down"
