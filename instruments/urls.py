"""Pages of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from instruments import views

app_name = "instruments"

urlpatterns: list[URLPattern] = [
    path("instruments/<slug:slug>/service-events/new/", views.service_event_create, name="service-event-create"),
]
