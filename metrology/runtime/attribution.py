"""Finds out what an image is an image of: instrument, path, standard and date, each with where it is known from."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch

from common.errors import MissingMetadataError, UnknownInstrumentError
from instruments.models import PathChannel
from instruments.selectors.instruments import instrument_list
from metrology.models import Standard, StandardKind
from metrology.services.given import past

if TYPE_CHECKING:
    from collections.abc import Iterable

    from instruments.models import Detector, Instrument, OpticalPath
    from metrology.imaging.stack import ImageStack, Metadata, Sourced
    from metrology.models import Acquisition

APERTURE_TOLERANCE = 0.02
"""How far two statements of a numerical aperture may lie apart: 1.3 and 1.30, 0.95 and 0.94."""
EXCITATION_TOLERANCE_NM = 6.0
"""Two statements of one laser line: 543 and 546 are another line's neighbours, 488 and 490 are one."""
EMISSION_TOLERANCE_NM = 30.0
"""Emission is stated as a peak or as the middle of a band."""
GUESSED_DEPTH = "largest value in the file"
"""How the reader marks a bit depth that the file does not state."""

# Words by which labels and file names say what lay on the stage; the more special kinds first
_KIND_WORDS: tuple[tuple[str, str], ...] = (
    (StandardKind.DARK, r"dark[\s_-]*frames?(?![a-z])"),
    (StandardKind.MULTICOLOUR_BEADS, r"multi-?colou?r|rainbow|tetraspeck"),
    (StandardKind.MARBLES, r"marbles?"),
    (StandardKind.BEADS, r"beads?|psf"),
    (StandardKind.SLIDE, r"slide|homogeneous|flat-?field|uniformity"),
    (StandardKind.CONVALLARIA, r"convallaria"),
    (StandardKind.KIDNEY, r"kidney"),
    (StandardKind.DARK, r"(?<![a-z])dark(?![a-z])(?![\s_-]*(?:field|red|room))"),  # the last: beads may be dark red
)


def find_instrument(acquisition: Acquisition, metadata: Metadata) -> tuple[Instrument, str]:
    """Return the instrument and where it is known from.

    Raises
    ------
    UnknownInstrumentError
        The file names none, one that is not in the catalogue, or one that fits several; nothing is picked.
    """
    if acquisition.instrument is not None:
        return acquisition.instrument, acquisition.sources.get("instrument", "")
    serial, name = metadata.fields.get("instrument_serial"), metadata.fields.get("instrument_name")
    catalogue = list(instrument_list(acquisition.facility))
    if serial is not None:
        for instrument in catalogue:
            if instrument.serial_number and _squeezed(instrument.serial_number) == _squeezed(serial.value):
                return instrument, serial.source
        catalogue = [one for one in catalogue if not one.serial_number]  # the others say that they are not it
    fitting = _named(catalogue, str(name.value)) if name is not None else []
    if name is not None and len(fitting) == 1:
        return fitting[0], name.source
    said = " ".join(str(found.value) for found in (name, serial) if found is not None)
    if not said:
        raise UnknownInstrumentError(
            "The file does not say which instrument it comes from.", hint="Choose the instrument of this acquisition."
        )
    if fitting:
        raise UnknownInstrumentError(
            f"The file comes from '{said}', which fits {' and '.join(map(str, fitting))}.",
            hint="Choose the instrument of this acquisition, and add serial numbers to the catalogue.",
            instrument=said,
        )
    raise UnknownInstrumentError(
        f"The file comes from '{said}', which is not in the catalogue.",
        hint="Choose the instrument of this acquisition, or ask staff to add it with this name or serial number.",
        instrument=said,
    )


def find_path(acquisition: Acquisition, instrument: Instrument, metadata: Metadata, channels: int) -> tuple[Any, str]:
    """Return the optical path and where it is known from; (None, why not) where it cannot be told."""
    if acquisition.optical_path is not None and acquisition.optical_path.instrument_id == instrument.pk:
        return acquisition.optical_path, acquisition.sources.get("optical_path", "")
    channels_of_path = Prefetch("channels", PathChannel.objects.order_by("index"))
    paths = list(
        instrument.optical_paths.order_by("name").select_related("objective").prefetch_related(channels_of_path)
    )
    if not paths:
        return None, f"{instrument} has no optical path in the catalogue yet."
    fitting = [path for path in paths if _path_fits(path, metadata, channels)]
    if len(fitting) == 1:
        only = len(paths) == 1 and "numerical_aperture" not in metadata
        return fitting[0], "default: the only path of the instrument" if only else "objective and channels of the file"
    seen = [path for path in fitting if _detectors_fit(path, metadata)]
    if len(seen) == 1:
        return seen[0], "objective, channels and detectors of the file"
    if fitting:
        return None, f"The file fits {len(fitting)} optical paths ({', '.join(map(str, fitting))}); choose one."
    return None, "The objective, wavelengths or number of channels of the file fit no optical path in the catalogue."


def find_standard(acquisition: Acquisition, metadata: Metadata) -> tuple[Standard | None, str]:
    """Return the standard and where it is known from; (None, why not) where it cannot be told."""
    if acquisition.standard is not None:
        return acquisition.standard, acquisition.sources.get("standard", "")
    standards = list(Standard.objects.filter(facility=acquisition.facility).order_by("kind", "name"))
    for text, source in _texts(acquisition, metadata):
        named = [one for one in standards if _squeezed(one.name) in _squeezed(text)]
        if not named:
            kind = next((kind for kind, words in _KIND_WORDS if re.search(words, text, re.IGNORECASE)), None)
            named = [one for one in standards if one.kind == kind]
        if len(named) == 1:
            return named[0], source
        if named:
            return None, f"The {source} fits {len(named)} standards ({', '.join(map(str, named))}); choose one."
    return None, "Neither the label nor the file name says which standard this is; choose one to have it charted."


def find_date(acquisition: Acquisition, metadata: Metadata) -> tuple[datetime, str]:
    """Return the date of acquisition and where it is known from.

    Raises
    ------
    MissingMetadataError
        Nobody says.
    InvalidDateError
        The file says a date in the future.
    """
    if acquisition.acquired_at is not None:
        return acquisition.acquired_at, acquisition.sources.get("acquired_at", "")
    found: Sourced | None = metadata.fields.get("acquired_at")
    if found is None or not isinstance(found.value, datetime):
        raise MissingMetadataError(
            "The file does not say when it was acquired.",
            hint="Give its date; the control charts need it.",
            field="acquired_at",
        )
    return past(found.value), found.source


def find_label(acquisition: Acquisition, metadata: Metadata) -> tuple[str, str]:
    """Return the label and where it is known from; empty where there is none."""
    if acquisition.label:
        return acquisition.label, acquisition.sources.get("label", "")
    found = metadata.fields.get("image_name")
    return ("", "") if found is None else (str(found.value)[:200], found.source)


def find_bit_depth(path: OpticalPath | None, stack: ImageStack) -> int:
    """Return the bits that the detector used [bit]: as the file states, else as the catalogue does, else as needed.

    Notes
    -----
    A dim image of a 12-bit detector needs fewer bits than a bright one; a guess from each image would make its figures
    jump, so the catalogue comes before it.
    """
    found = stack.metadata.fields.get("bit_depth")
    if path is None or (found is not None and found.source != GUESSED_DEPTH):
        return stack.bit_depth
    known = {
        one.detector.bit_depth
        for one in path.channels.order_by("index").select_related("detector")
        if one.detector is not None
    }
    depth = known.pop() if len(known) == 1 else None
    return stack.bit_depth if depth is None or depth < stack.bit_depth else depth


def _texts(acquisition: Acquisition, metadata: Metadata) -> Iterable[tuple[str, str]]:
    """Yield what was written about the image by people, the most deliberate first."""
    name = str(metadata.value("image_name", ""))
    if acquisition.label and acquisition.label != name[:200]:
        yield acquisition.label, "label"
    if name:
        yield name, "image name in the file"
    yield acquisition.original_name, "file name"


def _named(catalogue: list[Instrument], stated: str) -> list[Instrument]:
    """Return the instruments that a name in a file may mean: the one so named, else all whose model it contains."""
    exact = [one for one in catalogue if _squeezed(stated) in {_squeezed(one.name), _squeezed(_make_and_model(one))}]
    if exact:
        return exact
    words = _words(stated)
    return [one for one in catalogue if any(part and part <= words for part in (_words(one.name), _words(one.model)))]


def _make_and_model(instrument: Instrument) -> str:
    return f"{instrument.manufacturer} {instrument.model}"


def _path_fits(path: OpticalPath, metadata: Metadata, channels: int) -> bool:
    """Say whether nothing that the file states contradicts the path."""
    lens = path.objective
    stated: list[tuple[float | None, float | None, float]] = [
        (metadata.value("numerical_aperture"), lens.numerical_aperture, APERTURE_TOLERANCE),
        (metadata.value("magnification"), lens.magnification, 0.5),
    ]
    catalogued = list(path.channels.all())
    for one in catalogued:
        excitation, emission = (metadata.channel_value(one.index, name) for name in ("excitation_nm", "emission_nm"))
        stated.append((excitation, one.excitation_nm, EXCITATION_TOLERANCE_NM))
        stated.append((emission, one.emission_nm, EMISSION_TOLERANCE_NM))
    same_count = not catalogued or len(catalogued) == channels
    return same_count and all(
        found is None or known is None or abs(float(found) - known) <= tolerance for found, known, tolerance in stated
    )


def _detectors_fit(path: OpticalPath, metadata: Metadata) -> bool:
    """Say whether the file names the catalogue's detector of every channel, which decides between paths that fit."""
    catalogued = [(one.index, one.detector) for one in path.channels.all()]
    return bool(catalogued) and all(
        detector is not None and _is_named(detector, str(metadata.channel_value(index, "detector_name") or ""))
        for index, detector in catalogued
    )


def _is_named(detector: Detector, said: str) -> bool:
    name, stated = _squeezed(detector.name), _squeezed(said)
    return bool(stated) and bool(name) and (stated in name or name in stated)


def _squeezed(text: object) -> str:
    return re.sub(r"[\W_]+", "", str(text)).casefold()


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|\d+", text.casefold()))
