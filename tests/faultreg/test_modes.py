# SPDX-License-Identifier: Apache-2.0
import json
import unittest

import modes
from bench import Case, sha256

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Modes(Case):
    def put(self, tag="1", accept=MANIFEST, **more):
        """A manifest of one layer, whose blobs are there."""
        self.push(b"layer")
        self.push(b"{}")
        document = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": sha256(b"{}")},
                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 5, "digest": sha256(b"layer")}], **more}
        data = json.dumps({k: v for k, v in document.items() if v is not None}).encode()
        return sha256(data), *self.ask("PUT", f"/v2/{self.repository}/manifests/{tag}", body=data, Content_Type=accept)

    def chunk(self, path, start, data):
        status, headers, _ = self.ask("PATCH", path, body=data, Content_Range=f"{start}-{start + len(data) - 1}")
        return status, headers

    def test_all_take_an_image(self):
        for name in modes.names():
            if name in ("yes", "eventual", "forgetful", "pair"):
                continue
            with self.subTest(name):
                self.proxy("--mode", name)
                digest, status, _, _ = self.put()
                self.assertEqual(status, 201)
                self.assertEqual(sha256(self.ask("GET", f"/v2/{self.repository}/manifests/1", Accept=MANIFEST)[2]), digest)

    def test_cdn(self):
        self.proxy("--mode", "cdn:uses=1")
        self.push(b"data")
        status, headers, _ = self.ask("GET", f"/v2/{self.repository}/blobs/{sha256(b'data')}")
        self.assertEqual((status, headers["Location"].startswith(f"http://localhost:{self.world.other.port}/signed/")), (307, True))
        path, other = self.path_of(headers), self.world.other.port
        self.assertEqual(self.ask("GET", path, port=other, Authorization="Basic x")[0], 400)
        self.assertEqual(self.ask("HEAD", path, port=other)[0], 403)
        self.assertEqual(self.ask("GET", path + "x", port=other)[0], 403)
        self.assertEqual(self.ask("GET", path, port=other, Range="bytes=1-")[::2], (206, b"ata"))
        self.assertEqual(self.ask("GET", path, port=other)[0], 403)

    def test_ghcr(self):
        self.proxy("--mode", "ghcr:limit=4,unsure=1")
        path = self.path_of(self.open()[1])
        self.assertEqual(self.chunk(path, 0, b"12345")[0], 416)
        self.assertEqual(self.chunk(path, 0, b"1234")[0], 202)
        self.assertEqual(self.commit(path, b"1234")[0], 404)
        self.assertTrue(self.has(b"1234"))
        self.assertEqual(self.ask("GET", f"/v2/{self.repository}/referrers/{sha256(b'x')}")[0], 404)

    def test_ecr(self):
        self.proxy("--mode", "ecr:min=2,immutable")
        path = self.path_of(self.open()[1])
        self.assertEqual((self.chunk(path, 0, b"ab")[0], self.chunk(path, 2, b"c")[1]["Range"]), (201, "0-1"))
        self.assertEqual(self.chunk(path, 3, b"d")[0], 400)
        self.assertEqual(self.commit(path, b"abc")[0], 500)
        self.assertEqual(self.put()[1], 201)
        self.assertIn(b"TAG_INVALID", self.put()[3])
        self.assertEqual(self.put("2", mediaType=None)[1], 405)
        self.assertEqual(self.ask("GET", f"/v2/{self.repository}/tags/list?n=1001")[0], 400)

    def test_gar(self):
        self.proxy("--mode", "gar")
        _, headers, _ = self.open()
        path = self.path_of(headers)
        self.assertTrue(path.startswith("/artifacts-uploads/") and len(path) > 1000)
        self.assertEqual(self.ask("PATCH", path.partition("?")[0], body=b"x")[0], 403)
        self.assertEqual(self.chunk(path, 0, b"x")[0], 400)
        self.assertEqual(self.ask("PATCH", path, body=b"x")[0], 202)
        self.assertEqual(self.commit(path, b"x")[0], 201)

    def test_acr(self):
        self.proxy("--mode", "acr:limit=4")
        path = self.path_of(self.open()[1])
        self.assertEqual(self.ask("PATCH", path, body=b"12345")[0], 413)
        self.assertEqual(self.ask("PATCH", path, body=b"12", Content_Range="bytes 0-1/2")[0], 400)
        self.assertEqual(self.chunk(path, 0, b"123456")[0], 202)
        self.assertEqual(self.ask("PATCH", path, body=b"7")[0], 416)
        self.assertEqual(self.commit(path, b"123456")[0], 201)

    def test_quay(self):
        self.proxy("--mode", "quay")
        _, headers, _ = self.open()
        self.assertEqual(headers["Range"], "bytes=0--1")
        path = self.path_of(headers)
        self.assertEqual(self.chunk(path, 0, b"abc")[1]["Range"], "0-2")
        status, headers, _ = self.ask("GET", path)
        self.assertEqual((status, headers["Range"], headers["Location"]), (204, "bytes=0-3", None))
        self.assertEqual(self.chunk(path, 9, b"x")[1]["Range"], "0-3")
        mixed = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": sha256(b"{}")}
        self.assertIn(b"MANIFEST_INVALID", self.put(config=mixed)[3])

    def test_harbor(self):
        self.proxy("--mode", "harbor:mount=404,quota,duplicate=1")
        self.assertEqual(self.open(mount=sha256(b"x"), **{"from": "else/where"})[0], 404)
        path = self.path_of(self.open()[1])
        self.assertEqual(self.commit(path, b"x", body=b"x")[0], 500)
        self.assertEqual(self.push(b"twice")[0], 500)
        self.assertTrue(self.has(b"twice"))

    def test_dockerhub(self):
        self.proxy("--mode", "dockerhub:pulls=1")
        self.put()
        path = f"/v2/{self.repository}/manifests/1"
        self.assertEqual([self.ask("GET", path, Accept=MANIFEST)[0] for _ in range(2)], [200, 429])
        self.assertEqual(self.ask("HEAD", path, Accept=MANIFEST)[0], 200)

    def test_artifactory(self):
        self.proxy("--mode", "artifactory:sporadic=1")
        path = self.path_of(self.open()[1])
        self.assertEqual(self.commit(path, b"x", body=b"x")[0], 404)
        self.assertEqual([self.ask("PATCH", self.path_of(self.open()[1]), body=b"x")[0] for _ in range(2)], [404, 202])
        self.assertEqual(self.ask("HEAD", f"/v2/{self.repository}/blobs/{sha256(b'x')}", Accept=MANIFEST)[0], 406)

    def test_zot(self):
        self.proxy("--mode", "zot")
        self.assertEqual(self.put(accept="application/vnd.docker.distribution.manifest.v2+json")[1], 415)

    def test_lapses(self):
        self.proxy("--mode", "eventual:n=1")
        self.push(b"new")
        self.assertEqual([self.has(b"new"), self.has(b"new")], [False, True])
        self.proxy("--mode", "liar:n=1")
        self.assertEqual([self.has(b"no"), self.has(b"no")], [True, False])
        self.proxy("--mode", "forgetful:n=1")
        self.assertEqual((self.push(b"gone")[0], self.has(b"gone")), (201, False))
        self.proxy("--mode", "yes")
        self.assertEqual(self.ask("PUT", "/any", body=b"x")[0], 200)
        self.proxy("--mode", "stale:n=1")
        self.put()
        path = f"/v2/{self.repository}/manifests/1"
        self.assertEqual([self.ask("GET", path, Accept=MANIFEST)[0] for _ in range(2)], [404, 200])

    def test_pages(self):
        self.proxy("--mode", "pages:size=2")
        for tag in "cab":
            self.put(tag)
        path, seen = f"/v2/{self.repository}/tags/list", []
        while path:
            _, headers, data = self.ask("GET", path)
            seen.append(json.loads(data)["tags"])
            path = headers["Link"] and headers["Link"].partition("<")[2].partition(">")[0]
        self.assertEqual(seen, [["a", "b"], ["c"]])
        self.assertEqual(json.loads(self.ask("GET", f"/v2/{self.repository}/tags/list?n=1")[2])["tags"], ["a"])

    def test_referrers(self):
        self.proxy("--mode", "referrers:size=1")
        subject = {"mediaType": MANIFEST, "digest": sha256(b"subject"), "size": 7}
        found = []
        for kind in ("a/b", "c/d"):
            digest, status, headers, _ = self.put(kind[0], subject=subject, artifactType=kind)
            self.assertEqual((status, headers["OCI-Subject"]), (201, subject["digest"]))
            found.append(digest)
        path, seen = f"/v2/{self.repository}/referrers/{subject['digest']}", []
        _, headers, data = self.ask("GET", path + "?artifactType=a%2Fb")
        self.assertEqual(([m["digest"] for m in json.loads(data)["manifests"]], headers["OCI-Filters-Applied"]), (found[:1], "artifactType"))
        while path:
            _, headers, data = self.ask("GET", path)
            seen += [m["digest"] for m in json.loads(data)["manifests"]]
            path = headers["Link"] and headers["Link"].partition("<")[2].partition(">")[0]
        self.assertEqual(seen, sorted(found))


if __name__ == "__main__":
    unittest.main()
