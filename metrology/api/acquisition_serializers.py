"""What the acquisitions' endpoints take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from instruments.models import Instrument, OpticalPath
from metrology.models import Acquisition, FieldRole, Standard

if TYPE_CHECKING:
    from instruments.models import Facility


class AboutInput(serializers.Serializer):
    """What can be said about a file; what is left out is read from it."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="slug", queryset=Instrument.objects.none(), required=False, help_text="Slug of the instrument."
    )
    optical_path: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=OpticalPath.objects.none(), required=False
    )
    standard: serializers.PrimaryKeyRelatedField = serializers.PrimaryKeyRelatedField(
        queryset=Standard.objects.none(), required=False
    )
    label = serializers.CharField(required=False, allow_blank=True, max_length=200)  # type: ignore[assignment]  # a field of this name hides the serializer's own label, which nothing reads
    acquired_at = serializers.DateTimeField(required=False)
    field_of_view = serializers.CharField(required=False, allow_blank=True, max_length=80)
    field_role = serializers.ChoiceField(choices=FieldRole.choices, required=False)

    def __init__(self, *args: Any, facility: Facility | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if facility is not None:  # None while the schema is drawn
            for name, rows in (
                ("instrument", Instrument.objects.filter(facility=facility)),
                ("optical_path", OpticalPath.objects.filter(instrument__facility=facility)),
                ("standard", Standard.objects.filter(facility=facility)),
            ):
                self.fields[name].queryset = rows  # type: ignore[attr-defined]  # these three are related fields


class AcquisitionInput(AboutInput):
    """A file to take in."""

    # the service's own sentence says what to do about an empty file
    file = serializers.FileField(allow_empty_file=True, use_url=False, help_text="TIFF, OME-TIFF or Zeiss LSM.")


class CorrectionInput(AboutInput):
    """What to confirm or correct."""

    pixel_size_um = serializers.FloatField(required=False, help_text="[µm]")
    z_step_um = serializers.FloatField(required=False, help_text="[µm]")


class AcquisitionOutput(serializers.ModelSerializer):
    """An acquisition in a list."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="Its page.")

    class Meta:
        model = Acquisition
        fields = (
            "id",
            "url",
            "original_name",
            "label",
            "instrument",
            "optical_path",
            "light_setting",
            "standard",
            "acquired_at",
            "field_of_view",
            "field_role",
            "uploaded_at",
            "state",
            "progress",
            "stage",
            "error_code",
            "error_message",
            "validity",
            "validity_reason",
        )
        read_only_fields = fields


class IngestedOutput(AcquisitionOutput):
    """An acquisition as it came in."""

    duplicate = serializers.BooleanField(read_only=True, help_text="The facility had this content already.")
    message = serializers.CharField(read_only=True)

    class Meta(AcquisitionOutput.Meta):
        fields = (*AcquisitionOutput.Meta.fields, "duplicate", "message")  # type: ignore[assignment]  # longer tuple
        read_only_fields = fields  # type: ignore[assignment]  # longer tuple


class FigureOutput(serializers.Serializer):
    """A figure of an acquisition."""

    attribute_id = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    channel = serializers.IntegerField()
    value = serializers.FloatField()
    uncertainty = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    z = serializers.FloatField(allow_null=True, help_text="Against the baseline, harm upwards.")
    series_id = serializers.IntegerField(allow_null=True)
    algorithm_version = serializers.IntegerField(help_text="Of the quantity's definition.")
    protocol = serializers.CharField(help_text="By which it was charted; empty where it belongs to no series.")


class FailureOutput(serializers.Serializer):
    """A figure that could not be had."""

    name = serializers.CharField()
    channel = serializers.IntegerField()
    message = serializers.CharField()


class AcquisitionDetailOutput(AcquisitionOutput):
    """An acquisition with all that is known of it."""

    sha256 = serializers.CharField(source="stored_file.sha256", read_only=True)
    size_bytes = serializers.IntegerField(source="stored_file.size_bytes", read_only=True)
    figures = FigureOutput(source="told.figures", many=True, read_only=True)
    earlier_figures = FigureOutput(
        source="told.earlier",
        many=True,
        read_only=True,
        help_text="By an earlier version, by another protocol, or from before it had a standard.",
    )
    failures_explained = FailureOutput(source="told.failures", many=True, read_only=True)

    class Meta(AcquisitionOutput.Meta):
        fields = (  # type: ignore[assignment]  # longer tuple
            *AcquisitionOutput.Meta.fields,
            "sha256",
            "size_bytes",
            "sources",
            "metadata",
            "file_format",
            "size_t",
            "size_c",
            "size_z",
            "size_y",
            "size_x",
            "bit_depth",
            "pixel_size_um",
            "z_step_um",
            "slice_z",
            "tile_grid",
            "corrections",
            "figures",
            "earlier_figures",
            "failures_explained",
        )
        read_only_fields = fields  # type: ignore[assignment]  # longer tuple
