# SPDX-License-Identifier: Apache-2.0
"""The way of a request: read it, meet the faults of the script, ask the modes and the target, send the answer as badly as wanted."""
import hashlib
import http.client
import http.server
import socket
import ssl
import struct
import threading
import time

import changes
import modes
from message import Answer, Body, Cut, Headers, PIECE, Request
from rules import Script

HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive", "expect")


class Target:
    """The real registry, over plain HTTP."""

    def __init__(self, address):
        self.address = address

    def ask(self, request):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.pairs:
            if name.lower() not in HOP_BY_HOP:
                connection.putheader(name, value)
        if request.method in ("PUT", "POST", "PATCH") and request.headers.get("Content-Length") is None:
            connection.putheader("Content-Length", str(request.body.length))
        connection.endheaders()
        try:
            for piece in request.body.pieces():
                connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered without wanting all
        except Cut:
            connection.close()
            raise
        answer = connection.getresponse()
        headers = Headers((k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP)
        return Answer(answer.status, headers, pieces=self.pieces(connection, answer))

    @staticmethod
    def pieces(connection, answer):
        try:
            while piece := answer.read(PIECE):
                yield piece
        finally:
            connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = PIECE

    def log_message(self, *args):
        pass

    def handle_expect_100(self):
        return True

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (Cut, ConnectionError, ssl.SSLError):
            self.close_connection = True

    def go_on(self):
        if self.headers.get("Expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()

    def hang_up(self, reset=False):
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def request_now(self):
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        body = Body(self.rfile, int(self.headers.get("Content-Length") or "0"), self.go_on)
        return Request(self.command, self.path, Headers(self.headers.items()), body, f"{scheme}://{self.headers.get('Host', '')}")

    def note(self, request, text):
        place = "other" if self.server is self.server.world.other else "own"
        secret = request.headers.get("Authorization")
        seen = [f"auth=yes:{hashlib.sha256(secret.encode()).hexdigest()[:8]}" if secret else "auth=no"]
        for name in ("Range", "Content-Range", "Expect"):
            if request.headers.get(name):
                seen.append(f"{name.lower()}={request.headers.get(name)}")
        if request.headers.get("Content-Length"):
            seen.append(f"length={request.headers.get('Content-Length')}")
            seen.append(f"got={request.body.got}")
        self.server.world.note(f"{request.method} {request.path} at={place} {' '.join(seen)} {text}")

    def any(self):
        world, request = self.server.world, self.request_now()
        faults = world.script.faults(request.method, request.path)
        try:
            self.meet(world, request, faults)
        except Cut:
            self.note(request, "cut-up")
            self.hang_up("reset" in faults)

    def meet(self, world, request, faults):
        self.prepare(request, faults)
        if "drop" in faults:
            self.note(request, "drop")
            self.hang_up("reset" in faults)
            return
        if "redirect" in faults and self.server is world.other:
            faults = {}  # it got there
        said = " ".join(faults)
        if "status" in faults or "redirect" in faults:
            if "early" not in faults:
                request.body.read()
            answer = changes.own_answer(faults, request) if "status" in faults else changes.redirect(faults, request, world)
        else:
            answer = world.ask(request)
        changes.change(answer, faults, request, world)
        self.note(request, f"{answer.status} {said}".rstrip())  # before the answer: whoever has it may read the log
        if "lose" in faults:
            answer.data()
            self.hang_up("reset" in faults)
            return
        if "stall-after" in faults:
            time.sleep(faults["stall-after"])
        self.send_answer(request, answer, faults)

    @staticmethod
    def prepare(request, faults):
        if "stall-before" in faults:
            time.sleep(faults["stall-before"])
        for name in faults.get("without", []):
            request.headers.remove(name)
        for name, value in faults.get("request", []):
            request.headers.set(name, value)
        if "cut-up" in faults:
            request.body.end = min(request.body.end, faults["cut-up"])
        if "stall-up" in faults:
            request.body.before_half = lambda: time.sleep(faults["stall-up"])

    def head(self, answer, faults, close):
        chunked = faults.get("framing") in ("chunked", "trailer")
        end = b"\n" if "bare-lf" in faults else b"\r\n"
        reason = http.client.responses.get(answer.status, "Fault")
        lines = [f"{faults.get('http', 'HTTP/1.1')} {answer.status} {reason}"]
        length = answer.headers.get("Content-Length")
        for name, value in answer.headers.pairs:
            if name.lower() != "content-length":
                lines.append(f"{name}: {value}")
        how = faults.get("length", "")
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif how == "twice" and length is not None:
            lines += [f"Content-Length: {length}", f"Content-Length: {int(length) + 1}"]
        elif how[:1] in ("+", "-") and length is not None:
            lines.append(f"Content-Length: {int(length) + int(how)}")
        elif how and how not in ("none", "twice"):
            lines.append(f"Content-Length: {how}")
        elif length is not None and how != "none" and "framing" not in faults:
            lines.append(f"Content-Length: {length}")
        if close:
            lines.append("Connection: close")
        return end.join(line.encode("latin-1") for line in lines) + end + end

    def send_answer(self, request, answer, faults):
        has_body = request.method != "HEAD" and answer.status not in (204, 304)
        if has_body and answer.headers.get("Content-Length") is None:
            answer.replace(answer.data())
        early = not request.body.is_read()
        lies = {"length", "cut", "cut-head", "http"} & set(faults) or faults.get("framing") == "close"
        close = early or bool(lies)
        for _ in range(faults.get("hints", 0)):
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        head = self.head(answer, faults, close)
        if "slow-head" in faults:
            for byte in head:
                self.send(bytes([byte]))
                time.sleep(faults["slow-head"])
        elif "cut-head" in faults:
            self.send(head[:faults["cut-head"]])
            self.hang_up("reset" in faults)
            return
        else:
            self.wfile.write(head)
        if has_body:
            self.send_body(answer, faults)
        self.wfile.flush()
        if early:
            self.linger(faults)
        elif close:
            self.hang_up("reset" in faults)

    def linger(self, faults):
        """The client still sends. Who does not care breaks the connection; who does reads for a while."""
        self.close_connection = True
        if "reset" in faults:
            self.hang_up(True)
            return
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(2)
        try:
            while self.rfile.read1(PIECE):
                pass
        except OSError:
            pass

    def send(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def send_body(self, answer, faults):
        chunked = faults.get("framing") in ("chunked", "trailer")
        total = int(answer.headers.get("Content-Length") or "0")
        cut = faults.get("cut", total)
        stop_at = total // 2 if "stall-middle" in faults else None
        sent = 0
        for piece in answer.pieces:
            while piece and sent < cut:
                most = min(len(piece), cut - sent)
                if "drip" in faults:
                    most = min(most, faults["drip"][0])
                if stop_at is not None and sent <= stop_at:
                    most = min(most, stop_at - sent)
                    if most == 0:
                        self.wfile.flush()
                        time.sleep(faults["stall-middle"])
                        stop_at = None
                        continue
                part, piece = piece[:most], piece[most:]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                sent += len(part)
                if "drip" in faults:
                    self.wfile.flush()
                    time.sleep(faults["drip"][1])
            if sent >= cut and "cut" in faults:
                return
        if chunked:
            self.wfile.write(b"0\r\nX-Trailer: late\r\n\r\n" if faults["framing"] == "trailer" else b"0\r\n\r\n")

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world, port, tls=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world
        self.port = self.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.5,), daemon=True).start()

    def shutdown_request(self, request):
        # A FIN would come before the RST that is wanted.
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0]:
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        if self.world.verbose:
            super().handle_error(request, client_address)


class World:
    """A proxy with its script, its modes, its log and two ports: its own, and another one that is another origin to clients."""

    def __init__(self, options):
        self.log, self.verbose, self.other_name = options.log, options.verbose, options.other
        rules = list(options.rule)
        if options.random:
            rules.append(f"* . {options.random} random")
        self.script = Script(rules, options.seed)
        self.lock = threading.Lock()
        self.target = Target(options.target)
        self.ask = modes.chain(options.mode, self)
        self.own = Server(self, options.port, options.tls)
        self.other = Server(self, 0)

    def other_origin(self):
        return self.other_name or f"http://localhost:{self.other.port}"

    def note(self, line):
        if self.log:
            with self.lock, open(self.log, "a", encoding="utf-8") as f:
                f.write(line + "\n")
