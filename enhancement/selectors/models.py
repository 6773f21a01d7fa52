"""Reads of models and of what they restored."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q
from django.utils import timezone

from common.errors import NotFoundError
from enhancement.models import ModelState, RestorationModel, RestoredImage
from metrology.models import Acquisition

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.db.models.expressions import OrderBy

    from instruments.models import Facility


def model_list(facility: Facility, *, state: str = "") -> QuerySet[RestorationModel]:
    """Return the facility's models: released first, then the latest."""
    found = RestorationModel.objects.filter(instrument__facility=facility)
    if state in ModelState.values:
        found = found.filter(state=state)
    return (
        found.select_related("instrument", "case", "optical_path", "decided_by")
        .annotate(applied_count=Count("restored"))
        .order_by(_first(Q(state=ModelState.RELEASED)), "-made_at", "pk")
    )


def model_get(facility: Facility, pk: int) -> RestorationModel:
    """Return one model of the facility.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    found = (
        RestorationModel.objects.filter(instrument__facility=facility, pk=pk)
        .select_related("instrument", "case", "run__training_set", "optical_path", "decided_by")
        .first()
    )
    if found is None:
        raise NotFoundError(
            "There is no such model in your facility.", hint="Choose one from the list of models.", model=pk
        )
    return found


def released_model_for(acquisition: Acquisition) -> RestorationModel | None:
    """Return the model that may restore an acquisition: of its own optical path where there is one."""
    usable = _in_use().filter(instrument=acquisition.instrument_id, input_channel__lt=acquisition.size_c or 0)
    own = Q(optical_path=acquisition.optical_path_id) if acquisition.optical_path_id else Q(optical_path=None)
    return usable.order_by(_first(own), F("decided_at").desc(nulls_last=True)).first()


def models_in_use(facility: Facility) -> dict[int, list[RestorationModel]]:
    """Return the released models of each instrument that has any, by the instrument's id and then by channel."""
    found: dict[int, list[RestorationModel]] = defaultdict(list)
    for model in _in_use().filter(instrument__facility=facility).order_by("input_channel", "pk"):
        found[model.instrument_id].append(model)
    return dict(found)


def restored_list(facility: Facility) -> QuerySet[RestoredImage]:
    """Return the facility's restored images, latest first."""
    return RestoredImage.objects.filter(model__instrument__facility=facility).select_related(
        "acquisition", "model__instrument", "requested_by"
    )


def restored_get(facility: Facility, pk: int) -> RestoredImage:
    """Return one restored image of the facility.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    found = (
        RestoredImage.objects.filter(model__instrument__facility=facility, pk=pk)
        .select_related("acquisition__instrument", "acquisition__stored_file", "model__instrument", "requested_by")
        .first()
    )
    if found is None:
        raise NotFoundError(
            "There is no such restored image in your facility.",
            hint="Choose one on the page of its acquisition.",
            image=pk,
        )
    return found


def acquisition_for_restoration(facility: Facility, pk: int) -> Acquisition:
    """Return an acquisition of the facility, to restore it or to list its restorations.

    Raises
    ------
    NotFoundError
        If the facility has none of that number.
    """
    found = (
        Acquisition.objects.filter(facility=facility, pk=pk)
        .select_related("instrument", "optical_path", "stored_file")
        .first()
    )
    if found is None:
        raise NotFoundError(
            "There is no such acquisition in your facility.",
            hint="Choose one from the list of acquisitions.",
            acquisition=pk,
        )
    return found


def _in_use() -> QuerySet[RestorationModel]:
    """Return the models that may restore: released and not expired."""
    return RestorationModel.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()), state=ModelState.RELEASED
    ).select_related("instrument", "optical_path")


def _first(condition: Q) -> OrderBy:
    """Order rows for which the condition holds before the others."""
    return ExpressionWrapper(condition, output_field=BooleanField()).desc()
