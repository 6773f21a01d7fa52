"""Power readings under /api/v1/instruments/<slug>/power/ and /api/v1/power/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.models import Instrument, LightSource
from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of
from metrology.models import PowerReading, PowerRecord, Standard
from metrology.selectors.acquisitions import FigureRow, figures_told
from metrology.selectors.power import COLUMNS, METER, instrument_of, power_record_get, power_records, records_table
from metrology.selectors.standards import power_meters
from metrology.services.power import power_correct, power_import, power_record
from metrology.services.power_table import PowerRow, table_text

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class PowerFilters(django_filters.FilterSet):
    """Which records to list."""

    light_source = django_filters.NumberFilter(
        field_name="acquisition__light_setting__light_source", label="Id of the light source."
    )
    meter = django_filters.NumberFilter(field_name="acquisition__standard", label="Id of the power meter.")

    class Meta:
        model = PowerRecord
        fields = ()


class NumberField(serializers.FloatField):
    """A number; `true` is none, though Python counts it as 1."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class ReadingInput(serializers.Serializer):
    """A reading to record."""

    setting_percent = NumberField(help_text="Setting of the light source [%], 0 to 100.")
    power_mw = NumberField(help_text="What the meter showed [mW].")
    read_at = serializers.DateTimeField(
        allow_null=True,
        default=None,
        help_text="Where each reading has its own time; within a day of its session's.",
    )


class PowerInput(serializers.Serializer):
    """Readings of one light source in one session."""

    light_source: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=LightSource.objects.none(), help_text="Id of a light source of the instrument."
    )
    meter: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=Standard.objects.none(), help_text="Id of a standard of the kind power_meter."
    )
    read_at = serializers.DateTimeField()
    readings = ReadingInput(many=True, allow_empty=False)

    def __init__(self, *args: Any, instrument: Instrument | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if instrument is not None:
            sources = LightSource.objects.filter(instrument=instrument)
            self.fields["light_source"].queryset = sources  # type: ignore[attr-defined]  # a PrimaryKeyRelatedField
            self.fields["meter"].queryset = power_meters(instrument.facility)  # type: ignore[attr-defined]  # as above

    @property
    def said(self) -> dict[str, Any]:
        """What was said, for the service."""
        rows = [PowerRow(**row) for row in self.validated_data["readings"]]
        return {**{name: value for name, value in self.validated_data.items() if name != "readings"}, "rows": rows}


class PowerCorrectionInput(PowerInput):
    """What a record should have said, all of it, and what was wrong."""

    reason = serializers.CharField(max_length=200)


class PowerTableInput(serializers.Serializer):
    """A table of readings."""

    meter: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=Standard.objects.none(), help_text="Id of a standard of the kind power_meter."
    )
    file = serializers.FileField(
        help_text=f"CSV in UTF-8 with the columns {', '.join(COLUMNS)}, and {METER} if several."
    )

    def __init__(self, *args: Any, instrument: Instrument | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if instrument is not None:
            self.fields["meter"].queryset = power_meters(instrument.facility)  # type: ignore[attr-defined]  # a PrimaryKeyRelatedField


class ReadingOutput(serializers.ModelSerializer):
    """A reading."""

    class Meta:
        model = PowerReading
        fields = ("setting_percent", "power_mw", "read_at")


class PowerFigureOutput(serializers.Serializer):
    """A figure of a record."""

    attribute = serializers.CharField(source="attribute_id")
    value = serializers.FloatField()
    uncertainty = serializers.FloatField(allow_null=True, help_text="Standard error, in the unit of the value.")
    unit = serializers.CharField(help_text="Empty for pure numbers.")
    n = serializers.IntegerField(help_text="How many readings.")
    series = serializers.IntegerField(source="series_id", allow_null=True)
    verdict = serializers.CharField(source="limit_words", help_text="How it lies to its limits; empty without any.")


class PowerOutput(serializers.ModelSerializer):
    """A record: readings of one light source in one session."""

    instrument = serializers.CharField(source="acquisition.instrument.slug")
    light_source = serializers.IntegerField(source="acquisition.light_setting.light_source_id")
    setting_percent = serializers.FloatField(
        source="acquisition.light_setting.setting_percent", help_text="At which it is charted [%]."
    )
    meter = serializers.IntegerField(source="acquisition.standard_id")
    read_at = serializers.DateTimeField(source="acquisition.acquired_at")
    recorded_at = serializers.DateTimeField(source="acquisition.uploaded_at")
    recorded_by = serializers.CharField(source="acquisition.uploaded_by.username", default=None, allow_null=True)
    state = serializers.CharField(source="acquisition.state")
    validity = serializers.CharField(source="acquisition.validity")
    replaced_by = serializers.IntegerField(source="replaced_by.pk", default=None, allow_null=True)

    class Meta:
        model = PowerRecord
        fields = (
            "id",
            "acquisition",
            "instrument",
            "light_source",
            "setting_percent",
            "meter",
            "read_at",
            "recorded_at",
            "recorded_by",
            "state",
            "validity",
            "replaces",
            "replaced_by",
            "reason",
        )


class PowerDetailOutput(PowerOutput):
    """A record with its readings and figures."""

    readings = ReadingOutput(many=True)
    figures = serializers.SerializerMethodField()

    class Meta(PowerOutput.Meta):
        fields = (*PowerOutput.Meta.fields, "readings", "figures")  # type: ignore[assignment]  # a longer tuple

    @extend_schema_field(PowerFigureOutput(many=True))
    def get_figures(self, record: PowerRecord) -> list[FigureRow]:
        """Return the figures; none until a worker has worked them out."""
        return PowerFigureOutput(figures_told(record.acquisition).figures, many=True).data  # type: ignore[return-value]  # the same as plain data


class TakenOutput(serializers.Serializer):
    """What became of the readings of one light source on one day."""

    record = PowerOutput()
    duplicate = serializers.BooleanField(help_text="The same readings were here before; nothing was added.")
    message = serializers.CharField()


SLUG = OpenApiParameter("slug", str, OpenApiParameter.PATH, description="Slug of the instrument.")


class PowerViewSet(viewsets.GenericViewSet[PowerRecord]):
    """Readings of power meters."""

    queryset = PowerRecord.objects.none()
    serializer_class = PowerOutput
    filterset_class = PowerFilters

    def get_queryset(self) -> QuerySet[PowerRecord]:
        """Return the records of the instrument."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return power_records(self._instrument(self.kwargs["slug"]))

    def _instrument(self, slug: str) -> Instrument:
        return instrument_get(facility_of(self.request.user), slug)

    @extend_schema(parameters=[SLUG], responses=PowerOutput(many=True))
    def list(self, _request: Request, slug: str) -> Response:  # noqa: ARG002  # read from self.kwargs by get_queryset
        """List the power records of an instrument, the latest readings first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(PowerOutput(page, many=True).data)

    @extend_schema(responses=PowerDetailOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a record with its readings and figures."""
        return Response(PowerDetailOutput(power_record_get(facility_of(request.user), pk)).data)

    @extend_schema(parameters=[SLUG], request=PowerInput, responses={201: TakenOutput, 200: TakenOutput})
    def create(self, request: Request, slug: str) -> Response:
        """Record readings of one light source (operators); 200 where the same readings were here before."""
        given = PowerInput(data=request.data, instrument=self._instrument(slug))
        given.is_valid(raise_exception=True)
        taken = power_record(user=request.user, **given.said)
        code = status.HTTP_200_OK if taken.duplicate else status.HTTP_201_CREATED
        return Response(TakenOutput(taken).data, status=code)

    @extend_schema(
        parameters=[SLUG],
        request={"multipart/form-data": PowerTableInput},
        responses={201: TakenOutput(many=True), 200: TakenOutput(many=True)},
    )
    def table(self, request: Request, slug: str) -> Response:
        """Bring a table of readings (operators): all of it, or nothing where a line is wrong; `details.lines` names each."""
        instrument = self._instrument(slug)
        given = PowerTableInput(data=request.data, instrument=instrument)
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        taken = power_import(
            table_text(file.read()),
            instrument=instrument,
            meter=given.validated_data["meter"],
            user=request.user,
            original_name=file.name,
        )
        added = any(not one.duplicate for one in taken)
        code = status.HTTP_201_CREATED if added else status.HTTP_200_OK
        return Response(TakenOutput(taken, many=True).data, status=code)

    @extend_schema(parameters=[SLUG], responses={(200, "text/csv"): OpenApiTypes.STR})
    def values(self, _request: Request, slug: str) -> HttpResponse:
        """Return all readings that are charted as a table; brought in again, it adds nothing."""
        rows = power_records(self._instrument(slug)).filter(replaced_by=None).prefetch_related("readings")
        return HttpResponse(records_table(rows), content_type="text/csv; charset=utf-8")

    @extend_schema(request=PowerCorrectionInput, responses={201: PowerDetailOutput})
    def correct(self, request: Request, pk: int) -> Response:
        """Put a corrected record in the place of one that was wrong (operators); the earlier one is kept, not charted."""
        record = power_record_get(facility_of(request.user), pk)
        given = PowerCorrectionInput(data=request.data, instrument=instrument_of(record))
        given.is_valid(raise_exception=True)
        corrected = power_correct(record, user=request.user, **given.said)
        body = PowerDetailOutput(power_record_get(facility_of(request.user), corrected.pk)).data
        return Response(body, status=status.HTTP_201_CREATED)
