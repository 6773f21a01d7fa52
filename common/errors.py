"""The one error tree of Strehl.

::

    StrehlError
    ├── InputError                 400  what was given cannot be used
    │   ├── UnreadableImageError        not an image that Strehl reads, or damaged
    │   ├── AxesError                   an image of the wrong shape (RGB, too many axes, too small)
    │   ├── MissingMetadataError        a figure needs what the file does not say
    │   ├── UnknownInstrumentError      nobody has catalogued this instrument
    │   ├── InvalidDateError            an acquisition dated in the future
    │   ├── TooLargeError               larger than the facility allows
    │   ├── ChecksumError          460  what arrived is not what was sent
    │   ├── TusVersionError        412  another version of the upload protocol
    │   └── ContentTypeError       415  a body of another kind than asked for
    ├── MeasurementError           422  a readable image from which a quantity cannot be had
    │   ├── TooFewBeadsError            no bead passed the selection
    │   ├── TooFewObjectsError          no marble passed the selection
    │   ├── FitError                    a model did not fit
    │   ├── ConstantImageError          all pixels equal: no contrast to measure
    │   └── RegistrationError           two images that do not show the same field
    ├── BaselineError              422  too few or unfit points to compare with
    ├── StateError                 409  not possible in the present state
    ├── AccessError                403  this role may not do that
    ├── TooManyAttemptsError       429  wait before the next attempt
    ├── NotFoundError              404  no such thing, or not in your facility
    │   └── GoneError              410  it was here and was removed
    ├── StorageError               507  the disk refused
    ├── UnavailableError           503  what is needed does not answer now
    ├── InternalError              500  nobody foresaw this; the log has its traceback
    └── EnhancementError           422  training or restoration cannot go on
        ├── TrainingDataError           pairs that cannot be trained on
        ├── DivergedError               the loss is no longer a number
        ├── CheckpointError             weights that cannot be loaded
        └── OutOfDomainError            an image unlike those the model learned from

Every error has a stable `code` (made from the class name), a `problem`, a `hint` that says what to do next, and
`details` for machines. `str(error)` is the sentence a user reads; pages, API and command line show the same.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar


class StrehlError(Exception):
    """Base of every error that Strehl raises on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, as one sentence ending with a full stop.
    hint : str
        What to do next, as one sentence ending with a full stop.
    **details
        JSON-serialisable facts for machines (file name, sizes, ids).
    """

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = "strehl_error"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.removesuffix("Error")).lower()

    def __init__(self, problem: str, *, hint: str, **details: Any) -> None:
        super().__init__(f"{problem} {hint}")
        self.problem = problem
        self.hint = hint
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.problem, self.hint, self.details)

    def envelope(self) -> dict[str, Any]:
        """Return the API envelope `{code, message, details}`."""
        return {"code": self.code, "message": str(self), "details": self.details}


def _rebuild(cls: type[StrehlError], problem: str, hint: str, details: dict[str, Any]) -> StrehlError:
    """Make an error again in another process (errors cross process borders)."""
    return cls(problem, hint=hint, **details)


class InputError(StrehlError):
    """What was given cannot be used."""

    http_status = 400


class UnreadableImageError(InputError):
    """Not an image that Strehl reads, or a damaged one."""


class AxesError(InputError):
    """An image of the wrong shape."""


class MissingMetadataError(InputError):
    """A figure needs what the file does not say."""


class UnknownInstrumentError(InputError):
    """Nobody has catalogued this instrument."""


class InvalidDateError(InputError):
    """An acquisition dated in the future."""


class TooLargeError(InputError):
    """Larger than the facility allows."""

    http_status = 413


class ChecksumError(InputError):
    """What arrived is not what was sent."""

    http_status = 460  # as the tus protocol names it


class TusVersionError(InputError):
    """Another version of the upload protocol than the server speaks."""

    http_status = 412


class ContentTypeError(InputError):
    """A body of another kind than asked for."""

    http_status = 415


class MeasurementError(StrehlError):
    """A readable image from which a quantity cannot be had."""

    http_status = 422


class TooFewBeadsError(MeasurementError):
    """No bead passed the selection."""


class TooFewObjectsError(MeasurementError):
    """No marble passed the selection."""


class FitError(MeasurementError):
    """A model did not fit."""


class ConstantImageError(MeasurementError):
    """All pixels are equal."""


class RegistrationError(MeasurementError):
    """Two images that do not show the same field."""


class BaselineError(StrehlError):
    """Too few or unfit points to compare with."""

    http_status = 422


class StateError(StrehlError):
    """Not possible in the present state."""

    http_status = 409


class AccessError(StrehlError):
    """Not allowed to this role."""

    http_status = 403


class TooManyAttemptsError(StrehlError):
    """Wait before the next attempt."""

    http_status = 429


class NotFoundError(StrehlError):
    """No such thing, or not in your facility."""

    http_status = 404


class GoneError(NotFoundError):
    """It was here and was removed."""

    http_status = 410


class StorageError(StrehlError):
    """The disk refused."""

    http_status = 507


class UnavailableError(StrehlError):
    """What is needed does not answer now; the same may be tried again later."""

    http_status = 503


class InternalError(StrehlError):
    """Nobody foresaw this; the log has its traceback."""


class EnhancementError(StrehlError):
    """Training or restoration cannot go on."""

    http_status = 422


class TrainingDataError(EnhancementError):
    """Pairs that cannot be trained on."""


class DivergedError(EnhancementError):
    """The loss is no longer a number."""


class CheckpointError(EnhancementError):
    """Weights that cannot be loaded."""


class OutOfDomainError(EnhancementError):
    """An image unlike those the model learned from."""
