"""A file is what its first bytes say."""

from __future__ import annotations

import pytest

from common.errors import UnreadableImageError
from common.image_formats import HEAD_BYTES, ImageFormat, check_head, identify


@pytest.mark.parametrize("head", [b"II*\x00", b"MM\x00*", b"II+\x00\x08", b"MM\x00+\x00"])
def test_a_tiff_of_either_byte_order_and_size_passes(head):
    check_head(head.ljust(HEAD_BYTES, b"\0"), name="a.tif")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"GIF89a", "a GIF picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000 picture or an ND2 file of before 2009"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"II*", "of an unknown format"),
        (b"text", "of an unknown format"),
    ],
)
def test_anything_else_is_named_with_the_way_out(head, what):
    with pytest.raises(UnreadableImageError, match=what) as refused:
        check_head(head, name="a.tif")
    assert "OME-TIFF" in refused.value.hint
    assert refused.value.details == {"file": "a.tif"}


def test_an_empty_file_is_called_empty():
    with pytest.raises(UnreadableImageError, match=r"The file a\.tif is empty"):
        check_head(b"", name="a.tif")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"II+\x00", ImageFormat.TIFF),
        (b"ZISRAWFILE\0\0", ImageFormat.CZI),
        (b"p\x00\x00\x00\x10", ImageFormat.LEICA),
        (b"\xda\xce\xbe\n", ImageFormat.ND2),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ImageFormat.OIB),
    ],
)
def test_a_microscopes_file_passes_and_is_given_to_its_reader(head, found):
    check_head(head.ljust(HEAD_BYTES, b"\0"), name="misleading.png")
    assert identify(head.ljust(HEAD_BYTES, b"\0"), name="misleading.png") is found


@pytest.mark.parametrize(("bom", "encoding"), [("", "utf-8"), ("\ufeff", "utf-16-le"), ("", "utf-16-le")])
def test_settings_without_their_pixels_are_refused_with_what_to_save_instead(bom, encoding):
    oif = f"{bom}[Acquisition Parameters Common]\r\nZoomValue=7\r\n".encode(encoding)
    with pytest.raises(UnreadableImageError, match="folder of the same name") as refused:
        check_head(oif, name="a.oif")
    assert "Save it as OIB" in refused.value.hint
    xlef = f'{bom}<?xml version="1.0"?><LMSDataContainerHeader Version="2">'.encode(encoding)
    with pytest.raises(UnreadableImageError, match="other files of its project") as refused:
        check_head(xlef, name="a.xlef")
    assert "as LIF" in refused.value.hint


def test_an_archive_is_to_be_unpacked():
    with pytest.raises(UnreadableImageError, match="a ZIP archive") as refused:
        check_head(b"PK\x03\x04", name="a.zip")
    assert "Unpack" in refused.value.hint
