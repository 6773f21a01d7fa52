"""Files as microscopes write them, for formats of which no free sample is at hand.

Written from the formats' descriptions: LSM from Zeiss's "LSM file format" as tifffile's structures have it; LIF, LOF
and XLEF from Leica's "LAS AF image file formats" as liffile follows it; CZI by Zeiss's own libCZI. That a reader reads
them proves that it follows these descriptions, not that every program in the world does.
"""

from __future__ import annotations

import struct

import numpy as np
import tifffile
from pylibCZIrw import czi as libczi

OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{plate}{images}</OME>"""
OME_IMAGE = """<Image ID="Image:{n}" Name="field {n}">{label}
 <Pixels ID="Pixels:{n}" DimensionOrder="XYZCT" Type="uint16" SizeX="{x}" SizeY="{y}" SizeZ="1" SizeC="1" SizeT="1" {size}>
  <Channel ID="Channel:{n}:0"/><TiffData IFD="{n}" PlaneCount="1"/>{plane}</Pixels></Image>"""
SIZE = 'PhysicalSizeX="0.2" PhysicalSizeXUnit="µm" PhysicalSizeY="0.2" PhysicalSizeYUnit="µm"'


def ome_fields(path, fields, positions=None, *, size=SIZE, unit="µm", by="plane", wells=None):
    """Several images in one OME-TIFF, at stage positions (y, x) by Plane or StageLabel, or in wells (row, column)."""
    images = ""
    for n, field in enumerate(fields):
        plane = label = ""
        if positions is not None:
            y, x = positions[n]
            where = [f'{{p}}{axis}="{value}" {{p}}{axis}Unit="{unit}"' for axis, value in (("X", x), ("Y", y))]
            if by == "plane":
                plane = f'<Plane TheZ="0" TheC="0" TheT="0" {" ".join(one.format(p="Position") for one in where)}/>'
            else:
                label = f'<StageLabel Name="{n}" {" ".join(one.format(p="") for one in where)}/>'
        images += OME_IMAGE.format(n=n, x=field.shape[1], y=field.shape[0], plane=plane, label=label, size=size)
    plate = ""
    if wells is not None:
        plate = '<Plate ID="Plate:0">'
        for n, (row, column) in enumerate(wells):
            plate += (
                f'<Well ID="Well:{n}" Row="{row}" Column="{column}">'
                f'<WellSample ID="WellSample:{n}" Index="{n}"><ImageRef ID="Image:{n}"/></WellSample></Well>'
            )
        plate += "</Plate>"
    xml = OME.format(images=images, plate=plate).encode()
    with tifffile.TiffWriter(path) as out:
        for n, field in enumerate(fields):
            out.write(field, metadata=None, description=xml if n == 0 else None, contiguous=False)
    return path


def czi(path, tiles, *, name="CZI", scale_um=None, compression=None, channel_names=None):
    """Tiles of (pixels, (x, y), {"T": …, "C": …, "Z": …}, scene)."""
    with libczi.create_czi(str(path), exist_ok=True, compression_options=compression) as out:
        for pixels, location, plane, scene in tiles:
            out.write(data=pixels[..., np.newaxis], location=location, plane=plane, scene=scene)
        scale = 0.0 if scale_um is None else scale_um * 1e-6
        out.write_metadata(name, channel_names=channel_names, scale_x=scale, scale_y=scale, scale_z=scale)
    return path


# --- Leica ---------------------------------------------------------------------------------------------------------

LIF_IMAGE = """<Element Name="{name}" UniqueID="{name}"><Data><Image><ImageDescription><Channels>{channels}</Channels>
<Dimensions>{dimensions}</Dimensions></ImageDescription>{extra}</Image></Data>
<Memory Size="{size}" MemoryBlockID="MemBlock_{name}"/><Children/></Element>"""
_ROOT = '<LMSDataContainerHeader Version="2">'
_XML = '<?xml version="1.0" encoding="utf-8"?>'
_DIM = {"X": (1, "m"), "Y": (2, "m"), "Z": (3, "m"), "T": (4, "s"), "M": (10, "")}


def lif_element(pixels, axes, *, step=2e-7, name="one", extra="", bits=None):
    """The XML of one image whose pixels lie in this order of axes; C is stored as its own offset, like LAS does."""
    bits = bits or pixels.dtype.itemsize * 8
    bytes_per = dict(zip(axes, (int(stride) for stride in pixels.strides), strict=True))
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{bits}" NameOfMeasuredQuantity="" '
        f'Min="0" Max="255" Unit="" LUTName="Gray{c}" IsLUTInverted="0" BytesInc="{c * bytes_per.get("C", 0)}" BitInc="0"/>'
        for c in range(pixels.shape[axes.index("C")] if "C" in axes else 1)
    )
    dimensions = ""
    for axis, count in zip(axes[::-1], pixels.shape[::-1], strict=True):
        if axis != "C":
            number, unit = _DIM[axis]
            dimensions += (
                f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0" '
                f'Length="{step * (count - 1)}" Unit="{unit}" BytesInc="{bytes_per[axis]}" BitInc="0"/>'
            )
    return LIF_IMAGE.format(name=name, channels=channels, dimensions=dimensions, extra=extra, size=pixels.nbytes)


def _words(text):
    return struct.pack("<BI", 0x2A, len(text)) + text.encode("utf-16-le")


def _block(content):
    return struct.pack("<II", 0x70, len(content)) + content


def lif(path, images):
    """A LIF of (pixels, element) pairs: a block with the XML, then one block of memory an image."""
    root = "".join(element for _, element in images)
    xml = f'{_ROOT}<Element Name="project"><Children>{root}</Children></Element></LMSDataContainerHeader>'
    content = _block(_words(xml))
    for number, (pixels, element) in enumerate(images):
        name = element.split('MemoryBlockID="')[1].split('"')[0] if 'MemoryBlockID="' in element else f"M{number}"
        content += _block(struct.pack("<BQ", 0x2A, pixels.nbytes) + _words(name)) + pixels.tobytes()
    path.write_bytes(content)
    return path


def lof(path, pixels, element):
    """A LOF: a block that says so, its pixels, then a block with the XML."""
    xml = f"{_ROOT}{element}</LMSDataContainerHeader>"
    head = _block(_words("LMS_Object_File") + struct.pack("<BIBI", 0x2A, 2, 0x2A, 0))
    path.write_bytes(head + struct.pack("<BQ", 0x2A, pixels.nbytes) + pixels.tobytes() + _block(_words(xml)))
    return path


def xlef(folder, pixels, element):
    """An XLEF project: it names an XLIF, which names the LOF with the pixels."""
    folder.mkdir()
    lof(folder / "one.lof", pixels, element)
    inner = element.split("<Memory ")[0]
    size = pixels.nbytes
    block = f'<Memory Size="{size}" MemoryBlockID="M"><Block File="one.lof" Offset="0" Size="{size}"/></Memory>'
    (folder / "one.xlif").write_text(f"{_XML}{_ROOT}{inner}{block}</Element></LMSDataContainerHeader>")
    path = folder / "project.xlef"
    path.write_text(
        f'{_XML}{_ROOT}<Element Name="project"><Data><Experiment/></Data>'
        '<Children><Reference File="one.xlif"/></Children></Element></LMSDataContainerHeader>'
    )
    return path


# --- Zeiss LSM -----------------------------------------------------------------------------------------------------

_TRACKS, _TRACK, _LASERS, _LASER = 0x20000000, 0x40000000, 0x80000000, 0x90000000
_DETECTORS, _DETECTOR, _DATA, _DATUM = 0x60000000, 0x70000000, 0xC0000000, 0xD0000000
_END = struct.pack("<III", 0xFFFFFFFF, 0, 0)


def _lsm_entry(block, name, value):
    code = next(
        c for c, n in tifffile.TIFF.CZ_LSMINFO_SCANINFO_ATTRIBUTES.items() if n == name and c >> 28 == block >> 28
    )
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return struct.pack("<III", code, 2, len(text)) + text
    if isinstance(value, int):
        return struct.pack("<IIIi", code, 4, 4, value)
    return struct.pack("<IIId", code, 5, 8, value)


def _lsm_block(code, entries, inside=b""):
    return struct.pack("<III", code, 0, 0) + b"".join(_lsm_entry(code, *one) for one in entries.items()) + inside + _END


def lsm(
    path, pixels, *, voxel_m=(1.1e-7, 1.1e-7, 5e-7), recording=None, laser=None, detector=None, track=None, tiles_m=None
):
    """An LSM of slices and three channels (Z, 3, Y, X): a page holds all channels of a slice, a thumbnail follows it.

    With `tiles_m`, stage positions (x, y, z) [m], the first axis is one of tiles instead of slices.
    With two channels the format has a tag of its own spelling, which is not imitated here.
    """
    lasers = _lsm_block(_LASERS, {}, _lsm_block(_LASER, laser or {}))
    detectors = _lsm_block(
        _DETECTORS, {}, b"".join(_lsm_block(_DETECTOR, detector or {}) for _ in range(pixels.shape[1]))
    )
    tracks = _lsm_block(_TRACKS, {}, _lsm_block(_TRACK, track or {}, lasers + detectors))
    scan = _lsm_block(0x10000000, recording or {}, tracks)
    info = np.zeros((), np.dtype(tifffile.TIFF.CZ_LSMINFO))
    info["MagicNumber"], info["StructureSize"] = 67127628, info.nbytes
    info["DimensionZ"], info["DimensionChannels"], info["DimensionY"], info["DimensionX"] = pixels.shape
    info["DimensionTime"] = 1
    if tiles_m is not None:
        info["DimensionZ"], info["DimensionM"] = 1, len(pixels)
    info["VoxelSizeX"], info["VoxelSizeY"], info["VoxelSizeZ"] = voxel_m
    with tifffile.TiffWriter(path) as out:
        for z, page in enumerate(pixels):
            extra = [(34412, 1, info.nbytes, info.tobytes(), True)] if z == 0 else []
            options = {"metadata": None, "contiguous": False, "photometric": "minisblack"}
            out.write(page, planarconfig="separate", extratags=extra, **options)
            out.write(np.zeros((8, 8), np.uint8), subfiletype=1, **options)
    content = bytearray(path.read_bytes())
    place = content.index(info.tobytes()[:48])
    info["OffsetScanInformation"] = len(content)
    tail = scan
    if tiles_m is not None:
        info["OffsetTilePositions"] = len(content) + len(scan)
        tail += struct.pack("<I", len(tiles_m)) + np.asarray(tiles_m, "<f8").tobytes()
    content[place : place + info.nbytes] = info.tobytes()
    path.write_bytes(bytes(content) + tail)
    return path
