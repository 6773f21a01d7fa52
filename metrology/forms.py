"""Forms of the pages on which files come in and are corrected, limits are set and protocols opened; filters of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.db.models import Q

from common.errors import InputError
from common.models import JobState
from instruments.models import Instrument, OpticalPath
from instruments.selectors.instruments import instrument_list
from instruments.selectors.membership import membership_of
from metrology.models import Acquisition, Standard, StandardKind, Validity
from metrology.selectors.standards import standards_imaged
from metrology.services.limits import LimitValues
from metrology.watching.folder import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from instruments.models import Facility
    from metrology.imaging.comparability import Requirement
    from metrology.models import Protocol

FROM_FILE = "read from the file"
MOMENT = "%Y-%m-%dT%H:%M:%S"


class PathChoice(forms.ModelChoiceField):
    """Optical paths, named with their instrument."""

    def label_from_instance(self, obj: OpticalPath) -> str:
        """Write instrument and path."""
        return f"{obj.instrument} · {obj}"


class ManyFiles(forms.ClearableFileInput):
    """A field for many files at once."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """The files of an upload, as a list; an empty file is left to the service, whose sentence says what to do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=ManyFiles(attrs={"accept": ",".join(sorted(ENDINGS))}), **options)
        self.allow_empty_file = True

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Check that there is at least one."""
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(one, initial) for one in files or [None]]


class AboutForm(forms.Form):
    """What can be said about a file; every field may be left to the file."""

    instrument = forms.ModelChoiceField(Instrument.objects.none(), required=False, empty_label=FROM_FILE)
    optical_path = PathChoice(OpticalPath.objects.none(), required=False, empty_label=FROM_FILE)
    standard = forms.ModelChoiceField(Standard.objects.none(), required=False, empty_label="read from label or name")
    acquired_at = forms.DateTimeField(
        required=False,
        label="Acquired [UTC]",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format=MOMENT),
        help_text="Empty: read from the file.",
    )
    label = forms.CharField(required=False, max_length=200, help_text="Empty: the image's name in the file.")

    def __init__(self, *args: Any, facility: Facility, **options: Any) -> None:
        super().__init__(*args, **options)
        paths = OpticalPath.objects.filter(instrument__facility=facility).select_related("instrument")
        for name, rows in (
            ("instrument", instrument_list(facility)),
            ("optical_path", paths.order_by("instrument__name", "name")),
            ("standard", standards_imaged(facility)),
        ):
            field = self.fields[name]
            field.queryset = rows  # type: ignore[attr-defined]  # these three are ModelChoiceFields


class UploadForm(AboutForm):
    """Many files and what is said about all of them."""

    images = ManyFilesField(label="Images")
    field_order = ("images", "instrument", "optical_path", "standard", "acquired_at", "label")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["instrument"].to_field_name = "slug"  # type: ignore[attr-defined]  # a ModelChoiceField; by slug as in the API, to which the script sends the same values

    @property
    def about(self) -> list[forms.BoundField]:
        """The fields that describe the files."""
        return [self[name] for name in self.fields if name != "images"]

    @property
    def said(self) -> dict[str, Any]:
        """What was said, for the service."""
        return {name: value for name, value in self.cleaned_data.items() if name != "images"}


class ConfirmForm(AboutForm):
    """Confirms or corrects one acquisition."""

    pixel_size_um = forms.FloatField(required=False, min_value=1e-4, label="Pixel size [µm]")
    z_step_um = forms.FloatField(required=False, min_value=1e-4, label="Distance of slices [µm]")

    @classmethod
    def of(cls, acquisition: Acquisition) -> ConfirmForm:
        """Return the form as it stands before anything is typed: with what is known."""
        known = {name: getattr(acquisition, name) for name in cls.base_fields}
        return cls(initial=known, facility=acquisition.facility)


class AcquisitionFilters(django_filters.FilterSet):
    """Which acquisitions to list; the page and the API share it."""

    instrument = django_filters.ModelChoiceFilter(
        queryset=lambda request: _of_facility(Instrument, request), empty_label="any instrument"
    )
    standard = django_filters.ModelChoiceFilter(
        queryset=lambda request: _of_facility(Standard, request), empty_label="any standard"
    )
    state = django_filters.ChoiceFilter(choices=JobState.choices, empty_label="any state")
    validity = django_filters.ChoiceFilter(choices=Validity.choices, empty_label="any validity")
    since = django_filters.DateFilter(
        field_name="acquired_at",
        lookup_expr="date__gte",
        label="Acquired from",
        widget=forms.DateInput({"type": "date"}),
    )
    until = django_filters.DateFilter(
        field_name="acquired_at", lookup_expr="date__lte", label="until", widget=forms.DateInput({"type": "date"})
    )
    text = django_filters.CharFilter(method="with_text", label="Text", widget=forms.TextInput({"type": "search"}))

    class Meta:
        model = Acquisition
        fields = ()

    def with_text(self, rows: QuerySet[Acquisition], _name: str, text: str) -> QuerySet[Acquisition]:
        """Keep those whose label, file name or field of view contains the text."""
        return rows.filter(
            Q(label__icontains=text) | Q(original_name__icontains=text) | Q(field_of_view__icontains=text)
        )


def _of_facility(model: Any, request: Any) -> QuerySet[Any]:
    """Return the rows of the facility of whoever asks; none where nobody does (the schema)."""
    found = membership_of(request.user) if request is not None else None
    rows: QuerySet[Any] = model.objects.none() if found is None else model.objects.filter(facility=found.facility)
    return rows


class ProtocolForm(forms.Form):
    """A new version of a protocol: for what, from when on, and which of the offered settings a scan must have."""

    standard_kind = forms.ChoiceField(choices=StandardKind.choices, label="Standard")
    optical_path = PathChoice(OpticalPath.objects.none(), required=False, empty_label="all paths without their own")
    interval_days = forms.IntegerField(min_value=1, max_value=3650, initial=7, label="Scan every [days]")
    valid_from = forms.DateTimeField(
        required=False,
        label="Valid from [UTC]",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format=MOMENT),
        help_text="Empty: from now on. Scans acquired since are measured anew.",
    )
    text = forms.CharField(
        required=False,
        label="Why, and how to scan",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to whoever scans.",
    )

    def __init__(
        self,
        data: Any,
        *,
        facility: Facility,
        acquisition: Acquisition | None,
        earlier: Protocol | None,
        offered: Sequence[tuple[Requirement, bool]],
    ) -> None:
        known: dict[str, Any] = {}
        if earlier is not None:
            known = {name: getattr(earlier, name) for name in ("standard_kind", "optical_path", "interval_days")}
        if acquisition is not None:
            known["optical_path"] = acquisition.optical_path
            if acquisition.standard is not None:
                known["standard_kind"] = acquisition.standard.kind
        super().__init__(data, initial=known)
        paths = OpticalPath.objects.filter(instrument__facility=facility).select_related("instrument")
        self.fields["optical_path"].queryset = paths.order_by("instrument__name", "name")  # type: ignore[attr-defined]  # a ModelChoiceField
        self.offered = list(offered)
        for place, (one, asked) in enumerate(self.offered):
            word = isinstance(one.value, str)
            self.fields[f"asked_{place}"] = forms.BooleanField(required=False, initial=asked, label=one.label)
            self.fields[f"value_{place}"] = (forms.CharField if word else forms.FloatField)(
                required=False, initial=one.value, label=f"Value of {one.label}"
            )
            if not word:
                self.fields[f"tolerance_{place}"] = forms.FloatField(
                    required=False, min_value=0, initial=one.tolerance, label=f"Tolerance of {one.label}"
                )

    @property
    def about(self) -> list[forms.BoundField]:
        """The fields that describe the version."""
        return [self[name] for name in self.base_fields]

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The offered settings, each with its fields, for the table."""
        return [
            {
                "requirement": one,
                "asked": self[f"asked_{place}"],
                "value": self[f"value_{place}"],
                "tolerance": self[f"tolerance_{place}"] if f"tolerance_{place}" in self.fields else None,
            }
            for place, (one, _) in enumerate(self.offered)
        ]

    @property
    def said(self) -> dict[str, Any]:
        """What was said, for the service."""
        given = self.cleaned_data
        required = [
            {
                **one.as_json(),
                "value": given[f"value_{place}"],
                "tolerance": given.get(f"tolerance_{place}") or 0.0,
            }
            for place, (one, _) in enumerate(self.offered)
            if given[f"asked_{place}"]
        ]
        return {**{name: given[name] for name in self.base_fields}, "required_settings": required}


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
