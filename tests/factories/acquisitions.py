"""Files and acquisitions for tests: images made here, written as a microscope would write them."""

from __future__ import annotations

import hashlib
import io
import itertools
from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

from metrology.models import Acquisition, Standard, StandardKind, StoredFile
from tests.factories import catalogue

_number = itertools.count(1)

OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
 <Instrument ID="Instrument:0">
  <Microscope Manufacturer="{manufacturer}" Model="{model}" SerialNumber="{serial}"/>
  <Objective ID="Objective:0" LensNA="{na}" NominalMagnification="{magnification}" Immersion="Water"/>
 {detectors}</Instrument>
 <Image ID="Image:0" Name="{name}">
  {date}
  <InstrumentRef ID="Instrument:0"/><ObjectiveSettings ID="Objective:0"/>
  <Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SignificantBits="12" SizeX="{x}" SizeY="{y}" SizeZ="{z}"
          SizeC="{c}" SizeT="{t}" {sizes}>
   {channels}<TiffData IFD="0" PlaneCount="{planes}"/>
  </Pixels>
 </Image>
</OME>"""


def field(seed=0, *, shape=(1, 1, 64, 64), mean=1200.0):
    """The same smooth objects each time, with photon noise of their own, 12 bit: channels, slices, rows, columns."""
    rng = np.random.default_rng(seed)
    details = ndimage.gaussian_filter(np.random.default_rng(99).normal(size=shape[-2:]), 2.0)
    pattern = 1 + 0.25 * np.clip(details / details.std(), -3, 3)
    focus = np.exp(-0.5 * ((np.arange(shape[1]) - shape[1] // 2) / 2.0) ** 2)[None, :, None, None]
    image = np.broadcast_to(mean * pattern * focus, shape)
    return np.clip(rng.poisson(image / 4.0) * 4, 0, 4095).astype(np.uint16)


def beads(*, shape=(1, 21, 96, 96), pixel_um=0.1, z_um=0.2, width_um=0.25, height_um=0.8, seed=0):
    """Nine Gaussian beads on a dark ground, 12 bit."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape[1:], dtype=float)
    light = np.full(shape[1:], 40.0)
    for row, column in itertools.product((16, 48, 80), repeat=2):
        lateral = ((y - row) ** 2 + (x - column) ** 2) * (pixel_um / width_um) ** 2
        axial = ((z - shape[1] // 2) * z_um / height_um) ** 2
        light += 2500 * np.exp(-4 * np.log(2) * (lateral + axial))
    return np.clip(rng.poisson(np.broadcast_to(light, shape)), 0, 4095).astype(np.uint16)


def tiff(pixels=None, *, seed=0) -> bytes:
    """A plain TIFF: says nothing about itself."""
    target = io.BytesIO()
    tifffile.imwrite(target, field(seed)[0, 0] if pixels is None else pixels, metadata=None)
    return target.getvalue()


def ome_tiff(
    pixels=None,
    *,
    seed=0,
    instrument=None,
    name="4 µm marbles",
    acquired_at=catalogue.START,
    pixel_um=0.2,
    na=1.0,
    magnification=20,
    detectors=(),
    gain=None,
) -> bytes:
    """An OME-TIFF that says which instrument wrote it (the one given), when, and what it shows; pixels: (T)CZYX.

    `gain` is that of every detector, which are then to be named.
    """
    pixels = field(seed) if pixels is None else pixels
    times = pixels.shape[0] if pixels.ndim == 5 else 1
    channels, slices, rows, columns = pixels.shape[-4:]
    setting = "" if gain is None else f' Gain="{gain}"'
    sizes = "" if pixel_um is None else f'PhysicalSizeX="{pixel_um}" PhysicalSizeY="{pixel_um}" PhysicalSizeZ="0.2"'
    xml = OME.format(
        manufacturer=getattr(instrument, "manufacturer", "Zeiss"),
        model=getattr(instrument, "model", "LSM 999"),
        serial=getattr(instrument, "serial_number", "unheard of"),
        na=na,
        magnification=magnification,
        name=name,
        date="" if acquired_at is None else f"<AcquisitionDate>{acquired_at:%Y-%m-%dT%H:%M:%S}</AcquisitionDate>",
        x=columns,
        y=rows,
        z=slices,
        c=channels,
        sizes=sizes,
        channels="".join(
            f'<Channel ID="Channel:0:{index}" SamplesPerPixel="1">'
            + (f'<DetectorSettings ID="Detector:{index}"{setting}/>' if detectors else "")
            + "</Channel>"
            for index in range(channels)
        ),
        detectors="".join(f'<Detector ID="Detector:{index}" Model="{name}"/>' for index, name in enumerate(detectors)),
        planes=times * channels * slices,
        t=times,
    )
    target = io.BytesIO()
    tifffile.imwrite(target, pixels.reshape(-1, rows, columns), description=xml.encode(), metadata=None)
    return target.getvalue()


def standard(of, **fields):
    return Standard.objects.create(
        **{"facility": of, "name": f"Sample {next(_number)}", "kind": StandardKind.MARBLES} | fields
    )


def acquisition(of=None, content: bytes | None = None, **fields):
    """A row with its original in place, as if it had come in; nothing is queued."""
    content = tiff(seed=next(_number)) if content is None else content
    stored, _ = StoredFile.objects.get_or_create(
        sha256=hashlib.sha256(content).hexdigest(), defaults={"size_bytes": len(content)}
    )
    path = Path(stored.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    defaults = {"facility": of or catalogue.facility(), "stored_file": stored, "original_name": "scan.tif"}
    return Acquisition.objects.create(**defaults | fields)
