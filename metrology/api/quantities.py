"""What is measured, under /api/v1/attributes/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from metrology.attributes.registry import ATTRIBUTES

if TYPE_CHECKING:
    from rest_framework.request import Request


class QuantityOutput(serializers.Serializer):
    """The declaration of a quantity."""

    id = serializers.CharField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    unit = serializers.CharField(help_text="The unit `1` is a pure number.")
    definition = serializers.CharField()
    harmful = serializers.CharField(help_text="Which way a change is a loss: up, down or none.")
    transform = serializers.CharField(help_text="Scale on which it is charted: log, logit or none.")
    group = serializers.CharField()
    version = serializers.IntegerField(help_text="A number under an old version never changes.")
    reference = serializers.CharField(help_text="Where the definition comes from.")
    needs = serializers.CharField(help_text="What it is computed from.")
    standards = serializers.ListField(child=serializers.CharField(), help_text="Kinds of samples; any for all.")


@extend_schema(responses=QuantityOutput(many=True))
@api_view(["GET"])
def quantity_list(_request: Request) -> Response:
    """List the declarations of all quantities."""
    return Response(QuantityOutput(ATTRIBUTES.values(), many=True).data)
