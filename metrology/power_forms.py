"""Forms by which readings of a power meter come in: typed line by line, as a table, and corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from common.errors import InputError
from instruments.models import LightSource
from metrology.forms import MOMENT
from metrology.models import Standard
from metrology.selectors.power import COLUMNS
from metrology.selectors.standards import power_meters
from metrology.services.power_table import PowerRow, sessions_of, table_text

if TYPE_CHECKING:
    from instruments.models import Instrument


EXAMPLE = f"{','.join(COLUMNS)}\n488 nm,2026-05-04T09:30,10,0.412\n488 nm,2026-05-04T09:31,100,4.07"


class LightChoice(forms.ModelChoiceField):
    """Light sources, named with their wavelength where their name does not say it."""

    def label_from_instance(self, obj: LightSource) -> str:
        """Write name and wavelength."""
        line = "" if obj.wavelength_nm is None else f"{obj.wavelength_nm:g}"
        return obj.name if line in obj.name else f"{obj.name}, {line} nm"


def _power_choices(form: forms.Form, instrument: Instrument) -> None:
    """Offer the instrument's light sources, where they are asked for, and the facility's power meters."""
    meters = power_meters(instrument.facility)
    form.fields["meter"].queryset = meters  # type: ignore[attr-defined]  # a ModelChoiceField
    form.fields["meter"].initial = meters.first() if meters.count() == 1 else None
    if "light_source" in form.fields:
        sources = instrument.lightsources.all()
        form.fields["light_source"].queryset = sources  # type: ignore[attr-defined]  # a ModelChoiceField


class PowerForm(forms.Form):
    """Readings of one light source, typed line by line."""

    light_source = LightChoice(LightSource.objects.none(), label="Light source")
    meter = forms.ModelChoiceField(Standard.objects.none(), label="Power meter")
    read_at = forms.DateTimeField(
        label="Read at [UTC]", widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format=MOMENT)
    )

    def __init__(self, data: Any = None, *, instrument: Instrument, lines: int = 10) -> None:
        super().__init__(data)
        _power_choices(self, instrument)
        self.lines = range(1, lines + 1)
        for line in self.lines:
            for name, label in (("setting", "Setting [%]"), ("power", "Power [mW]")):
                self.fields[f"{name}_{line}"] = forms.FloatField(
                    required=False, label=f"{label} of reading {line}", widget=forms.NumberInput(attrs={"step": "any"})
                )

    @property
    def about(self) -> list[forms.BoundField]:
        """The fields that all readings share."""
        return [self[name] for name in self.base_fields]

    @property
    def table(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Setting and power of each line."""
        return [(self[f"setting_{line}"], self[f"power_{line}"]) for line in self.lines]

    def clean(self) -> dict[str, Any]:
        """Refuse half a line, and a table without any."""
        super().clean()
        given = self.cleaned_data
        self.rows: list[PowerRow] = []
        for line in self.lines:
            setting, power = given.get(f"setting_{line}"), given.get(f"power_{line}")
            if (setting is None) != (power is None) and not self.errors.get(f"setting_{line}"):
                missing = "power" if power is None else "setting"
                if not self.errors.get(f"{missing}_{line}"):
                    self.add_error(f"{missing}_{line}", f"Type the {missing} too, or clear this line.")
            elif setting is not None and power is not None:
                self.rows.append(PowerRow(setting, power, line=line))
        if not self.rows and not self.errors:
            self.add_error(None, "Type at least one setting and what the meter showed.")
        return given

    @property
    def said(self) -> dict[str, Any]:
        """What was said, for the service."""
        return {**{name: self.cleaned_data[name] for name in self.base_fields}, "rows": self.rows}


class PowerTableForm(forms.Form):
    """Readings of any light sources of an instrument, as a table: a file, or pasted."""

    meter = forms.ModelChoiceField(Standard.objects.none(), label="Power meter")
    file = forms.FileField(
        required=False, label="CSV file", widget=forms.ClearableFileInput({"accept": ".csv,text/csv,text/plain"})
    )
    text = forms.CharField(
        required=False,
        label="or pasted",
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono", "placeholder": EXAMPLE}),
        strip=False,
    )

    def __init__(self, data: Any = None, files: Any = None, *, instrument: Instrument, **options: Any) -> None:
        super().__init__(data, files, auto_id="table_%s", **options)  # it stands on a page beside the other form
        _power_choices(self, instrument)

    def clean(self) -> dict[str, Any]:
        """Take the file or the pasted text as the table."""
        super().clean()
        given = self.cleaned_data
        file, text = given.get("file"), given.get("text") or ""
        if not self.errors:
            try:
                given["table"] = table_text(file.read() if file else text.encode())
            except InputError as error:
                self.add_error("file" if file else "text", str(error))
            given["name"] = file.name if file else "pasted table"
        return given


class PowerCorrectionForm(PowerTableForm):
    """What a record should have said, as the table that it is written as, and why."""

    reason = forms.CharField(
        max_length=200, label="What was wrong", help_text="Shown beside both records, for example 'read in µW'."
    )
    field_order = ("reason", "meter", "text")

    def __init__(self, *args: Any, instrument: Instrument, **options: Any) -> None:
        super().__init__(*args, instrument=instrument, **options)
        del self.fields["file"]
        self.fields["text"].label = "Readings as they should be"
        self.instrument = instrument

    def clean(self) -> dict[str, Any]:
        """Read the table; a record is of one light source by one meter on one day."""
        super().clean()
        if not self.errors:
            try:
                sessions = sessions_of(self.cleaned_data["table"], self.instrument)
            except InputError as error:
                self.add_error("text", str(error))
            else:
                self.session = sessions[0]
                if len(sessions) > 1:
                    self.add_error(
                        "text", "A record is of one light source and meter on one day: correct one at a time."
                    )
        return self.cleaned_data

    @property
    def said(self) -> dict[str, Any]:
        """What was said, for the service."""
        return {
            "light_source": self.session.light_source,
            "read_at": self.session.read_at,
            "rows": self.session.rows,
            "meter": self.session.meter or self.cleaned_data["meter"],
            "reason": self.cleaned_data["reason"],
        }
