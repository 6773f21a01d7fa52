"""Flags under /api/v1/flags/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.models import Flag, FlagSignal, FlagState, FlagTransition
from metrology.selectors.flags import FlagRecord, flag_get, flag_list
from metrology.services import flag_steps

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class FlagFilters(django_filters.FilterSet):
    """Which flags to list."""

    instrument = django_filters.CharFilter(field_name="instrument__slug", label="Slug of the instrument.")
    state = django_filters.ChoiceFilter(choices=FlagState.choices)

    class Meta:
        model = Flag
        fields = ()


class CauseOutput(serializers.Serializer):
    """A hypothesis and why it is one; a hint, not a diagnosis."""

    cause = serializers.CharField()
    because = serializers.CharField(allow_blank=True, default="")


class FlagOutput(serializers.ModelSerializer):
    """A flag; `since` with its interval is when the change began."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    hypotheses = CauseOutput(many=True, read_only=True)

    class Meta:
        model = Flag
        fields = (
            "id",
            "instrument",
            "state",
            "raised_at",
            "raised_by",
            "since",
            "since_low",
            "since_high",
            "nearest_event",
            "hypotheses",
            "closed_at",
            "resolved_by",
        )


class FlagSignalOutput(serializers.ModelSerializer):
    """A series that signalled; value, limit and centre in its unit."""

    attribute = serializers.CharField(source="series.attribute_id")
    channel = serializers.IntegerField(source="series.channel")

    class Meta:
        model = FlagSignal
        fields = (
            "series",
            "attribute",
            "channel",
            "acquisition",
            "kind",
            "signalled_at",
            "since",
            "since_low",
            "since_high",
            "magnitude_sigma",
            "value",
            "limit",
            "centre",
        )


class FlagTransitionOutput(serializers.ModelSerializer):
    """A step in a flag's life; a comment where both states are the same."""

    user = serializers.CharField(source="user.username", default=None, allow_null=True)

    class Meta:
        model = FlagTransition
        fields = ("from_state", "to_state", "user", "at", "text")


class FlagDetailOutput(serializers.Serializer):
    """A flag with its evidence and its history."""

    flag = FlagOutput()
    signals = FlagSignalOutput(many=True)
    transitions = FlagTransitionOutput(many=True)


class RemarkInput(serializers.Serializer):
    """A remark that may be left out."""

    text = serializers.CharField(required=False, allow_blank=True, default="")


class ConfirmInput(RemarkInput):
    """The repeat that shows the same."""

    repeat = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="Id of an acquisition.")


class ReasonInput(serializers.Serializer):
    """A reason that must be given."""

    text = serializers.CharField()


class ResolveInput(RemarkInput):
    """The service that mended the instrument."""

    service_event = serializers.IntegerField()


class FlagViewSet(viewsets.GenericViewSet[Flag]):
    """Instruments that seem to have changed."""

    queryset = Flag.objects.none()
    serializer_class = FlagOutput
    filterset_class = FlagFilters

    def get_queryset(self) -> QuerySet[Flag]:
        """Return the flags of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return flag_list(facility_of(self.request.user))

    @extend_schema(responses=FlagOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's flags by urgency."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(FlagOutput(page, many=True).data)

    @extend_schema(responses=FlagDetailOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a flag with its evidence and its history."""
        return _detail(request, pk)

    @extend_schema(request=RemarkInput, responses=FlagDetailOutput)
    def acknowledge(self, request: Request, pk: int) -> Response:
        """Take care of a flag (operators and staff)."""
        given = RemarkInput(data=request.data)
        given.is_valid(raise_exception=True)
        flag_steps.flag_acknowledge(user=request.user, flag_id=pk, text=given.validated_data["text"])
        return _detail(request, pk)

    @extend_schema(request=ConfirmInput, responses=FlagDetailOutput)
    def confirm(self, request: Request, pk: int) -> Response:
        """Confirm a flag by a repeat acquisition (operators and staff)."""
        given = ConfirmInput(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        flag_steps.flag_confirm(user=request.user, flag_id=pk, repeat_id=said["repeat"], text=said["text"])
        return _detail(request, pk)

    @extend_schema(request=ReasonInput, responses=FlagDetailOutput)
    def dismiss(self, request: Request, pk: int) -> Response:
        """Close a flag with a reason (staff)."""
        given = ReasonInput(data=request.data)
        given.is_valid(raise_exception=True)
        flag_steps.flag_dismiss(user=request.user, flag_id=pk, reason=given.validated_data["text"])
        return _detail(request, pk)

    @extend_schema(request=ResolveInput, responses=FlagDetailOutput)
    def resolve(self, request: Request, pk: int) -> Response:
        """Close a flag by the service event that mended the instrument (operators and staff)."""
        given = ResolveInput(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        flag_steps.flag_resolve(
            user=request.user, flag_id=pk, service_event_id=said["service_event"], text=said["text"]
        )
        return _detail(request, pk)

    @extend_schema(request=ReasonInput, responses=FlagDetailOutput)
    def comment(self, request: Request, pk: int) -> Response:
        """Add a remark to a flag (operators and staff)."""
        given = ReasonInput(data=request.data)
        given.is_valid(raise_exception=True)
        flag_steps.flag_comment(user=request.user, flag_id=pk, text=given.validated_data["text"])
        return _detail(request, pk)


def _detail(request: Request, pk: int) -> Response:
    record: FlagRecord = flag_get(facility_of(request.user), pk)
    body = {
        "flag": record.flag,
        "signals": record.signals,
        "transitions": record.transitions,
    }
    return Response(FlagDetailOutput(body).data)
