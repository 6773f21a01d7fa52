"""Good files of every format, small: written here where that can be, and the real ones where they are at hand."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from tests.factories import image_files

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BYTES = 3_000_000
"""Larger real files are left out: their pixels would take the time that headers deserve."""


def corpus(folder: Path, real_data: Path | None) -> dict[str, bytes]:
    """Return the content of each good file by its name."""
    found = {**_tiffs(), **_vendors(folder)}
    if real_data is not None:
        for path in sorted(real_data.glob("*/*.*")):
            if path.is_file() and path.stat().st_size <= LARGEST_BYTES and path.suffix not in {".md", ".txt", ".csv"}:
                found[f"real {path.name}"] = path.read_bytes()
    return found


def _tiffs() -> dict[str, bytes]:
    pixels = np.random.default_rng(1).poisson(900, (2, 3, 48, 64)).astype(np.uint16)
    found = {}
    for name, options in {
        "plain.tif": {"metadata": None},
        "ome.tif": {"ome": True, "metadata": {"axes": "CZYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2}},
        "deflate.tif": {"compression": "zlib", "tile": (16, 16)},
        "lzw.tif": {"compression": "lzw", "predictor": True},
        "imagej.tif": {"imagej": True, "metadata": {"axes": "ZCYX", "unit": "um", "spacing": 0.3}},
        "big.tif": {"bigtiff": True, "byteorder": ">"},
    }.items():
        target = io.BytesIO()
        named = options.get("ome") or options.get("imagej")
        stored = pixels if named else pixels[0]  # a plain TIFF names no second axis
        tifffile.imwrite(target, stored, photometric="minisblack", **options)
        found[name] = target.getvalue()
    pyramid = io.BytesIO()
    with tifffile.TiffWriter(pyramid, ome=True) as writer:
        writer.write(pixels[0, 0], subifds=1, metadata={"axes": "YX"})
        writer.write(pixels[0, 0, ::2, ::2], subfiletype=1)
    return found | {"pyramid.ome.tif": pyramid.getvalue()}


def _vendors(folder: Path) -> dict[str, bytes]:
    """Write what the test writers write; see `tests.factories.image_files` for what they are made from."""
    rng = np.random.default_rng(5)
    stack = rng.integers(0, 4095, (4, 32, 48), dtype=np.uint16)
    element = image_files.lif_element(stack, "ZYX")
    tiles = [(stack[n], (48 * n, 0), {"T": 0, "C": 0, "Z": 0}, 0) for n in range(2)]
    found = {}
    for name, write in {
        "written.lif": lambda path: image_files.lif(path, [(stack, element)]),
        "written.lof": lambda path: image_files.lof(path, stack, element),
        "written.lsm": lambda path: image_files.lsm(path, np.stack([stack] * 3, axis=1)),
        "written.czi": lambda path: image_files.czi(path, tiles),
        "compressed.czi": lambda path: image_files.czi(path, tiles, compression="zstd1:ExplicitLevel=2"),
    }.items():
        path = folder / name
        write(path)
        found[name] = path.read_bytes()
        path.unlink()
    return found
