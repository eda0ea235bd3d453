#!/usr/bin/env python3
"""IDX images as PNG files: png.py FOLDER PREFIX OUT N [CLASSES]

The first N images of FOLDER/PREFIX-images-idx3-ubyte[.gz] become OUT/I.png, or with a fifth argument OUT/LABEL/I.png.
"""
import gzip
import os
import struct
import sys
import zlib


def idx(folder, name):
    path = os.path.join(folder, name)
    read = open if os.path.exists(path) else gzip.open
    with read(path if read is open else path + ".gz", "rb") as f:
        data = f.read()
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    return shape, data[4 + 4 * len(shape) :]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, width, height):
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


folder, prefix, out, n = sys.argv[1:5]
(count, height, width), pixels = idx(folder, f"{prefix}-images-idx3-ubyte")
labels = idx(folder, f"{prefix}-labels-idx1-ubyte")[1]
for i in range(min(int(n), count)):
    below = os.path.join(out, str(labels[i])) if len(sys.argv) > 5 else out
    os.makedirs(below, exist_ok=True)
    with open(os.path.join(below, f"{i}.png"), "wb") as f:
        f.write(png(pixels[i * width * height : (i + 1) * width * height], width, height))
