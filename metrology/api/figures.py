"""The numbers behind the drawings of a standard sample, under /api/v1/acquisitions/<id>/figures/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from common.errors import NotFoundError
from instruments.selectors.membership import facility_of
from metrology.selectors.acquisitions import acquisition_get
from metrology.selectors.figures import figures_of

if TYPE_CHECKING:
    from rest_framework.request import Request


def _absent(words: str) -> serializers.JSONField:
    return serializers.JSONField(required=False, help_text=words)


class ChannelFiguresOutput(serializers.Serializer):
    """What is drawn of one channel; each part is there where its sample and its axes tell it."""

    beads = _absent(
        "Of a z-stack of beads: measured (places and FWHM with standard errors [µm]), rejected (places and reasons), "
        "reasons (counts), psf (sections and profiles of the mean image, parts of the peak), trend over the field "
        "[µm/µm], theory [µm], field_yx_um."
    )
    field = _absent(
        "Of a homogeneous slide: measured_percent and fitted_percent of blocks (of the brightest), their middles "
        "rows_px and columns_px, top_yx_px (brightest place of the fit [px]), profiles row and column, uniformity and "
        "centring [%]."
    )
    depth = _absent("Of a z-stack of a slide: mean_counts of each slice, z_step_um, width [µm].")
    frames = _absent(
        "Of repeated frames: mean_counts and variance_counts2 of squares of 8 pixels, line (slope and intercept with "
        "standard errors), frame_mean_counts, time_step_s, gain [e⁻/ADU], bleaching [%]; of the frames "
        "without light read_noise and offset [counts], dark_name (which scan)."
    )
    mosaic = _absent(
        "Of a tile scan: tile_mean_counts, relative_percent (of their mean), tilt (down and right with standard errors "
        "[%/mm]), steepest [%/mm], seams and range [1]."
    )


class FiguresOutput(serializers.Serializer):
    """What is drawn of an acquisition."""

    channels = ChannelFiguresOutput(many=True)


@extend_schema(responses=FiguresOutput)
@api_view(["GET"])
def acquisition_figures(request: Request, pk: int) -> Response:
    """Return the numbers behind the drawings of an acquisition of a standard sample."""
    found = figures_of(acquisition_get(facility_of(request.user), pk))
    if found is None:
        raise NotFoundError(
            f"Nothing is drawn of acquisition {pk}.",
            hint="Drawings are made of beads, slides, repeated frames and mosaics; measure the acquisition again.",
            id=pk,
        )
    return Response(FiguresOutput(found).data)
