"""What the API gives and takes; input and output apart."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from enhancement.models import Case, ModelState, PairSource, RestorationModel, RestoredImage, TrainingRun
from enhancement.networks.catalogue import ARCHITECTURES
from enhancement.training.config import PRESETS


class CaseOutput(serializers.ModelSerializer[Case]):
    """A case."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Case
        fields = ["id", "url", "title", "instrument", "flag", "state", "opened_at", "closed_at"]
        read_only_fields = fields


class CaseInput(serializers.Serializer[Any]):
    """What to open a case for: a flag, or an instrument."""

    flag = serializers.IntegerField(required=False, min_value=1)
    instrument = serializers.SlugField(required=False, help_text="Slug of the instrument.")
    title = serializers.CharField(required=False, max_length=160, default="", allow_blank=True)


class RunOutput(serializers.ModelSerializer[TrainingRun]):
    """A training, without its history."""

    manifest_sha256 = serializers.CharField(source="training_set.sha256", read_only=True)
    pair_source = serializers.ChoiceField(source="training_set.source", choices=PairSource.choices, read_only=True)
    pair_count = serializers.IntegerField(source="training_set.pair_count", read_only=True)

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "case",
            "state",
            "progress",
            "stage",
            "architecture",
            "seed",
            "epoch",
            "epochs_planned",
            "best_epoch",
            "eta_seconds",
            "stopped_by",
            "pair_source",
            "pair_count",
            "manifest_sha256",
            "queued_at",
            "started_at",
            "finished_at",
            "error_code",
            "error_message",
        ]
        read_only_fields = fields


class RunDetailOutput(RunOutput):
    """A training with everything it left."""

    manifest = serializers.JSONField(source="training_set.manifest", read_only=True)

    class Meta(RunOutput.Meta):
        fields = [*RunOutput.Meta.fields, "config", "history", "comparison", "gate", "manifest"]
        read_only_fields = fields


class RunInput(serializers.Serializer[Any]):
    """How to train."""

    case = serializers.IntegerField(min_value=1)
    preset = serializers.ChoiceField(choices=list(PRESETS), default="quick")
    architecture = serializers.ChoiceField(choices=list(ARCHITECTURES), required=False)
    pair_source = serializers.ChoiceField(choices=PairSource.choices, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    config = serializers.DictField(
        required=False,
        help_text="Settings that replace those of the preset, by name, as a run's own `config` shows them.",
    )


class ModelOutput(serializers.ModelSerializer[RestorationModel]):
    """A model with its card."""

    instrument: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    state = serializers.ChoiceField(choices=ModelState.choices, read_only=True)

    class Meta:
        model = RestorationModel
        fields = [
            "id",
            "url",
            "name",
            "kind",
            "case",
            "run",
            "instrument",
            "optical_path",
            "input_channel",
            "state",
            "gate_passed",
            "weights_sha256",
            "card",
            "envelope",
            "made_at",
            "decided_at",
            "decision_text",
            "expires_at",
            "expired_because",
        ]
        read_only_fields = fields


class DecisionInput(serializers.Serializer[Any]):
    """Why."""

    text = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class RestoredOutput(serializers.ModelSerializer[RestoredImage]):
    """A restored image."""

    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = RestoredImage
        fields = [
            "id",
            "url",
            "acquisition",
            "model",
            "state",
            "progress",
            "stage",
            "cancel_requested",
            "sha256",
            "size_bytes",
            "slice_z",
            "warnings",
            "scores",
            "preview_window",
            "queued_at",
            "finished_at",
            "error_code",
            "error_message",
        ]
        read_only_fields = fields


class RestoredInput(serializers.Serializer[Any]):
    """What to restore, and with which model."""

    acquisition = serializers.IntegerField(min_value=1)
    model = serializers.IntegerField(
        min_value=1, required=False, help_text="The instrument's released one if left out."
    )
