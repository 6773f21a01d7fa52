"""Administration of the catalogue: what people type in once. Those who are no superusers see their own facility only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import DateTimeField

from instruments.forms import ServiceEventForm
from instruments.models import (
    Detector,
    Facility,
    Instrument,
    LightSource,
    Membership,
    Objective,
    OpticalPath,
    PathChannel,
    ServiceEvent,
)
from instruments.selectors.membership import membership_of
from instruments.services.service_events import service_event_record

if TYPE_CHECKING:
    from django.db.models import ForeignKey, QuerySet
    from django.forms import ModelChoiceField
    from django.http import HttpRequest


class FacilityMixin:
    """Limits rows, and choices of rows, to the facility of whoever administrates.

    `facility_lookups` says for each model by which lookup its facility is found.
    """

    facility_lookups: ClassVar[dict[str, str]] = {
        "instruments.Facility": "pk",
        "instruments.Membership": "facility",
        "instruments.Instrument": "facility",
        "instruments.Objective": "instrument__facility",
        "instruments.LightSource": "instrument__facility",
        "instruments.Detector": "instrument__facility",
        "instruments.OpticalPath": "instrument__facility",
        "instruments.ServiceEvent": "instrument__facility",
        "metrology.Standard": "facility",
        "metrology.Protocol": "facility",
        "metrology.Limits": "facility",
        "metrology.Acquisition": "facility",
        "metrology.PowerRecord": "acquisition__facility",
        "metrology.ReferenceAcquisition": "instrument__facility",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the facility."""
        return self._limited(super().get_queryset(request), request)  # type: ignore[misc]  # mixed into a ModelAdmin

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **options: Any) -> ModelChoiceField:
        """Offer the rows of the facility."""
        rows = options.get("queryset", db_field.related_model._default_manager.all())
        options["queryset"] = self._limited(rows, request)
        field: ModelChoiceField = super().formfield_for_foreignkey(db_field, request, **options)  # type: ignore[misc]  # mixed into a ModelAdmin
        return field

    def _limited(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        lookup = self.facility_lookups.get(rows.model._meta.label)
        if lookup is None or getattr(request.user, "is_superuser", False):
            return rows
        found = membership_of(request.user)
        return rows.none() if found is None else rows.filter(**{lookup: found.facility_id})


class FacilityAdmin(FacilityMixin, admin.ModelAdmin):
    """Administration of a table of one facility."""


class PartInline(FacilityMixin, admin.TabularInline):
    """A part of an instrument."""

    extra = 0
    show_change_link = True


class ObjectiveInline(PartInline):
    """Lenses."""

    model = Objective


class LightSourceInline(PartInline):
    """Lasers, LEDs and lamps."""

    model = LightSource


class DetectorInline(PartInline):
    """Photomultipliers and cameras."""

    model = Detector


class OpticalPathInline(PartInline):
    """Ways of imaging; their channels are on their own page."""

    model = OpticalPath


class PathChannelInline(PartInline):
    """Channels of the files that a path writes."""

    model = PathChannel


class MembershipInline(PartInline):
    """People of a facility."""

    model = Membership
    autocomplete_fields = ("user",)


@admin.register(Facility)
class FacilityTableAdmin(FacilityAdmin):
    """Facilities and their people."""

    list_display = ("name", "slug")
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(FacilityAdmin):
    """Who may do what."""

    list_display = ("user", "facility", "role")
    list_filter = ("role",)
    list_select_related = ("user", "facility")
    autocomplete_fields = ("user",)


@admin.register(Instrument)
class InstrumentAdmin(FacilityAdmin):
    """Instruments with their parts and paths."""

    list_display = ("name", "manufacturer", "model", "serial_number", "technique", "room", "state")
    list_filter = ("technique", "state")
    search_fields = ("name", "model", "serial_number")
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    inlines = (ObjectiveInline, LightSourceInline, DetectorInline, OpticalPathInline)


@admin.register(OpticalPath)
class OpticalPathAdmin(FacilityAdmin):
    """Optical paths with their channels."""

    list_display = ("name", "instrument", "objective", "light_source", "pinhole_au")
    list_filter = ("instrument",)
    list_select_related = ("instrument", "objective", "light_source")
    inlines = (PathChannelInline,)


@admin.register(Objective)
class ObjectiveAdmin(FacilityAdmin):
    """Lenses."""

    list_display = (
        "name",
        "instrument",
        "magnification",
        "numerical_aperture",
        "immersion",
        "installed_on",
        "removed_on",
    )
    list_filter = ("instrument", "immersion")
    list_select_related = ("instrument",)


@admin.register(LightSource)
class LightSourceAdmin(FacilityAdmin):
    """Lasers, LEDs and lamps."""

    list_display = ("name", "instrument", "kind", "wavelength_nm", "installed_on", "removed_on")
    list_filter = ("instrument", "kind")
    list_select_related = ("instrument",)


@admin.register(Detector)
class DetectorAdmin(FacilityAdmin):
    """Photomultipliers and cameras."""

    list_display = ("name", "instrument", "kind", "quantum_efficiency", "bit_depth", "installed_on", "removed_on")
    list_filter = ("instrument", "kind")
    list_select_related = ("instrument",)


@admin.register(ServiceEvent)
class ServiceEventAdmin(FacilityAdmin):
    """What was done to instruments: recorded as on the instrument's page, which has it judged anew, and then kept."""

    form = ServiceEventForm
    formfield_overrides: ClassVar = {DateTimeField: {"form_class": forms.DateTimeField}}  # one box, as the form has it
    fields = ("instrument", *ServiceEventForm.Meta.fields)
    list_display = ("instrument", "kind", "started_at", "ended_at", "recorded_by")
    list_filter = ("instrument", "kind")
    list_select_related = ("instrument", "recorded_by")
    date_hierarchy = "ended_at"

    def save_model(self, request: HttpRequest, obj: ServiceEvent, *_: Any) -> None:
        """Record a new event by the service, which has the instrument judged anew and ends the use of its models."""
        recorded = service_event_record(
            user=request.user,
            instrument=obj.instrument,
            kind=obj.kind,
            started_at=obj.started_at,
            ended_at=obj.ended_at,
            text=obj.text,
            components=obj.components,
        )
        obj.pk = recorded.pk

    def has_change_permission(self, _request: HttpRequest, _obj: ServiceEvent | None = None) -> bool:
        """Refuse changes: verdicts were given by what an event says."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: ServiceEvent | None = None) -> bool:
        """Refuse deletion: what was done to an instrument stays done."""
        return False
