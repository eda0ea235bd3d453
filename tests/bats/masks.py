#!/usr/bin/env python3
"""Images of a disc on a ground, and their masks: masks.py N SIDE DISC [PALETTE]

images/{even,odd}/I.png, SIDE + I % 2 pixels wide, and masks/ likewise: 0 on the ground, DISC on the disc, grey or of a
palette.
"""
import os
import random
import struct
import sys
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write(path, width, rows, colour, palette=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    header = struct.pack(">IIBBBBB", width, len(rows), 8, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows)))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + body + chunk(b"IEND", b""))


count, side, disc = map(int, sys.argv[1:4])
palette = chunk(b"PLTE", bytes(range(255, -1, -1)) * 3) if len(sys.argv) > 4 else b""
r = random.Random(1)
for i in range(count):
    width = side + i % 2
    x0, y0, radius = r.uniform(0.3, 0.7) * side, r.uniform(0.3, 0.7) * side, r.uniform(0.15, 0.3) * side
    inside = [[(x - x0) ** 2 + (y - y0) ** 2 < radius**2 for x in range(width)] for y in range(side)]
    image = [[v for d in row for v in (r.randrange(150, 220) if d else r.randrange(40, 110), 90, r.randrange(60))]
             for row in inside]
    name = f"{'odd' if i % 2 else 'even'}/{i}.png"
    write("images/" + name, width, image, 2)
    write("masks/" + name, width, [[disc * d for d in row] for row in inside], 3 if palette else 0, palette)
