"""Reference acquisitions under /api/v1/references/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from django import forms
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.models import ReferenceAcquisition
from metrology.selectors.acquisitions import acquisition_get
from metrology.selectors.standards import reference_get, reference_list
from metrology.services.references import reference_set, reference_withdraw

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class TrueOrFalseFilter(django_filters.BooleanFilter):
    """A boolean filter that refuses other words; its parent takes them for no filter."""

    field_class = forms.TypedChoiceField


class ReferenceFilters(django_filters.FilterSet):
    """Which choices to list."""

    instrument = django_filters.CharFilter(field_name="instrument__slug", label="Slug of the instrument.")
    optical_path = django_filters.NumberFilter(field_name="optical_path_id", label="Id of the optical path.")
    standard = django_filters.NumberFilter(field_name="standard_id", label="Id of the standard.")
    in_force = TrueOrFalseFilter(
        choices=[("true", "true"), ("false", "false")],
        coerce=lambda said: said == "true",
        empty_value=None,
        label="Compared with now.",
    )

    class Meta:
        model = ReferenceAcquisition
        fields = ()


class ReferenceInput(serializers.Serializer):
    """Which acquisition to compare with; its own instrument, path and standard say what for."""

    acquisition = serializers.IntegerField(min_value=1)


class ReferenceOutput(serializers.ModelSerializer):
    """A choice of a reference; `ended_at` where it was withdrawn without a successor."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    in_force = serializers.BooleanField(read_only=True, help_text="Scans measured now are compared with it.")
    chosen_by = serializers.CharField(source="chosen_by.username", default=None, allow_null=True)
    ended_by = serializers.CharField(source="ended_by.username", default=None, allow_null=True)

    class Meta:
        model = ReferenceAcquisition
        fields = (
            "id",
            "instrument",
            "optical_path",
            "standard",
            "acquisition",
            "in_force",
            "valid_from",
            "chosen_by",
            "ended_at",
            "ended_by",
        )


class ReferenceViewSet(viewsets.GenericViewSet[ReferenceAcquisition]):
    """Acquisitions that later ones of the same instrument, path and standard are compared with (SSIM, PSNR …)."""

    queryset = ReferenceAcquisition.objects.none()
    serializer_class = ReferenceOutput
    filterset_class = ReferenceFilters

    def get_queryset(self) -> QuerySet[ReferenceAcquisition]:
        """Return the choices of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return reference_list(facility_of(self.request.user))

    @extend_schema(responses=ReferenceOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's choices, the latest first; `in_force=true` leaves those that are compared with now."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(ReferenceOutput(page, many=True).data)

    @extend_schema(responses=ReferenceOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one choice."""
        return Response(ReferenceOutput(reference_get(facility_of(request.user), pk)).data)

    @extend_schema(request=ReferenceInput, responses={201: ReferenceOutput})
    def create(self, request: Request) -> Response:
        """Make an acquisition the reference of those that are measured from now on (staff)."""
        facility = facility_of(request.user)
        given = ReferenceInput(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = reference_set(acquisition_get(facility, given.validated_data["acquisition"]), user=request.user)
        return Response(ReferenceOutput(reference_get(facility, chosen.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ReferenceOutput)
    def withdraw(self, request: Request, pk: int) -> Response:
        """End the comparison with a reference (staff); scans measured from now on have none."""
        facility = facility_of(request.user)
        reference_withdraw(reference_get(facility, pk), user=request.user)
        return Response(ReferenceOutput(reference_get(facility, pk)).data)
