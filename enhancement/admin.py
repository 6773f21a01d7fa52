"""Administration: cases to look through; trainings, models and restored images read-only, because history is immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from enhancement.models import Case, RestorationModel, RestoredImage, TrainingRun, TrainingSet

if TYPE_CHECKING:
    from django.http import HttpRequest


class ReadOnly(admin.ModelAdmin):
    """Rows that only services change."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nothing is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nothing is deleted by hand."""
        return False


@admin.register(Case)
class CaseAdmin(ReadOnly):
    """Cases."""

    list_display = ["title", "instrument", "state", "opened_by", "opened_at"]
    list_filter = ["state", "instrument"]
    list_select_related = ["instrument", "opened_by"]


@admin.register(TrainingSet)
class TrainingSetAdmin(ReadOnly):
    """Frozen manifests."""

    list_display = ["case", "source", "pair_count", "sha256", "made_at"]
    list_filter = ["source"]
    list_select_related = ["case"]


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    """Trainings."""

    list_display = ["id", "case", "architecture", "state", "progress", "epoch", "queued_at"]
    list_filter = ["state", "architecture"]
    list_select_related = ["case"]


@admin.register(RestorationModel)
class RestorationModelAdmin(ReadOnly):
    """Models."""

    list_display = ["name", "instrument", "kind", "state", "gate_passed", "made_at"]
    list_filter = ["state", "kind", "instrument"]
    list_select_related = ["instrument"]


@admin.register(RestoredImage)
class RestoredImageAdmin(ReadOnly):
    """Restored images."""

    list_display = ["id", "acquisition", "model", "state", "queued_at"]
    list_filter = ["state"]
    list_select_related = ["acquisition", "model"]
