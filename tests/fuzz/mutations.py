"""Ways in which a file goes wrong: cut off, bits turned, numbers made huge, blocks zeroed, repeated, swapped or mixed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

HEAD_BYTES = 4096
HUGE = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with one to four things wrong."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if len(data) < 16:
            break
        ways = (_flip, _flip, _number, _number, _zero, _cut, _repeat, _swap, _text)
        ways[int(rng.integers(len(ways)))](data, rng)
    return bytes(data)


def _where(data: bytearray, rng: np.random.Generator, room: int = 1) -> int:
    """Choose a place: half of them in the header, where the structure is, or in the last part, where directories lie."""
    size = max(len(data) - room, 1)
    side = int(rng.integers(4))
    if side in {0, 1}:
        return int(rng.integers(min(size, HEAD_BYTES)))
    if side == 2:
        return int(rng.integers(max(0, size - HEAD_BYTES), size))
    return int(rng.integers(size))


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 9))):
        data[_where(data, rng)] ^= 1 << int(rng.integers(8))


def _number(data: bytearray, rng: np.random.Generator) -> None:
    at = _where(data, rng, 8)
    form = ("<H", ">H", "<I", ">I", "<Q")[int(rng.integers(5))]
    value = HUGE[int(rng.integers(len(HUGE)))]
    if form[1] == "H":
        value &= 0xFFFF
    data[at : at + struct.calcsize(form)] = struct.pack(form, value)


def _zero(data: bytearray, rng: np.random.Generator) -> None:
    at, length = _where(data, rng), int(rng.integers(1, 513))
    data[at : at + length] = bytes(len(data[at : at + length]))


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[_where(data, rng) :]


def _repeat(data: bytearray, rng: np.random.Generator) -> None:
    at, length = _where(data, rng), int(rng.integers(1, 2049))
    data[at:at] = data[at : at + length]


def _swap(data: bytearray, rng: np.random.Generator) -> None:
    one, other, length = _where(data, rng, 64), _where(data, rng, 64), int(rng.integers(1, 64))
    first, second = data[one : one + length], data[other : other + length]
    data[one : one + len(second)] = second
    data[other : other + len(first)] = first


def _text(data: bytearray, rng: np.random.Generator) -> None:
    """Put what parsers of text trip over into the next text there is."""
    words = (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;" * 8, b"\xff\xfe\x00", b'="' + b"9" * 300 + b'"', b"-1", b"NaN")
    at = data.find(b"<", _where(data, rng))
    word = words[int(rng.integers(len(words)))]
    if at >= 0:
        data[at : at + len(word)] = word
