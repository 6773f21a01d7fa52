"""Acquisitions under /api/v1/acquisitions/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status, viewsets
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.response import Response

from instruments.selectors.membership import facility_of
from metrology.api.acquisition_serializers import (
    AcquisitionDetailOutput,
    AcquisitionInput,
    AcquisitionOutput,
    CorrectionInput,
    IngestedOutput,
)
from metrology.forms import AcquisitionFilters
from metrology.models import Acquisition
from metrology.selectors.acquisitions import acquisition_get, acquisition_list, figures_told
from metrology.selectors.files import opened
from metrology.services.confirm import acquisition_confirm, acquisition_remeasure
from metrology.services.ingest import acquisition_ingest

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class AcquisitionViewSet(viewsets.GenericViewSet[Acquisition]):
    """Files that came in, with their figures."""

    queryset = Acquisition.objects.none()
    serializer_class = AcquisitionOutput
    filterset_class = AcquisitionFilters
    parser_classes = (MultiPartParser, FormParser, JSONParser)

    def get_queryset(self) -> QuerySet[Acquisition]:
        """Return the acquisitions of the caller's facility."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return acquisition_list(facility_of(self.request.user))

    @extend_schema(responses=AcquisitionOutput(many=True))
    def list(self, _request: Request) -> Response:
        """List the facility's acquisitions, the latest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(AcquisitionOutput(page, many=True).data)

    @extend_schema(
        request={"multipart/form-data": AcquisitionInput},
        responses={
            201: IngestedOutput,
            200: OpenApiResponse(IngestedOutput, description="The same content was here before; nothing was added."),
        },
    )
    def create(self, request: Request) -> Response:
        """Take in a file: it is kept, and a worker reads and measures it."""
        facility = facility_of(request.user)
        given = AcquisitionInput(data=request.data, facility=facility)
        given.is_valid(raise_exception=True)
        said: dict[str, Any] = dict(given.validated_data)
        file = said.pop("file")
        ingested = acquisition_ingest(
            facility=facility, source=file, original_name=file.name, user=request.user, **said
        )
        found = AcquisitionOutput(ingested.acquisition).data
        body = {**found, "duplicate": ingested.duplicate, "message": ingested.message}
        return Response(body, status=status.HTTP_200_OK if ingested.duplicate else status.HTTP_201_CREATED)

    @extend_schema(responses=AcquisitionDetailOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return an acquisition with its figures and all that its file says."""
        return Response(_detail(acquisition_get(facility_of(request.user), pk)))

    @extend_schema(request=CorrectionInput, responses=AcquisitionDetailOutput)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Confirm or correct what is known of an acquisition; it is measured anew where that changes its figures."""
        row = acquisition_get(facility_of(request.user), pk)
        given = CorrectionInput(data=request.data, facility=row.facility)
        given.is_valid(raise_exception=True)
        acquisition_confirm(row, user=request.user, **given.validated_data)
        return Response(_detail(acquisition_get(row.facility, pk)))

    @extend_schema(request=None, responses=AcquisitionOutput)
    def measure(self, request: Request, pk: int) -> Response:
        """Measure an acquisition again."""
        row = acquisition_get(facility_of(request.user), pk)
        acquisition_remeasure(row, user=request.user)
        return Response(AcquisitionOutput(acquisition_get(row.facility, pk)).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def original(self, request: Request, pk: int) -> FileResponse:
        """Return the original, byte by byte as it came."""
        row = acquisition_get(facility_of(request.user), pk)
        return FileResponse(opened(row.stored_file.path), as_attachment=True, filename=row.original_name)


def _detail(row: Acquisition) -> dict[str, Any]:
    """Return an acquisition with its figures."""
    row.told = figures_told(row)  # type: ignore[attr-defined]  # read by the serializer
    found: dict[str, Any] = AcquisitionDetailOutput(row).data
    return found
