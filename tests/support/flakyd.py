#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reverse proxy that misbehaves as it is told, for tests of the registry client. Python's own library only.

    flakyd.py TARGET [--log FILE] [RULE]…     TARGET is host:port of a plain HTTP server; prints "port N" when ready

A rule is "METHOD REGEX COUNT ACTION [VALUE]": the first COUNT requests whose method and path match get the action, later ones pass
to the target. METHOD may be "*". Rules are looked at in order. Actions:
    status N[:RETRY]   answer with status N without asking the target, Retry-After RETRY if given; the body is read
    early N            the same, but the body is not read and the connection is closed
    drop               close the connection without an answer
    lose               pass the request on, throw the answer away, close the connection
    cut N              pass on, send N bytes of the answer's body, close the connection
    redirect URL       307 to URL, with the request's path appended
    header NAME=VALUE  pass on, and set a header of the answer (an empty value removes it)
    ignore-range       pass on without the request's Range header
    flip               pass on, and change the first byte of the answer's body
The log has one line for each request: METHOD path auth=yes|no range=… expect=… length=… status|action.
"""
import http.client
import http.server
import re
import socket
import sys
import threading


class Rule:
    def __init__(self, text):
        parts = text.split(" ", 4)
        self.method, self.path, self.left = parts[0], re.compile(parts[1]), int(parts[2])
        self.action = parts[3]
        self.value = parts[4] if len(parts) > 4 else ""

    def fits(self, method, path):
        return self.left > 0 and self.method in ("*", method) and self.path.search(path)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_expect_100(self):
        self.expects = True
        return True

    def note(self, text):
        if self.server.log:
            with self.server.lock, open(self.server.log, "a", encoding="utf-8") as f:
                f.write(f"{self.command} {self.path} auth={'yes' if self.headers.get('Authorization') else 'no'} "
                        f"range={self.headers.get('Range', '')} expect={self.headers.get('Expect', '')} "
                        f"length={self.headers.get('Content-Length', '')} {text}\n")

    def pick(self):
        with self.server.lock:
            for rule in self.server.rules:
                if rule.fits(self.command, self.path):
                    rule.left -= 1
                    return rule.action, rule.value
        return "", ""

    def body(self):
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length") or "0"))

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def ask_target(self, body, without):
        headers = {k: v for k, v in self.headers.items() if k.lower() not in without + ("expect", "connection")}
        target = http.client.HTTPConnection(self.server.target)
        target.request(self.command, self.path, body=body if body or self.command in ("PUT", "POST", "PATCH") else None,
                       headers=headers)
        answer = target.getresponse()
        data = answer.read()
        target.close()
        return answer, data

    def plain(self, status, extra, close=False):
        data = b'{"errors":[{"code":"TESTS","message":"as the test wants"}]}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in extra:
            self.send_header(name, value)
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.close_connection = self.close_connection or close

    def pass_on(self, action, value, body):
        answer, data = self.ask_target(body, ("range",) if action == "ignore-range" else ())
        if action == "lose":
            self.note(f"lose {answer.status}")
            self.hang_up()
            return
        if action == "flip" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        changed, _, to = value.partition("=") if action == "header" else ("", "", "")
        self.note(str(answer.status))  # before the answer: whoever has it may read the log
        self.send_response_only(answer.status)
        for name, old in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", changed.lower()):
                self.send_header(name, old)
        if to:
            self.send_header(changed, to)
        if answer.getheader("Content-Length") is None and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if action == "cut":
            self.wfile.write(data[:int(value)])
            self.wfile.flush()
            self.hang_up()
        elif self.command != "HEAD":
            self.wfile.write(data)

    def any(self):
        action, value = self.pick()
        if action == "drop":
            self.note(action)
            self.hang_up()
        elif action == "early":
            self.note(action)
            self.plain(int(value), [], close=True)
        elif action == "status":
            self.body()
            status, _, retry = value.partition(":")
            self.note(f"status {status}")
            self.plain(int(status), [("Retry-After", retry)] if retry else [])
        elif action == "redirect":
            self.body()
            self.note("307")
            self.plain(307, [("Location", value + self.path)])
        else:
            self.pass_on(action, value, self.body())

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = any


def main():
    args = sys.argv[1:]
    target = args.pop(0)
    log = ""
    if args and args[0] == "--log":
        log = args[1]
        args = args[2:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.target, server.log, server.lock = target, log, threading.Lock()
    server.rules = [Rule(a) for a in args]
    print(f"port {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
