"""Standard samples under /api/v1/standards/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.models import Standard, StandardKind
from metrology.selectors.standards import standard_get, standard_list
from metrology.services.standards import standard_add, standard_change

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class StandardFilters(django_filters.FilterSet):
    """Which standards to list."""

    kind = django_filters.ChoiceFilter(choices=StandardKind.choices)

    class Meta:
        model = Standard
        fields = ()


class StandardInput(serializers.Serializer):
    """A sample to add."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=StandardKind.choices, help_text="Decides which attributes are measured.")
    lot = serializers.CharField(required=False, allow_blank=True, max_length=60)
    bead_diameter_um = serializers.FloatField(required=False, allow_null=True, help_text="Nominal diameter [µm].")


class StandardChangeInput(StandardInput):
    """What to correct; what is left out stays. Kind and diameter are fixed once the sample has been scanned."""

    name = serializers.CharField(required=False, max_length=120)
    kind = serializers.ChoiceField(choices=StandardKind.choices, required=False)


class StandardOutput(serializers.ModelSerializer):
    """A physical sample."""

    class Meta:
        model = Standard
        fields = ("id", "name", "kind", "lot", "bead_diameter_um")


class StandardViewSet(viewsets.GenericViewSet[Standard]):
    """Physical samples that are scanned again and again."""

    queryset = Standard.objects.none()
    serializer_class = StandardOutput
    filterset_class = StandardFilters

    def get_queryset(self) -> QuerySet[Standard]:
        """Return the standards of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return standard_list(facility_of(self.request.user))

    @extend_schema(responses=StandardOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's standards by kind and name."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(StandardOutput(page, many=True).data)

    @extend_schema(responses=StandardOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one standard."""
        return Response(StandardOutput(standard_get(facility_of(request.user), pk)).data)

    @extend_schema(request=StandardInput, responses={201: StandardOutput})
    def create(self, request: Request) -> Response:
        """Add a standard (staff)."""
        given = StandardInput(data=request.data)
        given.is_valid(raise_exception=True)
        standard = standard_add(user=request.user, **given.validated_data)
        return Response(StandardOutput(standard).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=StandardChangeInput, responses=StandardOutput)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Correct what is known of a standard (staff)."""
        standard = standard_get(facility_of(request.user), pk)
        given = StandardChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(StandardOutput(standard_change(standard, user=request.user, **given.validated_data)).data)
