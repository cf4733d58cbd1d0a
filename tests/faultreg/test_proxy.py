# SPDX-License-Identifier: Apache-2.0
import email.utils
import http.client
import json
import os
import socket
import tempfile
import time
import unittest

from bench import Case, sha256


class Answers(Case):
    def test_without_a_script_all_passes(self):
        self.proxy()
        self.assertEqual(self.push(b"data")[0], 201)
        status, headers, data = self.ask("GET", f"/v2/{self.repository}/blobs/{sha256(b'data')}")
        self.assertEqual((status, data, headers["Docker-Content-Digest"]), (200, b"data", sha256(b"data")))
        self.assertEqual(self.ask("GET", "/v2/none/blobs/" + sha256(b"x"))[0], 404)

    def test_own_answers(self):
        self.proxy("GET . 1 status=503 retry=7", "GET . 1 status=500 body=html", "GET . 1 status=500 body=empty",
                   "GET . 1 status=429 retry=date+100", "GET . 1 status=400 code=NAME_INVALID header=X:y")
        status, headers, data = self.ask("GET", "/v2/")
        self.assertEqual((status, headers["Retry-After"], json.loads(data)["errors"][0]["code"]), (503, "7", "UNAVAILABLE"))
        self.assertIn("html", self.ask("GET", "/v2/")[1]["Content-Type"])
        self.assertEqual(self.ask("GET", "/v2/")[2], b"")
        when = email.utils.parsedate_to_datetime(self.ask("GET", "/v2/")[1]["Retry-After"]).timestamp()
        self.assertLess(abs(when - time.time() - 100), 3)
        status, headers, data = self.ask("GET", "/v2/")
        self.assertEqual((status, headers["X"], b"NAME_INVALID" in data), (400, "y", True))
        self.assertEqual(self.ask("GET", "/v2/")[0], 200)

    def test_lines_and_lengths(self):
        self.proxy("GET . 1 bare-lf", "GET . 1 length=+5", "GET . 1 length=none", "GET . 1 length=twice", "GET . 1 framing=chunked",
                   "GET . 1 framing=trailer", "GET . 1 cut-head=10", "GET . 1 cut=1", "GET . 1 hints=2", "GET . 1 http=ICY")
        self.assertNotIn(b"\r", self.get_raw())
        self.assertIn(b"Content-Length: 7\r\n", self.get_raw())
        self.assertNotIn(b"Content-Length", self.get_raw())
        self.assertEqual(self.get_raw().count(b"Content-Length"), 2)
        self.assertTrue(self.get_raw().endswith(b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
        self.assertTrue(self.get_raw().endswith(b"0\r\nX-Trailer: late\r\n\r\n"))
        self.assertEqual(self.get_raw(), b"HTTP/1.1 2")
        self.assertTrue(self.get_raw().endswith(b"\r\n\r\n{"))
        self.assertEqual(self.get_raw().count(b"HTTP/1.1 103"), 2)
        self.assertTrue(self.get_raw().startswith(b"ICY 200"))

    def test_bodies(self):
        self.proxy("GET /blobs/ 1 flip=1", "GET /blobs/ 1 truncate=2", "GET /blobs/ 1 swap=other", "GET /blobs/ 1 gzip",
                   "GET /blobs/ 1 without=Range", "GET /blobs/ 1 request=Range:bytes=3-")
        self.push(b"abcd")
        path = f"/v2/{self.repository}/blobs/{sha256(b'abcd')}"
        self.assertEqual([self.ask("GET", path)[2] for _ in range(3)], [b"accd", b"ab", b"other"])
        self.assertEqual(self.ask("GET", path)[1]["Content-Encoding"], "gzip")
        self.assertEqual(self.ask("GET", path, Range="bytes=2-")[2], b"abcd")
        self.assertEqual(self.ask("GET", path, Range="bytes=2-")[2], b"d")

    def test_headers(self):
        self.proxy("* . * digest=wrong add=A:1 add=A:2 location=relative range=0-5")
        status, headers, _ = self.open()
        self.assertEqual((status, headers.get_all("A"), headers["Range"]), (202, ["1", "2"], "0-5"))
        self.assertTrue(headers["Location"].startswith("/v2/"))
        self.assertNotEqual(self.push(b"data")[1]["Docker-Content-Digest"], sha256(b"data"))

    def test_locations(self):
        self.proxy("POST . 1 location=none", "POST . 1 location=other", "POST . 1 location=no-query", "POST . 1 location=https",
                   "POST . 1 location=host-path", "POST . 1 location=no-port", "POST . 1 location=ftp://h{path}")
        here = f"127.0.0.1:{self.world.own.port}"
        self.assertIsNone(self.open()[1]["Location"])
        self.assertTrue(self.open()[1]["Location"].startswith(f"http://localhost:{self.world.other.port}/v2/"))
        self.assertNotIn("?", self.open()[1]["Location"])
        self.assertTrue(self.open()[1]["Location"].startswith(f"https://{here}/v2/"))
        self.assertTrue(self.open()[1]["Location"].startswith(f"{here}/v2/"))
        self.assertTrue(self.open()[1]["Location"].startswith("http://127.0.0.1/v2/"))
        self.assertTrue(self.open()[1]["Location"].startswith("ftp://h/v2/"))


class Connections(Case):
    def test_lost_answers_leave_what_was_done(self):
        self.proxy("PUT . 1 lose")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.push(b"lost")
        self.assertTrue(self.has(b"lost"))

    def test_a_reset_is_one(self):
        self.proxy("GET . 1 drop", "GET . 1 drop reset")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.ask("GET", "/v2/")
        with self.assertRaises(ConnectionResetError):
            self.ask("GET", "/v2/")

    def test_cut_on_the_way_up(self):
        self.proxy("PATCH . 1 cut-up=3")
        _, headers, _ = self.open()
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.ask("PATCH", self.path_of(headers), body=b"abcdef")

    def test_an_early_refusal_reads_no_body(self):
        log = tempfile.NamedTemporaryFile("r")
        self.proxy("--log", log.name, "PUT . 1 status=413 early")
        came = self.raw(b"PUT /v2/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        self.assertTrue(came.startswith(b"HTTP/1.1 413"))
        self.assertIn("expect=100-continue length=1000000 got=0 413", log.read())

    def test_waits(self):
        self.proxy("GET . 1 stall-before=0.1", "GET . 1 stall-after=0.1", "GET . 1 stall-middle=0.1", "GET . 1 drip=1/0.1")
        for _ in range(4):
            begin = time.monotonic()
            self.assertEqual(self.ask("GET", "/v2/")[2], b"{}")
            self.assertGreater(time.monotonic() - begin, 0.09)

    def test_redirects(self):
        self.proxy("GET . 1 redirect=307:other", "GET . 1 redirect=301:loop", "GET . 1 redirect=308:http://h:1")
        other = f"http://localhost:{self.world.other.port}"
        self.assertEqual([self.ask("GET", "/v2/")[1]["Location"] for _ in range(3)], [other + "/v2/", "/v2/", "http://h:1/v2/"])

    def test_a_script_in_a_file(self):
        with tempfile.NamedTemporaryFile("w", delete=False) as f:
            f.write("# a comment\n\nGET . 1 status=500\n")
        self.addCleanup(os.unlink, f.name)
        self.proxy("--rules", f.name)
        self.assertEqual([self.ask("GET", "/v2/")[0] for _ in range(2)], [500, 200])

    def test_chance(self):
        self.proxy("--random", "30%", "--seed", "3")
        failed = 0
        for _ in range(100):
            try:
                failed += self.ask("GET", "/v2/")[::2] != (200, b"{}")
            except (http.client.HTTPException, ConnectionError, socket.timeout):
                failed += 1
        self.assertTrue(10 < failed < 50, failed)


if __name__ == "__main__":
    unittest.main()
