"""A file is what its first bytes say."""

from __future__ import annotations

import pytest

from common.errors import UnreadableImageError
from common.image_formats import HEAD_BYTES, check_head


@pytest.mark.parametrize("head", [b"II*\x00", b"MM\x00*", b"II+\x00\x08", b"MM\x00+\x00"])
def test_a_tiff_of_either_byte_order_and_size_passes(head):
    check_head(head.ljust(HEAD_BYTES, b"\0"), name="a.tif")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"GIF89a", "a GIF picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xda\xce\xbe\n", "a Nikon ND2 file"),
        (b"p\x00\x00\x00", "a Leica LIF file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"II*", "of an unknown format"),
        (b"text", "of an unknown format"),
    ],
)
def test_anything_else_is_named_with_the_way_out(head, what):
    with pytest.raises(UnreadableImageError, match=what) as refused:
        check_head(head, name="a.tif")
    assert "export" in refused.value.hint
    assert refused.value.details == {"file": "a.tif"}


def test_an_empty_file_is_called_empty():
    with pytest.raises(UnreadableImageError, match=r"The file a\.tif is empty"):
        check_head(b"", name="a.tif")
