"""Asking for an acquisition to be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from common import jobs
from common.errors import InputError, StateError
from common.models import JobState
from common.permissions import Role
from enhancement.models import ModelState, RestorationModel, RestoredImage
from enhancement.selectors.models import released_model_for
from enhancement.services.access import require_role_at
from enhancement.services.applicability import ENVELOPE_ATTRIBUTES, judge_applicability
from metrology.models import Measurement

if TYPE_CHECKING:
    from metrology.models import Acquisition


@transaction.atomic
def restoration_request(
    *, user: Any, acquisition: Acquisition, model: RestorationModel | None = None
) -> tuple[RestoredImage, bool]:
    """Put the restoration of an acquisition into the queue, or return the one there is.

    Parameters
    ----------
    user
        An operator or staff.
    acquisition : Acquisition
        A measured image of the model's instrument.
    model : RestorationModel, optional
        The instrument's released one where left out.

    Returns
    -------
    image : RestoredImage
        Waiting, running or done; one that failed or was cancelled is put back in the queue.
    created : bool
        Whether the row is new.

    Raises
    ------
    AccessError
        If the user's role is too low.
    StateError
        If no model is released, the given one is not, or the image is not measured yet.
    InputError
        If image and model do not belong together.
    OutOfDomainError
        If the image is far from those the model learned from.
    """
    if acquisition.instrument is None:
        raise InputError(
            "The image has no instrument.", hint="Confirm its instrument first.", acquisition=acquisition.pk
        )
    require_role_at(acquisition.instrument, user, Role.OPERATOR, action="restore an image")
    chosen = model or released_model_for(acquisition)
    if chosen is None:
        raise StateError(
            f"No model is released for {acquisition.instrument}.",
            hint="Open a case, and ask a member of staff to train and release one.",
            acquisition=acquisition.pk,
        )
    _refuse_unless_usable(chosen)
    _refuse_mismatch(chosen, acquisition)
    warnings = _path_warning(chosen, acquisition)
    warnings += judge_applicability(_measured(acquisition, chosen), chosen.envelope)
    image, created = RestoredImage.objects.select_for_update(of=("self",)).get_or_create(
        acquisition=acquisition, model=chosen, defaults={"requested_by": user, "warnings": warnings}
    )
    if created:
        jobs.enqueue(image)
    elif image.state in {JobState.FAILED, JobState.CANCELLED}:
        jobs.requeue(image)
        image.refresh_from_db()
    return image, created


def restoration_cancel(*, user: Any, image: RestoredImage) -> None:
    """Ask for the end of a restoration that waits or runs.

    Raises
    ------
    AccessError
        If the user's role is too low.
    StateError
        If it has ended.
    """
    require_role_at(image.model.instrument, user, Role.OPERATOR, action="cancel a restoration")
    jobs.cancel(image)


def _refuse_unless_usable(model: RestorationModel) -> None:
    if model.state != ModelState.RELEASED:
        because = f" ({model.expired_because})" if model.expired_because else ""
        raise StateError(
            f"{model.name} is {model.get_state_display()}{because}.",
            hint="Only a released model may be used; choose another or ask a member of staff for a new one.",
            model=model.pk,
        )
    if model.expires_at is not None and model.expires_at <= timezone.now():
        raise StateError(
            f"{model.name} expired on {model.expires_at:%Y-%m-%d}.",
            hint="Ask a member of staff to train and release a new one.",
            model=model.pk,
        )


def _refuse_mismatch(model: RestorationModel, acquisition: Acquisition) -> None:
    if acquisition.instrument_id != model.instrument_id:
        raise InputError(
            f"{model.name} was made for {model.instrument}, the image is from {acquisition.instrument}.",
            hint="Use a model of the image's own instrument.",
            model=model.pk,
            acquisition=acquisition.pk,
        )
    if acquisition.state != JobState.DONE:
        raise StateError(
            f"{acquisition} is not measured yet.",
            hint="Wait until it is, or look at why it failed.",
            acquisition=acquisition.pk,
        )
    if (acquisition.size_c or 0) <= model.input_channel:
        raise InputError(
            f"{model.name} restores channel {model.input_channel}; the image has {acquisition.size_c} channel(s).",
            hint="Choose an image taken with the same detectors.",
            model=model.pk,
            acquisition=acquisition.pk,
        )


def _path_warning(model: RestorationModel, acquisition: Acquisition) -> list[str]:
    if model.optical_path_id in {None, acquisition.optical_path_id}:
        return []
    taken = acquisition.optical_path or "an unknown path"
    return [f"It was taken through {taken}, the model learned {model.optical_path}."]


def _measured(acquisition: Acquisition, model: RestorationModel) -> dict[str, float]:
    """Return the attributes that were measured on the channel to restore; the worker measures again what is missing."""
    rows = Measurement.objects.filter(
        acquisition=acquisition, series__channel=model.input_channel, series__attribute_id__in=ENVELOPE_ATTRIBUTES
    ).order_by("series__algorithm_version")
    return dict(rows.values_list("series__attribute_id", "value"))
