# SPDX-License-Identifier: Apache-2.0
"""What doubles of servers for tests have in common. Python's own library only."""
import http.server
import os
import re
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """On loopback, with a log to which any thread may add a line."""
    daemon_threads = True

    def __init__(self, handler, log="", port=0):
        super().__init__(("127.0.0.1", port), handler)
        self.log = log
        self.lock = threading.Lock()

    def note(self, line):
        if self.log:
            with self.lock, open(self.log, "a", encoding="utf-8") as f:
                f.write(line + "\n")

    def run(self):
        """Until SIGTERM."""
        print(f"port {self.server_address[1]}", flush=True)
        self.serve_forever()


class Refusal(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


class Store(Handler):
    """A store of objects that fails as DIR/mode wants, where each line has a key, its words and, for the keys in COUNTED, how often more."""
    COUNTED = {"fail": 3, "cut": 1, "expire": 1}

    def mode(self, key):
        """The words behind a key of DIR/mode; those with a count lose one."""
        path = os.path.join(self.server.directory, "mode")
        with self.server.lock:
            try:
                with open(path, encoding="utf-8") as f:
                    lines = [line.split() for line in f]
            except FileNotFoundError:
                return None
            for words in lines:
                if words[0] != key or (key == "fail" and words[1] not in self.command + self.path):
                    continue
                where = self.COUNTED.get(key)
                if where is None:
                    return words[1:]
                if int(words[where]) <= 0:
                    continue
                words[where] = str(int(words[where]) - 1)
                with open(path + ".new", "w", encoding="utf-8") as f:
                    f.writelines(" ".join(line) + "\n" for line in lines)
                os.replace(path + ".new", path)
                return words[1:]
        return None

    def reply(self, status, headers=(), body=b"", length=None):
        self.server.note(f'127.0.0.1 "{self.command} {self.path} HTTP/1.1" {status} {len(body)} -')
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def endless(self):
        """As much as anybody wants, up to what a test can stand."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        sent = 0
        try:
            while sent < 1 << 30:
                self.wfile.write(b" " * (1 << 16))
                sent += 1 << 16
        except ConnectionError:
            pass
        self.server.note(f"endless: {sent} bytes")

    def give(self, data, headers=(), spoil=True):
        """All of it or what is asked for; `spoil`: it is of those that "cut" and "flip" of DIR/mode mean."""
        status, begin = 200, re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if begin:
            status, at = 206, int(begin.group(1))
            headers = [*headers, ("Content-Range", f"bytes {at}-{len(data) - 1}/{len(data)}")]
            data = data[at:]
        length = len(data)
        elsewhere, huge = self.mode("redirect"), self.mode("huge")
        if elsewhere:
            self.reply(307, [("Location", elsewhere[0])])
            return
        if self.mode("endless"):
            self.endless()
            return
        if huge:
            length = int(huge[0])
            self.close_connection = True
        if spoil and self.mode("flip"):
            data = bytes([data[0] ^ 1]) + data[1:]
        if spoil and length > 1 and self.mode("cut"):
            data = data[:length // 2]
            self.close_connection = True
        self.reply(status, headers, data, length)
