"""The form in which staff set absolute limits."""

from __future__ import annotations

from typing import Any

from django import forms

from common.errors import InputError
from metrology.services.limits import LimitValues


class LimitsForm(forms.Form):
    """Tolerance and action limits in the unit of the series; empty fields mean no limit."""

    action_low = forms.FloatField(required=False, label="Action, low")
    tolerance_low = forms.FloatField(required=False, label="Tolerance, low")
    tolerance_high = forms.FloatField(required=False, label="Tolerance, high")
    action_high = forms.FloatField(required=False, label="Action, high")
    whole_facility = forms.BooleanField(
        required=False,
        label="For all instruments of the facility",
        help_text="Those with limits of their own keep them.",
    )
    reason = forms.CharField(
        max_length=200, label="Reason", help_text="Shown beside the limits, for example the clause of the contract."
    )

    def clean(self) -> dict[str, Any]:
        """Refuse limits that contradict one another."""
        super().clean()
        if not self.errors:
            try:
                self.values().check()
            except InputError as error:
                self.add_error(None, str(error))
        return self.cleaned_data

    def values(self) -> LimitValues:
        """Return the limits that were typed."""
        names = ("tolerance_low", "tolerance_high", "action_low", "action_high")
        return LimitValues(**{name: self.cleaned_data.get(name) for name in names})
