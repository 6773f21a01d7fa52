"""Administration of standards, protocols and limits; what was measured can be looked at but not changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from instruments.admin import FacilityAdmin
from metrology.models import Acquisition, Limits, PowerReading, PowerRecord, Protocol, ReferenceAcquisition, Standard
from metrology.selectors.standards import standard_is_scanned
from metrology.services.standards import FIXED_ONCE_SCANNED

if TYPE_CHECKING:
    from django.http import HttpRequest


class HistoryAdmin(FacilityAdmin):
    """A table that only services write: history is never changed."""

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody changes history."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody deletes history."""
        return False


@admin.register(Standard)
class StandardAdmin(FacilityAdmin):
    """Physical samples."""

    list_display = ("name", "kind", "lot", "bead_diameter_um", "facility")
    list_filter = ("kind",)
    search_fields = ("name", "lot")
    list_select_related = ("facility",)

    def get_readonly_fields(self, _request: HttpRequest, obj: Standard | None = None) -> tuple[str, ...]:
        """Keep what a sample is once it has been scanned, as the service does."""
        return FIXED_ONCE_SCANNED if obj is not None and standard_is_scanned(obj) else ()


@admin.register(Protocol)
class ProtocolAdmin(FacilityAdmin):
    """How standards are scanned; a change that matters is a new version."""

    list_display = ("standard_kind", "version", "interval_days", "facility")
    list_filter = ("standard_kind",)
    list_select_related = ("facility",)


@admin.register(Limits)
class LimitsAdmin(HistoryAdmin):
    """Limits that people set: a new row, dated, never a changed one."""

    list_display = (
        "attribute_id",
        "instrument",
        "tolerance_low",
        "tolerance_high",
        "action_low",
        "action_high",
        "valid_from",
    )
    list_filter = ("instrument", "attribute_id")
    list_select_related = ("instrument",)


@admin.register(ReferenceAcquisition)
class ReferenceAcquisitionAdmin(HistoryAdmin):
    """References are chosen on the page of an acquisition."""

    list_display = ("instrument", "optical_path", "standard", "acquisition", "valid_from", "chosen_by", "ended_at")
    list_filter = ("instrument",)
    list_select_related = ("instrument", "optical_path", "standard", "acquisition", "chosen_by")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Only a valid acquisition can be chosen, which its page checks."""
        return False


@admin.register(Acquisition)
class AcquisitionAdmin(HistoryAdmin):
    """Files that came in."""

    list_display = ("original_name", "instrument", "standard", "acquired_at", "state", "validity")
    list_filter = ("state", "validity", "instrument")
    search_fields = ("original_name", "label")
    list_select_related = ("instrument", "standard")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Files come in by the upload page, the API and the command."""
        return False


class PowerReadingInline(admin.TabularInline):
    """Readings of a record, to look at."""

    model = PowerReading
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Refuse: a record is never added to."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Refuse: a record is never changed."""
        return False


@admin.register(PowerRecord)
class PowerRecordAdmin(HistoryAdmin):
    """Readings of power meters; they come in on the page of the instrument and are corrected there."""

    list_display = ("acquisition", "light_setting", "power_meter", "replaces", "reason")
    list_select_related = (
        "acquisition__light_setting__light_source",
        "acquisition__standard",
        "replaces__acquisition",
    )
    inlines = (PowerReadingInline,)

    @admin.display(description="light source")
    def light_setting(self, record: PowerRecord) -> str:
        """Return the light source and its setting."""
        return str(record.acquisition.light_setting)

    @admin.display(description="power meter")
    def power_meter(self, record: PowerRecord) -> str:
        """Return the meter."""
        return str(record.acquisition.standard)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Refuse: readings are recorded by the service, which checks and measures them."""
        return False
