"""The worker's way through an acquisition: read, attribute, measure, preview, judge its validity, record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common import jobs
from metrology.attributes.measure import Beside, measure_stack
from metrology.imaging.comparability import compare_settings
from metrology.imaging.mosaics import tile_grid
from metrology.imaging.planes import brightest_slice
from metrology.imaging.scan_kind import LARGEST_FIELD_PX, scan_kind
from metrology.imaging.stack import Sourced
from metrology.models import Acquisition, Validity
from metrology.runtime import attribution
from metrology.runtime.beads import beads_write
from metrology.runtime.figures import figures_write
from metrology.runtime.optics import optics_of
from metrology.runtime.previews import previews_write, tiles_write
from metrology.runtime.quantities import rows_of
from metrology.runtime.reading import read_dark, read_original, read_reference
from metrology.runtime.validity import why_invalid
from metrology.selectors.standards import dark_for, reference_for
from metrology.services.measurements import facts_noted, measurements_record
from metrology.services.protocols import protocol_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrology.imaging.mosaics import TileGrid
    from metrology.imaging.stack import ImageStack
    from metrology.models import Protocol

TILE_PX = 1024
"""Side of a field of a stitched mosaic, as the founding report's 5120 × 5120 scans have it [px]."""
TYPED_SIZES = ("pixel_size_um", "z_step_um")


def measure(acquisition: Acquisition) -> None:
    """Read and measure one acquisition, and write everything that was found out.

    Parameters
    ----------
    acquisition : Acquisition
        Claimed by this worker (`common.jobs.run`).

    Raises
    ------
    UnreadableImageError, AxesError, TooLargeError
        The file is not an image that Strehl reads.
    UnknownInstrumentError
        Nobody says which instrument it comes from, or it is not in the catalogue.
    MissingMetadataError, InvalidDateError
        The date is not known, or lies in the future.
    StorageError
        A preview could not be written.

    Notes
    -----
    May be run again at any time and after any death of its worker: facts are written anew, figures are written in
    one transaction at the end and those that are there already stay.
    """
    jobs.beat(acquisition, 0.05, "reading the file")
    stack = _with_typed_sizes(read_original(acquisition), acquisition)
    slices = [brightest_slice(stack, channel) for channel in range(stack.shape_tczyx[1])]
    planes = [stack.plane(c=channel, z=z) for channel, z in enumerate(slices)]
    with facts_noted(acquisition) as note:
        note(**_facts(stack, slice_z=slices[0]))
        jobs.beat(acquisition, 0.2, "drawing the preview")
        note(preview_window=previews_write(acquisition, planes))
        tiles_write(acquisition, stack, slices)
        jobs.beat(acquisition, 0.3, "finding out what it is")
        not_charted = _attribute(acquisition, stack, note)
    jobs.beat(acquisition, 0.4, "measuring")
    kind = acquisition.standard.kind if acquisition.standard else None
    chosen = reference_for(acquisition)
    reference = None if chosen is None else read_reference(chosen.acquisition)
    dark = dark_for(acquisition)
    beside = Beside(
        reference=reference,
        dark=None if dark is None else read_dark(dark),
        dark_name="" if dark is None else f"{dark} of {dark.acquired_at:%Y-%m-%d %H:%M} UTC",
        optics=optics_of(acquisition),
        tiles=_tile_grid(stack),
    )
    measured = measure_stack(stack, standard_kind=kind, bit_depth=acquisition.bit_depth, beside=beside)
    beads_write(
        acquisition, {c: one.bead_field for c, one in enumerate(measured.channels) if one.bead_field is not None}
    )
    figures_write(acquisition, stack, measured, beside)
    readings, failures = rows_of(measured)
    invalid = why_invalid(measured, planes, kind=kind)
    reason = " ".join(part for part in (invalid, not_charted, _not_comparable(acquisition)) if part)
    measurements_record(
        acquisition,
        readings,
        failures,
        validity=Validity.INVALID if reason else Validity.VALID,
        validity_reason=reason,
        reference=None if chosen is None else chosen.acquisition,
    )


def _with_typed_sizes(stack: ImageStack, acquisition: Acquisition) -> ImageStack:
    """Put sizes that a person typed before those of the file."""
    typed = {
        name: Sourced(getattr(acquisition, name), acquisition.sources[name])
        for name in TYPED_SIZES
        if name in acquisition.sources and getattr(acquisition, name) is not None
    }
    return stack.with_fields(**typed)


def _facts(stack: ImageStack, *, slice_z: int) -> dict[str, Any]:
    """Return what the file says, as columns of the acquisition."""
    size_t, size_c, size_z, size_y, size_x = stack.shape_tczyx
    return {
        "metadata": stack.metadata.with_fields(**scan_kind(stack, _tile_grid(stack))).as_json(),
        "file_format": stack.file_format,
        "size_t": size_t,
        "size_c": size_c,
        "size_z": size_z,
        "size_y": size_y,
        "size_x": size_x,
        "bit_depth": stack.bit_depth,
        "pixel_size_um": stack.metadata.value("pixel_size_um"),
        "z_step_um": stack.metadata.value("z_step_um"),
        "slice_z": slice_z,
        "tile_grid": _grid_facts(_tile_grid(stack)),
    }


def _tile_grid(stack: ImageStack) -> TileGrid | None:
    """Return how the fields of a mosaic lie, or None for a single field.

    A larger image than fields are, whose sides are whole fields, is a mosaic; single fields of that size have other sides.
    """
    rows, columns = stack.shape_tczyx[3:]
    if (
        stack.tile_grid is None
        and max(rows, columns) > LARGEST_FIELD_PX
        and not rows % TILE_PX
        and not columns % TILE_PX
    ):
        return tile_grid((rows, columns), tile_px=TILE_PX)
    return stack.tile_grid


def _grid_facts(grid: TileGrid | None) -> dict[str, int] | None:
    if grid is None:
        return None
    tile_y_px, tile_x_px = grid.tile_shape
    return {"rows": grid.rows, "columns": grid.columns, "tile_y_px": tile_y_px, "tile_x_px": tile_x_px}


def _attribute(acquisition: Acquisition, stack: ImageStack, note: Callable[..., None]) -> str:
    """Settle what the image is an image of; return why it cannot be charted, empty if it can."""
    metadata = stack.metadata

    def settle(name: str, found: tuple[Any, str]) -> str:
        """Note one fact with where it is known from; return why it is not known, empty if it is."""
        value, source = found
        others = {one: said for one, said in acquisition.sources.items() if one != name}
        note(**{name: value}, sources={**others, name: source} if value and source else others)
        return "" if value else source

    settle("label", attribution.find_label(acquisition, metadata))
    no_standard = settle("standard", attribution.find_standard(acquisition, metadata))
    instrument, source = attribution.find_instrument(acquisition, metadata)
    settle("instrument", (instrument, source))
    found = attribution.find_path(acquisition, instrument, metadata, stack.shape_tczyx[1])
    no_path = settle("optical_path", found)
    settle("acquired_at", attribution.find_date(acquisition, metadata))
    note(
        bit_depth=attribution.find_bit_depth(acquisition.optical_path, stack),
        protocol=_protocol(acquisition),
    )
    return " ".join(part for part in (no_standard, no_path) if part)


def _protocol(acquisition: Acquisition) -> Protocol | None:
    """Return the protocol that the acquisition was made by, or None where it belongs to no series."""
    if acquisition.standard is None or acquisition.optical_path is None:
        return None
    return protocol_for(
        acquisition.facility,
        standard_kind=acquisition.standard.kind,
        optical_path=acquisition.optical_path,
        acquired_at=acquisition.acquired_at,
        metadata=acquisition.metadata,
    )


def _not_comparable(acquisition: Acquisition) -> str:
    """Return which settings are not those of the protocol, empty where all are that the file states."""
    if acquisition.protocol is None:
        return ""
    compared = compare_settings(acquisition.protocol.requirements, acquisition.metadata)
    differing = "; ".join(one.sentence for one in compared if one.outcome == "differs")
    return f"Not comparable: {differing}." if differing else ""
