"""Addresses of this app under /api/v1/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.routers import SimpleRouter

from enhancement.api.viewsets import CaseViewSet, ModelViewSet, RestoredViewSet, RunViewSet

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

router = SimpleRouter()
router.register("cases", CaseViewSet, basename="api-case")
router.register("runs", RunViewSet, basename="api-run")
router.register("models", ModelViewSet, basename="api-model")
router.register("restored", RestoredViewSet, basename="api-restored")

urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
