"""Forms of the catalogue."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from instruments.models import ServiceEvent

_MINUTE = "%Y-%m-%dT%H:%M"


def _moment() -> forms.DateTimeInput:
    """Return the browser's own picker of a date and a time."""
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MINUTE)


class ServiceEventForm(forms.ModelForm):
    """What was done, when, to which parts."""

    class Meta:
        model = ServiceEvent
        fields = ("kind", "started_at", "ended_at", "components", "text")
        labels: ClassVar = {
            "kind": "What was done",
            "started_at": "Started [UTC]",
            "ended_at": "Back in use [UTC]",
            "components": "Parts touched",
            "text": "Report",
        }
        help_texts: ClassVar = {
            "kind": "Decides which control charts begin a new baseline.",
            "ended_at": "New baselines begin here.",
            "components": "For example: NDD detector, 20× objective.",
            "text": "What was found and what was done; the next engineer reads this.",
        }
        widgets: ClassVar = {
            "started_at": _moment(),
            "ended_at": _moment(),
            "text": forms.Textarea(attrs={"rows": 4}),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot have happened so, beside the field that is wrong."""
        super().clean()
        started_at, ended_at = self.cleaned_data.get("started_at"), self.cleaned_data.get("ended_at")
        if started_at and ended_at and ended_at < started_at:
            self.add_error("ended_at", "The end lies before the start. Correct one of the two times.")
        if ended_at and ended_at > timezone.now():
            self.add_error("ended_at", "This lies in the future. Record the event once the instrument is back in use.")
        return self.cleaned_data
