"""What the catalogue's API takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from instruments.models import (
    Detector,
    Instrument,
    LightSource,
    Objective,
    OpticalPath,
    PathChannel,
    ServiceEvent,
    ServiceKind,
)

if TYPE_CHECKING:
    from typing import ClassVar


class ServiceEventInput(serializers.Serializer):
    """A service event to record."""

    kind = serializers.ChoiceField(choices=ServiceKind.choices)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(help_text="Back in use; new baselines begin here.")
    text = serializers.CharField(required=False, allow_blank=True, default="")
    components = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class ServiceEventOutput(serializers.ModelSerializer):
    """A service event."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    recorded_by = serializers.CharField(source="recorded_by.username", default=None, read_only=True)
    resets = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Groups of attributes.")

    class Meta:
        model = ServiceEvent
        fields = ("id", "instrument", "kind", "started_at", "ended_at", "text", "components", "recorded_by", "resets")


class ObjectiveOutput(serializers.ModelSerializer):
    """A lens."""

    class Meta:
        model = Objective
        fields = (
            "id",
            "name",
            "serial_number",
            "installed_on",
            "removed_on",
            "numerical_aperture",
            "magnification",
            "immersion",
            "refractive_index",
        )


class LightSourceOutput(serializers.ModelSerializer):
    """A light source."""

    class Meta:
        model = LightSource
        fields = ("id", "name", "serial_number", "installed_on", "removed_on", "kind", "wavelength_nm")


class DetectorOutput(serializers.ModelSerializer):
    """A detector."""

    class Meta:
        model = Detector
        fields = (
            "id",
            "name",
            "serial_number",
            "installed_on",
            "removed_on",
            "kind",
            "quantum_efficiency",
            "cooled",
            "bit_depth",
        )


class PathChannelOutput(serializers.ModelSerializer):
    """A channel of an optical path."""

    class Meta:
        model = PathChannel
        fields = ("index", "name", "detector", "excitation_nm", "emission_nm")


class OpticalPathOutput(serializers.ModelSerializer):
    """An optical path and its channels."""

    channels = PathChannelOutput(many=True, read_only=True)

    class Meta:
        model = OpticalPath
        fields = ("id", "name", "objective", "light_source", "pinhole_au", "channels")


class InstrumentOutput(serializers.ModelSerializer):
    """An instrument as it stands in a room."""

    class Meta:
        model = Instrument
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "slug",
            "name",
            "manufacturer",
            "model",
            "serial_number",
            "technique",
            "room",
            "installed_on",
            "state",
        )
