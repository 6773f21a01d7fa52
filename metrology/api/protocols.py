"""Protocols under /api/v1/protocols/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.response import Response

from instruments.models import Facility, OpticalPath
from instruments.selectors.membership import facility_of
from metrology.models import Protocol, StandardKind
from metrology.selectors.protocols import protocol_get, protocol_list
from metrology.services.protocols import protocol_open

if TYPE_CHECKING:
    from typing import Any

    from django.db.models import QuerySet
    from rest_framework.request import Request


class ProtocolFilters(django_filters.FilterSet):
    """Which protocols to list."""

    standard_kind = django_filters.ChoiceFilter(choices=StandardKind.choices)
    optical_path = django_filters.NumberFilter(field_name="optical_path")

    class Meta:
        model = Protocol
        fields = ()


class RequirementField(serializers.Serializer):
    """A setting that a scan must have."""

    setting = serializers.CharField(help_text="Name of the field of the file's metadata, for example gain.")
    channel = serializers.IntegerField(allow_null=True, default=None, help_text="From 0; null for the whole image.")
    value = serializers.JSONField(help_text="A number, or the word that the file states.")
    tolerance = serializers.FloatField(default=0.0, help_text="How far a number may lie from it, in its own unit.")


class ProtocolInput(serializers.Serializer):
    """A new version."""

    standard_kind = serializers.ChoiceField(choices=StandardKind.choices)
    optical_path: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=OpticalPath.objects.none(),
        allow_null=True,
        default=None,
        help_text="Null: all paths without their own.",
    )
    required_settings = RequirementField(many=True)
    interval_days = serializers.IntegerField(default=7, min_value=1, max_value=3650)
    valid_from = serializers.DateTimeField(allow_null=True, default=None, help_text="Null: from now on.")
    text = serializers.CharField(default="", allow_blank=True)

    def __init__(self, *args: Any, facility: Facility | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        paths = OpticalPath.objects.filter(instrument__facility=facility)
        self.fields["optical_path"].queryset = paths  # type: ignore[attr-defined]  # a PrimaryKeyRelatedField


class ProtocolOutput(serializers.ModelSerializer):
    """A version of a protocol."""

    required_settings = RequirementField(many=True)
    opened_by = serializers.CharField(source="opened_by.username", default=None, allow_null=True)
    scans = serializers.IntegerField(help_text="Scans made by it.")

    class Meta:
        model = Protocol
        fields = (
            "id",
            "standard_kind",
            "optical_path",
            "version",
            "valid_from",
            "interval_days",
            "required_settings",
            "text",
            "opened_by",
            "scans",
        )


class ProtocolViewSet(viewsets.GenericViewSet[Protocol]):
    """How standards are scanned; a change is a new version."""

    queryset = Protocol.objects.none()
    serializer_class = ProtocolOutput
    filterset_class = ProtocolFilters

    def get_queryset(self) -> QuerySet[Protocol]:
        """Return the protocols of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return protocol_list(facility_of(self.request.user))

    @extend_schema(responses=ProtocolOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's protocols, all versions."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(ProtocolOutput(page, many=True).data)

    @extend_schema(responses=ProtocolOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a protocol."""
        return Response(ProtocolOutput(protocol_get(facility_of(request.user), pk)).data)

    @extend_schema(request=ProtocolInput, responses={201: ProtocolOutput})
    def create(self, request: Request) -> Response:
        """Open a new version (staff); scans acquired since it is valid are measured anew."""
        facility = facility_of(request.user)
        given = ProtocolInput(data=request.data, facility=facility)
        given.is_valid(raise_exception=True)
        opened = protocol_open(user=request.user, **given.validated_data)
        return Response(ProtocolOutput(protocol_get(facility, opened.pk)).data, status=status.HTTP_201_CREATED)
