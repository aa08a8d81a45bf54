"""Files of R, written byte by byte as "R Internals" describes its serialization."""

from __future__ import annotations

import gzip
import struct

import numpy as np

NA_INTEGER = -(2**31)
INT, REAL, STR, LGL, VEC = 13, 14, 16, 10, 19


def na_real(tag=None):
    """R's NA of real numbers; haven puts the letter of a tag into its fifth byte."""
    return struct.pack(">Q", 0x7FF0_0000_0000_07A2 | (ord(tag) << 32 if tag else 0))


def char(text):
    if text is None:
        return struct.pack(">ii", 9, -1)
    raw = text.encode()
    return struct.pack(">ii", 9 | (1 << 3 << 12), len(raw)) + raw


def attributes(pairs):
    if not pairs:
        return b""
    flags = 2 | (1 << 10)
    listed = b"".join(
        struct.pack(">i", flags) + struct.pack(">i", 1) + char(name) + value for name, value in pairs.items()
    )
    return listed + struct.pack(">i", 254)


def vector(kind, values, **about):
    flags = kind | (1 << 9 if about else 0) | (1 << 8 if "class" in about else 0)
    if kind == REAL:
        cells = b"".join(value if isinstance(value, bytes) else struct.pack(">d", value) for value in values)
    elif kind == STR:
        cells = b"".join(map(char, values))
    elif kind == VEC:
        cells = b"".join(values)
    else:
        cells = np.array(values, ">i4").tobytes()
    return struct.pack(">ii", flags, len(values)) + cells + attributes(about)


def text(*values):
    return vector(STR, values)


def data_frame(**columns):
    about = {"names": text(*columns), "class": text("data.frame"), "row.names": vector(INT, [NA_INTEGER, -4])}
    return vector(VEC, list(columns.values()), **about)


def rds(value):
    return gzip.compress(b"X\n" + struct.pack(">iii", 2, 0x040000, 0x020300) + value, mtime=0)


def rda(**values):
    listed = attributes(values)
    return gzip.compress(b"RDX2\nX\n" + struct.pack(">iii", 2, 0x040000, 0x020300) + listed, mtime=0)
