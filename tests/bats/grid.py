#!/usr/bin/env python3
"""What ctorch show --batch draws, read back.

grid.py digits PICTURE FOLDER COLUMNS: each cell is an image of FOLDER's training part, with its own class's label below
grid.py masks PICTURE COLUMNS: where a cell's image is red or blue, the mask beside it has class 1 or 2
"""
import os
import struct
import sys
import zlib


def read(path):
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + n]
        at += 12 + n
    assert depth == 8 and colour == 2
    rows, before, body, step = [], bytes(3 * width), zlib.decompress(body), 3 * width + 1
    for y in range(height):
        kind, row = body[y * step], bytearray(body[y * step + 1:(y + 1) * step])
        for i in range(len(row)):
            a, b, c = (row[i - 3] if i > 2 else 0), before[i], (before[i - 3] if i > 2 else 0)
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = row[i] + (0, a, b, (a + b) // 2, paeth)[kind] & 255
        before = bytes(row)
        rows.append([tuple(row[3 * x:3 * x + 3]) for x in range(width)])
    return rows


GAP = 8
rows = read(sys.argv[2])
columns = int(sys.argv[-1])
cell = (len(rows[0]) - GAP) // columns
if sys.argv[1] == "digits":
    idx = [open(os.path.join(sys.argv[3], "train-" + n), "rb").read() for n in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    known = {idx[0][16 + 64 * i:80 + 64 * i]: label for i, label in enumerate(idx[1][8:])}
    scale = (cell - GAP) // 8
    line = 8 * scale + GAP + 14 + GAP // 2
    drawn = {}
    for top in range(GAP, len(rows) - GAP, line):
        for left in range(GAP, len(rows[0]) - GAP, cell):
            image = [rows[top + y * scale + scale // 2][left + x * scale + scale // 2] for y in range(8) for x in range(8)]
            assert all(r == g == b for r, g, b in image)
            label = known[bytes(p[0] for p in image)]
            below = tuple(tuple(r[left:left + cell - GAP]) for r in rows[top + 8 * scale:top + line - 1])
            assert drawn.setdefault(label, below) == below
    assert len(set(drawn.values())) == len(drawn) > 5
else:
    side = (cell - GAP) // 2
    seen = set()
    for top in range(GAP, len(rows) - GAP, side + GAP):
        for left in range(GAP, len(rows[0]) - GAP, cell):
            for y in range(top, top + side):
                for x in range(left, left + side):
                    (r, _, b), mask = rows[y][x], rows[y][x + side]
                    assert mask == ((0, 0, 0) if r + b < 100 else (128, 0, 0) if r > b else (0, 128, 0)), (x, y)
                    seen.add(mask)
    assert len(seen) == 3
