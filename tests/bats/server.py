#!/usr/bin/env python3
"""A web server on loopback that misbehaves: server.py FOLDER [LOG]

Prints its port, then serves FOLDER until its standard input ends. The URL's first part says how:
/ok/NAME /norange/NAME (the Range header is ignored) /truncate/NAME (the first answer for a name breaks off half way)
/always-truncate/NAME /stall/NAME (half, then silence) /redirect/NAME (to /ok/) /loop/NAME (to itself)
/escape/NAME (redirects to file:///) /404/NAME /503/NAME /503-once/NAME (the first answer for a name)
/wrong/NAME (a byte is changed) /wrong-range/NAME (a resumed part is changed) /endless/NAME (bytes without an end).
LOG gets a line "PATH RANGE" a request.
"""
import http.server
import os
import sys
import threading
import time

folder, log = sys.argv[1], (sys.argv[2:] + [os.devnull])[0]
seen = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def empty(self, status, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def once(self):
        new = self.path not in seen
        seen.add(self.path)
        return new

    def content(self, how, name):
        with open(os.path.join(folder, os.path.basename(name)), "rb") as f:
            data = bytearray(f.read())
        if how == "wrong" or (how == "wrong-range" and "Range" in self.headers):
            data[-9] ^= 1
        return bytes(data)

    def send(self, how, data):
        start = 0
        if "Range" in self.headers and how != "norange":
            start = int(self.headers["Range"].split("=")[1].split("-")[0])
            if start >= len(data):
                return self.empty(416, **{"Content-Range": f"bytes */{len(data)}"})
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        body = data[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = how == "stall" or how == "always-truncate" or (how == "truncate" and self.once())
        self.wfile.write(body[: len(body) // 2] if half else body)
        self.wfile.flush()
        if how == "stall":
            time.sleep(30)
        self.close_connection = half

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(bytes(1 << 16))

    def do_GET(self):
        with open(log, "a") as f:
            f.write(f"{self.path} {self.headers.get('Range', '-')}\n")
        how, name = self.path.lstrip("/").split("/", 1)
        if how == "redirect":
            return self.empty(302, Location=f"/ok/{name}")
        if how == "loop":
            return self.empty(302, Location=self.path)
        if how == "escape":
            return self.empty(302, Location=f"file://{os.path.abspath(folder)}/{name}")
        if how == "503" or (how == "503-once" and self.once()):
            return self.empty(503)
        if how == "endless":
            return self.endless()
        try:
            data = self.content(how, name)
        except OSError:
            return self.empty(404)
        return self.empty(404) if how == "404" else self.send(how, data)

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
