"""Tags, filters and components of pages, rendered without a database."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from common.errors import AccessError, InputError
from common.templatetags import strehl

pytestmark = pytest.mark.urls(__name__)
urlpatterns: list[object] = []  # the shell stands before any page exists: entries without an address are left out


def render(source: str, **context: object) -> str:
    return Template("{% load strehl %}" + source).render(Context(context))


def component(name: str, **context: object) -> str:
    return " ".join(render_to_string(f"_components/{name}.html", context).split())


def test_quantity_is_a_tag():
    assert render('{% quantity v "µm" u %}', v=1.30217, u=0.0117).replace("\u00a0", " ") == "1.302 ± 0.012 µm"


def test_filters_write_numbers_sizes_and_times():
    text = render(
        "{{ x|significant:2 }} {{ n|file_size }} {{ d|duration }}", x=0.5, n=1500, d=datetime.timedelta(minutes=2)
    )
    assert text.replace("\u00a0", " ") == "0.50 1.5 kB 2 min 00 s"


@pytest.mark.parametrize(
    ("verdict", "symbol", "word", "css"),
    [
        ("in_control", "●", "In control", "badge-control"),
        ("watch", "▲", "Watch", "badge-watch"),
        ("degraded", "■", "Degraded", "badge-degraded"),
        ("no_data", "○", "No data", "badge-none"),
        (None, "○", "No data", "badge-none"),
    ],
)
def test_status_is_symbol_word_and_colour(verdict, symbol, word, css):
    text = component("status", verdict=verdict)
    assert symbol in text
    assert word in text
    assert css in text


def test_an_unknown_verdict_is_refused_rather_than_shown_as_something():
    with pytest.raises(InputError, match="is not a verdict"):
        strehl.status_word("fine")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (datetime.timedelta(seconds=20), "just now"),
        (datetime.timedelta(seconds=-20), "in a moment"),
        (datetime.timedelta(days=22), "3 weeks ago"),
        (datetime.timedelta(days=-3, seconds=-60), "in 3 days"),
    ],
)
def test_since_says_how_far_a_moment_is(ago, words):
    moment = timezone.now() - ago
    text = strehl.since(moment).replace("\u00a0", " ")
    assert f">{words}</time>" in text
    assert f'datetime="{moment.isoformat()}"' in text


@pytest.mark.parametrize(
    ("days", "words"), [(0, "today"), (1, "yesterday"), (-1, "tomorrow"), (21, "3 weeks ago"), (-5, "in 5 days")]
)
def test_since_takes_calendar_days(days, words):
    day = timezone.localdate() - datetime.timedelta(days=days)
    assert f">{words}</time>" in strehl.since(day).replace("\u00a0", " ")


def test_since_of_nothing_is_a_dash():
    assert strehl.since(None) == "—"


def test_present_place_is_found_by_the_beginning_of_the_url_name():
    match = SimpleNamespace(view_name="metrology:acquisition-detail")
    assert strehl.in_section(match, "metrology:flag metrology:acquisition")
    assert not strehl.in_section(match, "metrology:fleet")
    assert not strehl.in_section(None, "metrology:fleet")


def test_paging_keeps_the_filters():
    page = Paginator(range(50), 20).page(2)
    request = RequestFactory().get("/acquisitions/?instrument=3&page=2")
    text = component("pagination", page=page, noun="scans", request=request)
    assert "21–40 of 50 scans" in text
    assert 'href="?instrument=3&amp;page=1"' in text
    assert 'href="?instrument=3&amp;page=3"' in text


def test_error_shows_the_sentence_and_the_next_step_of_either_form():
    error = AccessError("Only staff may train.", hint="Ask a member of staff.")
    assert '<p class="error-problem">Only staff may train.</p><p>Ask a member of staff.</p>' in component(
        "error", error=error
    )
    assert "<p>Only staff may train. Ask a member of staff.</p>" in component("error", error=error.envelope())


def test_progress_has_a_number_and_can_be_cancelled():
    text = component("progress", percent=42.4, label="Epoch 17 of 40", cancel_url="/runs/1/cancel/")
    assert 'value="42"' in text
    assert "42 %" in text
    assert 'hx-post="/runs/1/cancel/"' in text


def test_a_field_says_where_it_came_from():
    assert "from the file" in component("field_source", source="file", detail="tag 34412")
    assert "unknown" in component("field_source", source=None)


def test_texts_of_people_are_escaped():
    assert "<b>" not in component("empty", title="<b>x</b>", text="<b>y</b>")
    assert "</script><b>" not in component("chart", summary="s", figure={"data": ["</script><b>"]}, chart_id="c")


@pytest.mark.parametrize("number", [400, 403, 404, 409, 413])
def test_error_pages_stand_without_a_user_and_without_an_error(number):
    request = RequestFactory().get("/")
    text = render_to_string(f"errors/{number}.html", {"request": request})
    assert f'<span class="muted">{number}</span>' in text
    assert 'class="error-problem"' in text


def test_page_of_a_refusal_shows_its_sentence():
    error = AccessError("Only staff may train.", hint="Ask a member of staff.")
    text = render_to_string(
        "errors/strehl_error.html", {"request": RequestFactory().get("/"), "error": error, "status": 403}
    )
    assert "Only staff may train." in text
    assert "Ask a member of staff." in text


def test_page_of_a_fault_needs_no_context_at_all():
    assert "Strehl has a fault" in render_to_string("errors/500.html")
