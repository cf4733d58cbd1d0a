# SPDX-License-Identifier: Apache-2.0
import http.client
import unittest

from bench import Case, sha256


class Sessions(Case):
    def cut(self, path, data):
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.ask("PATCH", path, body=data)

    def test_whole(self):
        self.proxy("--mode", "sessions")
        self.assertEqual(self.push(b"data")[0], 201)
        self.assertTrue(self.has(b"data"))

    def test_a_cut_is_survived(self):
        self.proxy("--mode", "sessions", "PATCH . 1 cut-up=3")
        path = self.path_of(self.open()[1])
        self.cut(path, b"abcdef")
        status, headers, _ = self.ask("GET", path)
        self.assertEqual((status, headers["Range"]), (204, "0-2"))
        status, headers, _ = self.ask("PATCH", self.path_of(headers), body=b"def", Content_Range="3-5")
        self.assertEqual((status, headers["Range"]), (202, "0-5"))
        self.assertEqual(self.commit(self.path_of(headers), b"abcdef")[0], 201)
        self.assertTrue(self.has(b"abcdef"))

    def test_a_cut_ends_a_fragile_one(self):
        self.proxy("--mode", "sessions:fragile", "PATCH . 1 cut-up=3")
        path = self.path_of(self.open()[1])
        self.cut(path, b"abcdef")
        self.assertEqual(self.ask("GET", path)[0], 404)

    def test_wrong_places_do_no_harm(self):
        self.proxy("--mode", "sessions:least=10")
        _, headers, _ = self.open()
        self.assertEqual((headers["Range"], headers["OCI-Chunk-Min-Length"]), ("0-0", "10"))
        path = self.path_of(headers)
        for given, status in (("1-2", 416), ("bytes 0-1/2", 400), ("0-7", 400)):
            self.assertEqual(self.ask("PATCH", path, body=b"ab", Content_Range=given)[0], status)
        self.assertEqual(self.ask("GET", path)[1]["Range"], "0-0")
        self.assertEqual(self.ask("PATCH", path, body=b"ab", Content_Range="0-1")[0], 202)
        self.assertEqual(self.commit(path, b"other")[0], 400)
        self.assertEqual(self.commit(path, b"abc", body=b"c")[0], 201)

    def test_cancelled(self):
        self.proxy("--mode", "sessions")
        path = self.path_of(self.open()[1])
        self.assertEqual(self.ask("DELETE", path)[0], 204)
        self.assertEqual(self.ask("PATCH", path, body=b"x")[0], 404)

    def test_mounts_are_those_of_the_registry(self):
        self.proxy("--mode", "sessions")
        self.push(b"data")
        source = self.repository
        self.repository += "b"
        self.assertEqual(self.open(mount=sha256(b"data"), **{"from": source})[0], 201)
        self.assertEqual(self.open(mount=sha256(b"none"), **{"from": source})[0], 202)


if __name__ == "__main__":
    unittest.main()
