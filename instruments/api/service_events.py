"""Service events under /api/v1/instruments/<slug>/service-events/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.response import Response

from instruments.api.serializers import ServiceEventInput, ServiceEventOutput
from instruments.models import ServiceEvent
from instruments.selectors.instruments import instrument_get, service_event_list
from instruments.selectors.membership import facility_of
from instruments.services.service_events import service_event_record

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class ServiceEventList(generics.ListAPIView[ServiceEvent]):
    """What was done to an instrument."""

    serializer_class = ServiceEventOutput

    def get_queryset(self) -> QuerySet[ServiceEvent]:
        """Return the events of the instrument named in the address."""
        if getattr(self, "swagger_fake_view", False):
            return ServiceEvent.objects.none()
        instrument = instrument_get(facility_of(self.request.user), self.kwargs["slug"])
        return service_event_list(instrument).select_related("instrument", "recorded_by")

    @extend_schema(summary="List the service events of an instrument, latest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the service events of an instrument, latest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Record a service event",
        description="Operators and staff. The instrument is judged anew; its baselines may begin again.",
        request=ServiceEventInput,
        responses={201: ServiceEventOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Record a service event."""
        instrument = instrument_get(facility_of(request.user), slug)
        given = ServiceEventInput(data=request.data)
        given.is_valid(raise_exception=True)
        event = service_event_record(user=request.user, instrument=instrument, **given.validated_data)
        return Response(ServiceEventOutput(event).data, status=status.HTTP_201_CREATED)
