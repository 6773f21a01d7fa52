"""Addresses of this app under /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path

from instruments.api.service_events import ServiceEventList

urlpatterns: list[URLPattern] = [
    path("instruments/<slug:slug>/service-events/", ServiceEventList.as_view(), name="api-service-events"),
]
