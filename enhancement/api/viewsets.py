"""Cases, trainings, models and restored images under /api/v1/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from enhancement.api import serializers as io
from enhancement.models import Case, RestorationModel, RestoredImage, TrainingRun
from enhancement.selectors.cases import case_get, case_list, flag_for_case, run_get, run_list
from enhancement.selectors.files import restored_file
from enhancement.selectors.models import (
    acquisition_for_restoration,
    model_get,
    model_list,
    restored_get,
    restored_list,
)
from enhancement.services.cases import case_close, case_open
from enhancement.services.releases import model_reject, model_release
from enhancement.services.restoration import restoration_cancel, restoration_request
from enhancement.services.training import run_cancel, run_resume, training_start
from instruments.selectors.instruments import instrument_get
from instruments.selectors.membership import facility_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

ID = [OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH)]
NUMBER = r"\d+"
"""What an id looks like in an address; anything else is not found."""


def checked(serializer: type[Any], request: Request) -> dict[str, Any]:
    """Return what was sent, checked."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


@extend_schema(tags=["cases"])
class CaseViewSet(mixins.ListModelMixin, GenericViewSet[Case]):
    """Restoration cases."""

    serializer_class = io.CaseOutput
    queryset = Case.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[Case]:
        """Return the facility's cases."""
        return case_list(facility_of(self.request.user))

    @extend_schema(parameters=ID)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one case."""
        return Response(io.CaseOutput(case_get(facility_of(request.user), int(pk))).data)

    @extend_schema(request=io.CaseInput, responses={201: io.CaseOutput})
    def create(self, request: Request) -> Response:
        """Open a case, or return the open one of the flag."""
        given, facility = checked(io.CaseInput, request), facility_of(request.user)
        case = case_open(
            user=request.user,
            instrument=instrument_get(facility, given["instrument"]) if "instrument" in given else None,
            flag=flag_for_case(facility, given["flag"]) if "flag" in given else None,
            title=given["title"],
        )
        return Response(io.CaseOutput(case).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=ID, request=None, responses=io.CaseOutput)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: int) -> Response:
        """Close a case."""
        case = case_close(user=request.user, case=case_get(facility_of(request.user), int(pk)))
        return Response(io.CaseOutput(case).data)


@extend_schema(tags=["trainings"])
class RunViewSet(mixins.ListModelMixin, GenericViewSet[TrainingRun]):
    """Trainings."""

    serializer_class = io.RunOutput
    queryset = TrainingRun.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Return the facility's trainings."""
        return run_list(facility_of(self.request.user))

    @extend_schema(parameters=ID, responses=io.RunDetailOutput)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one training with its history, comparison and verdict."""
        return Response(io.RunDetailOutput(run_get(facility_of(request.user), int(pk))).data)

    @extend_schema(request=io.RunInput, responses={201: io.RunOutput})
    def create(self, request: Request) -> Response:
        """Start a training; staff only."""
        given = checked(io.RunInput, request)
        case = case_get(facility_of(request.user), given.pop("case"))
        run = training_start(user=request.user, case=case, **given)
        return Response(io.RunOutput(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=ID, request=None, responses=io.RunOutput)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a training; staff only."""
        run_cancel(user=request.user, run=run_get(facility_of(request.user), int(pk)))
        return Response(io.RunOutput(run_get(facility_of(request.user), int(pk))).data)

    @extend_schema(parameters=ID, request=None, responses=io.RunOutput)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Let a failed or cancelled training go on from its last checkpoint; staff only."""
        run_resume(user=request.user, run=run_get(facility_of(request.user), int(pk)))
        return Response(io.RunOutput(run_get(facility_of(request.user), int(pk))).data)


@extend_schema(tags=["models"])
class ModelViewSet(mixins.ListModelMixin, GenericViewSet[RestorationModel]):
    """Models."""

    serializer_class = io.ModelOutput
    queryset = RestorationModel.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[RestorationModel]:
        """Return the facility's models."""
        return model_list(facility_of(self.request.user))

    @extend_schema(parameters=ID)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one model with its card."""
        return Response(io.ModelOutput(model_get(facility_of(request.user), int(pk))).data)

    @extend_schema(parameters=ID, request=io.DecisionInput, responses=io.ModelOutput)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: int) -> Response:
        """Release a model; staff only."""
        model = model_get(facility_of(request.user), int(pk))
        decided = model_release(user=request.user, model=model, text=checked(io.DecisionInput, request)["text"])
        return Response(io.ModelOutput(decided).data)

    @extend_schema(parameters=ID, request=io.DecisionInput, responses=io.ModelOutput)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: int) -> Response:
        """Reject a model; staff only."""
        model = model_get(facility_of(request.user), int(pk))
        decided = model_reject(user=request.user, model=model, text=checked(io.DecisionInput, request)["text"])
        return Response(io.ModelOutput(decided).data)


@extend_schema(tags=["restored"])
class RestoredViewSet(mixins.ListModelMixin, GenericViewSet[RestoredImage]):
    """Restored images."""

    serializer_class = io.RestoredOutput
    queryset = RestoredImage.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[RestoredImage]:
        """Return the facility's restored images."""
        return restored_list(facility_of(self.request.user))

    @extend_schema(parameters=ID)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one restored image."""
        return Response(io.RestoredOutput(restored_get(facility_of(request.user), int(pk))).data)

    @extend_schema(request=io.RestoredInput, responses={201: io.RestoredOutput, 200: io.RestoredOutput})
    def create(self, request: Request) -> Response:
        """Ask for a restoration; 200 where there is one already."""
        given, facility = checked(io.RestoredInput, request), facility_of(request.user)
        image, created = restoration_request(
            user=request.user,
            acquisition=acquisition_for_restoration(facility, given["acquisition"]),
            model=model_get(facility, given["model"]) if "model" in given else None,
        )
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(io.RestoredOutput(image).data, status=code)

    @extend_schema(parameters=ID, request=None, responses=io.RestoredOutput)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a restoration (operators and staff): a waiting one ends at once, a running one at its next tile."""
        restoration_cancel(user=request.user, image=restored_get(facility_of(request.user), int(pk)))
        return Response(io.RestoredOutput(restored_get(facility_of(request.user), int(pk))).data)

    @extend_schema(
        parameters=ID, responses={(200, "image/tiff"): OpenApiResponse(OpenApiTypes.BINARY, description="OME-TIFF")}
    )
    @action(detail=True, methods=["get"])
    def download(self, request: Request, pk: int) -> FileResponse:
        """Return the OME-TIFF."""
        image = restored_get(facility_of(request.user), int(pk))
        file = restored_file(image).open("rb")
        return FileResponse(
            file, content_type="image/tiff", as_attachment=True, filename=f"restored_{image.pk}.ome.tif"
        )
