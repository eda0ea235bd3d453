#!/usr/bin/env python3
"""svg.py FILE...: each is XML, its boxes lie apart and inside, no line crosses a box, a box has a line."""
import sys
import xml.etree.ElementTree as xml

NS = "{http://www.w3.org/2000/svg}"


def look(path):
    root = xml.parse(path).getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    rects = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) + (r.get("stroke"),)
             for r in root.iter(NS + "rect") if r.get("x")]
    lines = [[tuple(map(float, p.split(","))) for p in l.get("points").split()] for l in root.iter(NS + "polyline")]
    boxes = [r for r in rects if r[4] == "#505050"]
    assert len(boxes) > 1 and lines, path
    for x, y, w, h, _ in rects:
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height, (path, "outside", x, y)
    for i, (x, y, w, h, _) in enumerate(boxes):
        for X, Y, W, H, _ in boxes[i + 1:]:
            assert x + w < X or X + W < x or y + h < Y or Y + H < y, (path, "boxes overlap", x, y, X, Y)
        ends = [p for l in lines for p in (l[0], l[-1])]
        assert any(x <= a <= x + w and y - 1 <= b <= y + h + 1 for a, b in ends), (path, "box alone", x, y)
    for l in lines:
        assert all(0 <= a <= width and 0 <= b <= height for a, b in l), (path, "line outside", l)
        for (a, b), (c, d) in zip(l, l[1:]):
            assert abs(a - c) < 0.5 or abs(b - d) < 0.5, (path, "slanted", l)
            for x, y, w, h, _ in boxes:
                crosses = max(a, c) > x + 1 and min(a, c) < x + w - 1 and max(b, d) > y + 1 and min(b, d) < y + h - 1
                assert not crosses, (path, "a line crosses a box", l, (x, y, w, h))


for name in sys.argv[1:]:
    look(name)
