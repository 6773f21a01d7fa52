"""The drawings of a standard sample on the page of an acquisition, and their numbers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.models import JobState
from common.permissions import Role
from metrology.models import StandardKind
from metrology.selectors.figures import figures_path
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def slide(media_root):
    """A measured z-stack of a slide whose worker noted the brightness of its slices."""
    row = scan(StandardKind.SLIDE, size_z=3)
    figures_path(row).parent.mkdir(parents=True)
    numbers = {"mean_counts": [1.0, 5.0, 2.0], "z_step_um": 0.5, "width": None}
    figures_path(row).write_text(json.dumps({"channels": [{"depth": numbers}, {}]}))
    return row


def scan(kind, **fields):
    facility = catalogue.facility()
    known = {"state": JobState.DONE, "size_t": 1, "size_c": 2, "size_z": 1, "size_y": 64, "size_x": 64, "bit_depth": 12}
    return acquisitions.acquisition(facility, standard=acquisitions.standard(facility, kind=kind), **known | fields)


def page(row, name="acquisition-drawings", *more):
    return reverse(f"metrology:{name}", args=[row.pk, *more])


def sign_in(client, row, role=Role.VIEWER):
    client.force_login(catalogue.member(role, of=row.facility))


def test_the_page_asks_for_them_and_they_are_drawn_with_words_table_and_csv(client, slide):
    sign_in(client, slide)
    whole = client.get(slide.get_absolute_url()).content.decode()
    assert f'hx-get="{page(slide)}"' in whole
    assert "plotly" not in whole  # the picture does not wait for it
    part = client.get(page(slide)).content.decode()
    assert "plotly-cartesian.min.js" in part
    assert "Brightness over depth" in part
    assert "Mean of each of 3 slices. It is no peak within the stack." in part
    assert '<td class="num">0.5</td><td class="num">5.0</td>' in part
    assert page(slide, "acquisition-drawing-csv", 0, "depth") in part
    assert "Channel 0" in part
    assert "Channel 1" not in part


def test_the_csv_holds_the_numbers_of_the_chart(client, slide):
    sign_in(client, slide)
    answer = client.get(page(slide, "acquisition-drawing-csv", 0, "depth"))
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows == [["z [µm]", "mean [counts]"], ["0.0", "1.0"], ["0.5", "5.0"], ["1.0", "2.0"]]


@pytest.mark.parametrize(("channel", "name"), [(0, "tiles"), (1, "depth"), (7, "depth")])
def test_a_drawing_that_is_not_there_is_not_found(client, slide, channel, name):
    sign_in(client, slide)
    assert client.get(page(slide, "acquisition-drawing-csv", channel, name)).status_code == 404


@pytest.mark.parametrize(("role", "hint"), [(Role.OPERATOR, False), (Role.VIEWER, True)])
def test_a_scan_measured_before_there_were_any_says_measure_again(client, media_root, role, hint):
    row = scan(StandardKind.BEADS, size_z=9)
    sign_in(client, row, role)
    part = client.get(page(row)).content.decode()
    assert "measure again to see" in part
    assert ("An operator may." in part) is hint
    assert client.get(page(row, "acquisition-drawing-csv", 0, "psf")).status_code == 404


def test_a_sample_that_tells_nothing_says_so(client, slide):
    figures_path(slide).write_text(json.dumps({"channels": [{}, {}]}))
    sign_in(client, slide)
    assert "Nothing of this sample can be drawn" in client.get(page(slide)).content.decode()


@pytest.mark.parametrize("kind", [StandardKind.MARBLES, StandardKind.OTHER])
def test_a_plain_scan_has_no_charts_and_loads_no_plotting(client, kind):
    row = scan(kind)
    sign_in(client, row)
    whole = client.get(row.get_absolute_url()).content.decode()
    assert page(row) not in whole
    assert "plotly" not in whole


def test_strangers_see_neither_page_nor_numbers(client, slide):
    addresses = [page(slide), page(slide, "acquisition-drawing-csv", 0, "depth")]
    assert [client.get(one).status_code for one in addresses] == [302, 302]
    client.force_login(catalogue.member(Role.STAFF))
    assert [client.get(one).status_code for one in addresses] == [404, 404]


class TestTheApi:
    """GET /api/v1/acquisitions/<id>/figures/."""

    def ask(self, row, user):
        client = APIClient()
        if user is not None:
            client.force_authenticate(user)
        return client.get(reverse("api-acquisition-figures", args=[row.pk]))

    def test_gives_the_numbers_that_are_drawn(self, slide):
        answer = self.ask(slide, catalogue.member(Role.VIEWER, of=slide.facility))
        assert answer.status_code == 200
        assert answer.json() == json.loads(figures_path(slide).read_text())

    def test_says_what_to_do_where_there_are_none(self):
        row = scan(StandardKind.MARBLES)
        answer = self.ask(row, catalogue.member(Role.VIEWER, of=row.facility))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "measure" in answer.json()["message"]

    def test_knows_facilities(self, slide):
        assert self.ask(slide, None).status_code == 401
        assert self.ask(slide, catalogue.member(Role.STAFF)).status_code == 404
