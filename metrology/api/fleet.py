"""Instruments and how they are, under /api/v1/instruments/."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.api.serializers import (
    DetectorOutput,
    InstrumentOutput,
    LightSourceOutput,
    ObjectiveOutput,
    OpticalPathOutput,
    ServiceEventOutput,
)
from instruments.models import Instrument
from instruments.selectors.instruments import instrument_get, instrument_list
from instruments.selectors.membership import facility_of
from metrology.models import Health
from metrology.selectors.history import history_progress
from metrology.selectors.instrument_page import instrument_page
from metrology.services.history import history_cancel, history_remeasure

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class HealthOutput(serializers.ModelSerializer):
    """The verdict on an instrument."""

    reasons = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Health
        fields = ("verdict", "reasons", "last_scan_at", "next_due_at", "urgency", "assessed_at")


class InstrumentHealthOutput(InstrumentOutput):
    """An instrument and the verdict on it; `health` is null until it was scanned."""

    health = HealthOutput(read_only=True, default=None, allow_null=True)

    class Meta(InstrumentOutput.Meta):
        fields: ClassVar[tuple[str, ...]] = (*InstrumentOutput.Meta.fields, "health")


class VerdictStepOutput(serializers.Serializer):
    """From when a verdict held."""

    since = serializers.DateTimeField()
    verdict = serializers.CharField()


class InstrumentDetailOutput(serializers.Serializer):
    """An instrument with its parts, its history and its open flag."""

    instrument = InstrumentHealthOutput()
    history = VerdictStepOutput(many=True, help_text="Verdicts in time order; each holds until the next.")
    objectives = ObjectiveOutput(many=True)
    light_sources = LightSourceOutput(many=True)
    detectors = DetectorOutput(many=True)
    optical_paths = OpticalPathOutput(many=True)
    service_events = ServiceEventOutput(many=True)
    open_flag = serializers.IntegerField(allow_null=True, help_text="Id of the unresolved flag.")


class RemeasuredOutput(serializers.Serializer):
    """How many scans wait to be measured again."""

    waiting = serializers.IntegerField()


class RemeasuringOutput(serializers.Serializer):
    """A history that is measured again; all counts 0 where none is."""

    total = serializers.IntegerField(default=0, help_text="Scans of it.")
    done = serializers.IntegerField(default=0, help_text="Measured again, or failed.")
    waiting = serializers.IntegerField(default=0, help_text="No worker has taken them yet: these can be stopped.")
    running = serializers.IntegerField(default=0)
    asked_at = serializers.DateTimeField(default=None, allow_null=True)
    asked_by = serializers.CharField(default="", allow_blank=True, help_text="Empty for the command line.")


class StoppedOutput(serializers.Serializer):
    """How many scans are as they were before."""

    stopped = serializers.IntegerField()


class InstrumentViewSet(viewsets.GenericViewSet[Instrument]):
    """Instruments of the caller's facility."""

    queryset = Instrument.objects.none()
    serializer_class = InstrumentHealthOutput
    lookup_field = "slug"
    filterset_fields = ("room", "technique", "state", "health__verdict")

    def get_queryset(self) -> QuerySet[Instrument]:
        """Return the instruments of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return instrument_list(facility_of(self.request.user)).select_related("health")

    @extend_schema(responses=InstrumentHealthOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's instruments with their verdict."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(InstrumentHealthOutput(page, many=True).data)

    @extend_schema(responses=InstrumentDetailOutput)
    def retrieve(self, request: Request, slug: str) -> Response:
        """Return an instrument with its parts, its history and its open flag."""
        page = instrument_page(facility_of(request.user), slug)
        history = page.health.history if page.health else []
        body = {
            "instrument": page.instrument,
            "history": [
                {"since": datetime.fromisoformat(step["from"]), "verdict": step["verdict"]} for step in history
            ],
            "objectives": page.objectives,
            "light_sources": page.light_sources,
            "detectors": page.detectors,
            "optical_paths": page.paths,
            "service_events": page.events,
            "open_flag": page.open_flag.pk if page.open_flag else None,
        }
        return Response(InstrumentDetailOutput(body).data)

    @extend_schema(request=None, responses={202: RemeasuredOutput})
    def measure(self, request: Request, slug: str) -> Response:
        """Measure the history of an instrument again (staff); figures that are there stay."""
        waiting = history_remeasure(instrument_get(facility_of(request.user), slug), user=request.user)
        return Response({"waiting": waiting}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=RemeasuringOutput)
    def measuring(self, request: Request, slug: str) -> Response:
        """Say how far the history is that is measured again."""
        progress = history_progress(instrument_get(facility_of(request.user), slug))
        return Response(RemeasuringOutput(progress or {}).data)

    @extend_schema(request=None, responses=StoppedOutput)
    def measure_cancel(self, request: Request, slug: str) -> Response:
        """Stop measuring a history again (staff): what still waits is as it was before, with its figures."""
        stopped = history_cancel(instrument_get(facility_of(request.user), slug), user=request.user)
        return Response({"stopped": stopped})
