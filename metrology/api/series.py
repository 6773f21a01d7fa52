"""Series under /api/v1/series/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.attributes.registry import ATTRIBUTES
from metrology.models import Series, Verdict
from metrology.selectors.series import series_csv, series_get, series_list
from metrology.selectors.vocabulary import unit_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class SeriesFilters(django_filters.FilterSet):
    """Which series to list."""

    instrument = django_filters.CharFilter(field_name="instrument__slug", label="Slug of the instrument.")
    attribute = django_filters.CharFilter(field_name="attribute_id", label="Id of the attribute.")
    standard = django_filters.NumberFilter(field_name="standard_id", label="Id of the standard.")
    channel = django_filters.NumberFilter(label="Channel, from 0.")
    status = django_filters.ChoiceFilter(field_name="assessment__status", choices=Verdict.choices)

    class Meta:
        model = Series
        fields = ()


class SeriesOutput(serializers.ModelSerializer):
    """A series and its latest value; the unit is empty for pure numbers."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    optical_path = serializers.CharField(
        source="optical_path.name", default=None, allow_null=True, help_text="Null for figures of a power meter."
    )
    light_source = serializers.IntegerField(
        source="light_setting.light_source_id",
        default=None,
        allow_null=True,
        help_text="Id of the light source, for figures of a power meter.",
    )
    setting_percent = serializers.FloatField(
        source="light_setting.setting_percent", default=None, allow_null=True, help_text="Its setting [%]."
    )
    standard_name = serializers.CharField(source="standard.name")
    attribute = serializers.CharField(source="attribute_id")
    name = serializers.SerializerMethodField()
    unit = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    latest_value = serializers.FloatField(source="assessment.latest_value", default=None, allow_null=True)
    latest_z = serializers.FloatField(
        source="assessment.latest_z", default=None, allow_null=True, help_text="[σ], harm upwards."
    )

    class Meta:
        model = Series
        fields = (
            "id",
            "instrument",
            "optical_path",
            "light_source",
            "setting_percent",
            "standard",
            "standard_name",
            "attribute",
            "name",
            "unit",
            "channel",
            "algorithm_version",
            "status",
            "latest_value",
            "latest_z",
        )

    @extend_schema_field(serializers.ChoiceField(choices=Verdict.choices))
    def get_status(self, series: Series) -> str:
        """Return the verdict on the series; "no data" until it was judged."""
        assessment = getattr(series, "assessment", None)
        return assessment.status if assessment else Verdict.NO_DATA

    def get_name(self, series: Series) -> str:
        """Return the attribute's name."""
        return ATTRIBUTES[series.attribute_id].name

    def get_unit(self, series: Series) -> str:
        """Return the attribute's unit."""
        return unit_of(ATTRIBUTES[series.attribute_id])


class PointOutput(serializers.Serializer):
    """A point of the chart."""

    date = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    uncertainty = serializers.FloatField(
        allow_null=True, help_text="Standard error, in the unit of the series; null where it is not known."
    )
    z = serializers.FloatField(allow_null=True, help_text="Distance from the baseline [σ], harm upwards.")
    ewma = serializers.FloatField(allow_null=True, help_text="Moving average, in the unit of the series.")
    statuses = serializers.CharField(help_text="How it stands, separated by spaces; 'invalid' is not charted.")
    verdict = serializers.ChoiceField(
        choices=["within", "beyond", "cannot tell"],
        allow_blank=True,
        help_text="How the value lies to the limits of its day; empty where there were none or it is not charted.",
    )
    acquisition = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class EpochOutput(serializers.Serializer):
    """A baseline: centre and limits in the unit of the series, sigma on the chart's scale."""

    index = serializers.IntegerField()
    start = serializers.DateTimeField()
    opened_by = serializers.CharField()
    service_event = serializers.IntegerField(allow_null=True)
    stage = serializers.CharField()
    centre = serializers.FloatField(allow_null=True)
    sigma = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    autocorrelation = serializers.FloatField(allow_null=True)


class SignalOutput(serializers.Serializer):
    """What a chart signalled, and since when."""

    kind = serializers.CharField()
    date = serializers.DateTimeField()
    acquisition = serializers.IntegerField()
    since = serializers.DateTimeField()
    since_low = serializers.DateTimeField()
    since_high = serializers.DateTimeField()
    magnitude_sigma = serializers.FloatField(allow_null=True)


class LimitValuesOutput(serializers.Serializer):
    """Absolute limits in the unit of the series."""

    tolerance_low = serializers.FloatField(allow_null=True)
    tolerance_high = serializers.FloatField(allow_null=True)
    action_low = serializers.FloatField(allow_null=True)
    action_high = serializers.FloatField(allow_null=True)


class SeriesDetailOutput(serializers.Serializer):
    """A series with its points, baselines, signals and limits."""

    series = SeriesOutput()
    definition = serializers.CharField(source="attribute.definition")
    reference = serializers.CharField(source="attribute.reference")
    harmful = serializers.CharField(source="attribute.harmful")
    summary = serializers.CharField()
    certainty = serializers.CharField(
        help_text="What uncertainty and verdict of the points mean; empty where none is known."
    )
    price = serializers.CharField(help_text="False alarms a year and how long a drift goes unseen, in words.")
    limits = LimitValuesOutput()
    epochs = EpochOutput(many=True)
    signals = SignalOutput(many=True)
    points = PointOutput(many=True, source="rows")


class SeriesViewSet(viewsets.GenericViewSet[Series]):
    """Figures over time."""

    queryset = Series.objects.none()
    serializer_class = SeriesOutput
    filterset_class = SeriesFilters

    def get_queryset(self) -> QuerySet[Series]:
        """Return the series of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return series_list(facility_of(self.request.user))

    @extend_schema(responses=SeriesOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's series, the most urgent first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(SeriesOutput(page, many=True).data)

    @extend_schema(responses=SeriesDetailOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a series with its points, baselines, signals and limits."""
        return Response(SeriesDetailOutput(series_get(facility_of(request.user), pk)).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def values(self, request: Request, pk: int) -> HttpResponse:
        """Return the points of a series as a CSV file."""
        return HttpResponse(
            series_csv(series_get(facility_of(request.user), pk)), content_type="text/csv; charset=utf-8"
        )
