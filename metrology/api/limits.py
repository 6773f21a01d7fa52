"""Tolerance and action limits under /api/v1/series/<id>/limits/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.models import Limits
from metrology.selectors.limits import limits_of
from metrology.selectors.series import series_row
from metrology.services.limits import LimitValues, limits_set

if TYPE_CHECKING:
    from rest_framework.request import Request


class LimitsInput(serializers.Serializer):
    """New limits in the unit of the series; null means none, and four nulls take the limits away from now on."""

    tolerance_low = serializers.FloatField(allow_null=True)
    tolerance_high = serializers.FloatField(allow_null=True)
    action_low = serializers.FloatField(allow_null=True)
    action_high = serializers.FloatField(allow_null=True)
    whole_facility = serializers.BooleanField(
        default=False, help_text="For all instruments that have no limits of their own."
    )
    reason = serializers.CharField(max_length=200, help_text="Shown beside the limits.")


class LimitsOutput(serializers.ModelSerializer):
    """Limits as they were set; `instrument` is null where they hold for the whole facility."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    attribute = serializers.CharField(source="attribute_id")
    set_by = serializers.CharField(source="set_by.username", default=None, allow_null=True)

    class Meta:
        model = Limits
        fields = (
            "id",
            "instrument",
            "attribute",
            "tolerance_low",
            "tolerance_high",
            "action_low",
            "action_high",
            "valid_from",
            "set_by",
            "reason",
        )


class SeriesLimitsOutput(serializers.Serializer):
    """The limits of a series: those that hold now (null where none was ever set), and all rows, latest first."""

    current = LimitsOutput(allow_null=True)
    history = LimitsOutput(many=True)


class SeriesLimitsViewSet(viewsets.GenericViewSet[Limits]):
    """Limits of a series."""

    queryset = Limits.objects.none()
    serializer_class = LimitsOutput
    pagination_class = None

    @extend_schema(operation_id="series_limits_retrieve", responses=SeriesLimitsOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return the limits that hold for a series now, and those that held."""
        return Response(SeriesLimitsOutput(limits_of(facility_of(request.user), pk)).data)

    @extend_schema(request=LimitsInput, responses={201: LimitsOutput})
    def create(self, request: Request, pk: int) -> Response:
        """Set new limits from now on (staff); earlier ones are kept, and the instrument is judged anew."""
        series = series_row(facility_of(request.user), pk)
        given = LimitsInput(data=request.data)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        whole_facility, reason = said.pop("whole_facility"), said.pop("reason")
        row = limits_set(
            user=request.user,
            series=series,
            values=LimitValues(**said),
            whole_facility=whole_facility,
            reason=reason,
        )
        return Response(LimitsOutput(row).data, status=status.HTTP_201_CREATED)
