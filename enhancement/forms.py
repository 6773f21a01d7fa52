"""What people fill in to train and to decide."""

from __future__ import annotations

from typing import Any

from django import forms

from enhancement.models import PairSource
from enhancement.networks.catalogue import ARCHITECTURES
from enhancement.training.config import PRESETS


def preset_choices() -> list[tuple[str, str]]:
    """Return the presets with how long they take at most."""
    return [(name, _preset_label(name, settings)) for name, settings in PRESETS.items()]


def _preset_label(name: str, settings: dict[str, Any]) -> str:
    limit = settings.get("max_seconds")
    return f"{name}: at most {limit / 60:.0f} min" if limit else f"{name}: {settings.get('epochs')} epochs, hours"


class TrainingForm(forms.Form):
    """How to train."""

    preset = forms.ChoiceField(choices=preset_choices, label="How long")
    architecture = forms.ChoiceField(
        choices=lambda: [("", "the preset's own"), *((entry.id, entry.name) for entry in ARCHITECTURES.values())],
        required=False,
        label="Network",
    )
    pair_source = forms.ChoiceField(
        choices=[("", "the best there is"), *PairSource.choices], required=False, label="Pairs from"
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, help_text="Decides the split and the drawing of patches."
    )

    def settings(self) -> dict[str, Any]:
        """Return the arguments of `training_start`."""
        given = self.cleaned_data
        return {
            "preset": given["preset"],
            "architecture": given["architecture"] or None,
            "pair_source": given["pair_source"] or None,
            "seed": given["seed"],
        }


class DecisionForm(forms.Form):
    """Why a model is released or rejected."""

    text = forms.CharField(
        required=False, max_length=2000, label="Reason, for the record", widget=forms.Textarea(attrs={"rows": 2})
    )


class CaseForm(forms.Form):
    """What to open a case for."""

    flag = forms.IntegerField(required=False, min_value=1)
    instrument = forms.SlugField(required=False)
    title = forms.CharField(required=False, max_length=160)
