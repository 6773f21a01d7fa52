"""What is said about a file in the metadata of its upload: the same as with any other way in, by name or number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from rest_framework import serializers

from common.errors import InputError
from instruments.models import Instrument, OpticalPath
from metrology.api.acquisition_serializers import AboutInput
from metrology.models import Standard

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from instruments.models import Facility
    from metrology.services.given import Given

OF_CLIENTS = frozenset({"filetype", "type", "name", "relativePath", "size", "lastModified", "contentType"})
"""What ordinary clients add of their own accord, and nobody here reads."""


class Named(serializers.RelatedField):
    """A row by its name or slug, or by its number where only digits are given."""

    def __init__(self, *, also: str = "pk", **options: Any) -> None:
        self.also = also
        super().__init__(**options)

    def to_internal_value(self, data: str) -> Any:
        """Find the row."""
        if self.also == "pk":
            wanted = Q(pk=int(data)) if data.isascii() and data.isdigit() and len(data) < 19 else Q(name=data)
        else:
            wanted = Q(**{self.also: data}) | Q(name=data)
        rows: QuerySet[Any] = self.get_queryset()  # type: ignore[assignment]  # each of these fields is given one
        found = list(rows.filter(wanted)[:2])
        if len(found) == 1:
            return found[0]
        if found:
            raise serializers.ValidationError(f"'{data}' may mean more than one; give its number.")
        known = ", ".join(sorted({str(row) for row in rows[:20]})) or "none yet"
        raise serializers.ValidationError(f"There is no '{data}'. Known: {known}.")

    def to_representation(self, value: Any) -> str:
        """Name the row."""
        return str(value)


class UploadAbout(AboutInput):
    """What the metadata of an upload may say."""

    instrument = Named(also="slug", queryset=Instrument.objects.none(), required=False)  # type: ignore[assignment]  # by name too, not by slug alone
    optical_path = Named(queryset=OpticalPath.objects.none(), required=False)  # type: ignore[assignment]  # by name too
    standard = Named(queryset=Standard.objects.none(), required=False)  # type: ignore[assignment]  # by name too

    def __init__(self, *args: Any, facility: Facility | None = None, **options: Any) -> None:
        super().__init__(*args, facility=facility, **options)
        named = getattr(self, "initial_data", {}).get("instrument")
        if named:  # paths of several instruments may share a name
            paths = self.fields["optical_path"]
            paths.queryset = paths.queryset.filter(  # type: ignore[attr-defined]  # a related field
                Q(instrument__slug=named) | Q(instrument__name=named)
            )


def about(said: dict[str, str], facility: Facility) -> Given:
    """Check what the metadata says about a file.

    Raises
    ------
    InputError
        A key that nobody reads, or a value that names nothing.
    """
    given = {key: value for key, value in said.items() if key not in OF_CLIENTS and value}
    unknown = given.keys() - UploadAbout().fields.keys()
    if unknown:
        raise InputError(
            f"Nothing is known of {', '.join(sorted(unknown))}.",
            hint=f"Upload-Metadata may say filename, head, sha256, {', '.join(UploadAbout().fields)}.",
            keys=sorted(unknown),
        )
    checked = UploadAbout(data=given, facility=facility)
    if not checked.is_valid():
        problems = {name: " ".join(map(str, said)) for name, said in checked.errors.items()}
        raise InputError(
            " ".join(f"{name.replace('_', ' ').capitalize()}: {said}" for name, said in problems.items()),
            hint="Correct what is said about the file, then send it again.",
            fields=problems,
        )
    return checked.validated_data  # type: ignore[no-any-return]  # the fields are the keys of a Given
