"""A restored image as OME-TIFF that says what it is, by which model, and from which file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from ome_types import OME, model

from common.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMESPACE = "strehl/restoration"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where restored pixels come from."""

    model_name: str
    model_id: int
    method: str
    """"residual_unet_gan, weights sha256 …" or "Gaussian filter, sigma px 1.5"."""
    original_name: str
    original_sha256: str
    channel: int
    slice_z: int
    caution: str
    """Where not to quantify."""

    @property
    def sentence(self) -> str:
        """What the image is, for whoever opens it."""
        return (
            f"Restored by Strehl model {self.model_id}, {self.model_name} ({self.method}), from {self.original_name}, "
            f"sha256 {self.original_sha256}, channel {self.channel}, slice {self.slice_z}. Not detector counts: "
            f"{self.caution}"
        )


def write_restored(
    path: Path,
    image: NDArray[np.float32],
    *,
    spread: NDArray[np.float32] | None,
    pixel_size_um: float | None,
    provenance: Provenance,
) -> tuple[str, int]:
    """Write a restored plane, and its spread as a second channel.

    Parameters
    ----------
    path : Path
        Where to; the file appears whole or not at all.
    image : (Y, X) float32 array
        Restored intensities [counts].
    spread : (Y, X) float32 array or None
        Disagreement of the eight orientations [counts]; None for a filter.
    pixel_size_um : float or None
        Side of a pixel of the original [µm].
    provenance : Provenance
        Written into the description and as annotations.

    Returns
    -------
    sha256 : str
        Of the file.
    size_bytes : int
        Of the file.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    planes = np.stack([image] if spread is None else [image, spread]).astype(np.float32)
    header = _ome(planes.shape, pixel_size_um=pixel_size_um, provenance=provenance).to_xml().encode()
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            unfinished, planes, photometric="minisblack", compression="zlib", description=header, metadata=None
        )
        content = unfinished.read_bytes()
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            f"The restored image could not be written: {error.strerror or error}.",
            hint="Free space on the disk of the media folder, then restore the image again.",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest(), len(content)


def _ome(shape: tuple[int, ...], *, pixel_size_um: float | None, provenance: Provenance) -> OME:
    channels, rows, columns = shape
    names = ("restored", "spread of eight orientations")[:channels]
    facts = {
        "restored": "true",
        "software": "Strehl",
        "model": provenance.model_name,
        "model_id": str(provenance.model_id),
        "method": provenance.method,
        "original_name": provenance.original_name,
        "original_sha256": provenance.original_sha256,
        "channel": str(provenance.channel),
        "slice_z": str(provenance.slice_z),
        "caution": provenance.caution,
    }
    pixels = model.Pixels(
        id="Pixels:0",
        dimension_order=model.Pixels_DimensionOrder.XYZCT,
        type=model.PixelType.FLOAT,
        big_endian=False,
        size_x=columns,
        size_y=rows,
        size_z=1,
        size_c=channels,
        size_t=1,
        physical_size_x=pixel_size_um,
        physical_size_y=pixel_size_um,
        channels=[
            model.Channel(id=f"Channel:0:{index}", name=name, samples_per_pixel=1) for index, name in enumerate(names)
        ],
        tiff_data_blocks=[model.TiffData(ifd=0, plane_count=channels)],
    )
    annotation = model.MapAnnotation(
        id="Annotation:0",
        namespace=NAMESPACE,
        value=model.Map(ms=[model.Map.M(k=key, value=value) for key, value in facts.items()]),
    )
    image = model.Image(
        id="Image:0",
        name=f"{provenance.original_name} (restored)",
        description=provenance.sentence,
        pixels=pixels,
        annotation_refs=[model.AnnotationRef(id="Annotation:0")],
    )
    return OME(images=[image], structured_annotations=model.StructuredAnnotations(map_annotations=[annotation]))
