#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift with its S3 interface (Debian's python3-swift), all of its servers in one process on loopback: a server of S3 that nobody
wrote for lade, and that verifies signatures.

    swiftd.py DIR [--region NAME] [--log FILE]

Prints "port N", then serves until SIGTERM. What it keeps is in DIR, which must be on a file system with extended attributes of users. One
replica on one device. Users are in USERS. Buckets are in the path or before ".localhost".
"""
import argparse
import logging
import os
import sys

import eventlet
import eventlet.wsgi

eventlet.monkey_patch()

from swift.account.server import AccountController  # noqa: E402
from swift.common import utils, wsgi  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.server import ObjectController  # noqa: E402

# Keys have signs that matter to signatures and headers.
USERS = """
user_test_tester = lade/secret+of/tests== .admin
user_test_reader = another+secret
"""
PIPELINE = "catch_errors gatekeeper memory listing_formats s3api tempauth copy bulk slo dlo proxy-server"
FILTERS = ("catch_errors", "gatekeeper", "listing_formats", "copy", "bulk", "slo", "dlo")


class Memory:
    """What Swift keeps in memcached. It only asks; here every answer is that nothing is known."""

    def get(self, *_, **__):
        return None

    def set(self, *_, **__):
        pass

    delete = set


def memory_factory(*_, **__):
    memory = Memory()

    def add(app):
        def call(env, start_response):
            env["swift.cache"] = memory
            return app(env, start_response)
        return call
    return add


def logged(app, path):
    """A line for each request, as tests read them."""
    def call(env, start_response):
        said = []
        query = env.get("QUERY_STRING", "")
        request = f'{env["REQUEST_METHOD"]} {env["RAW_PATH_INFO"]}{"?" * bool(query)}{query}'

        def note(status, headers, exc_info=None):
            said[:] = [status.split()[0]]
            return start_response(status, headers, exc_info)
        size = 0
        chunks = app(env, note)
        try:
            for chunk in chunks:
                size += len(chunk)
                yield chunk
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
            with open(path, "a", encoding="utf-8") as log:
                log.write(f'127.0.0.1 "{request} HTTP/1.1" {said[0]} {size} -\n')
    return call


def serve(listener, app):
    eventlet.spawn(eventlet.wsgi.server, listener, app, log=utils.NullLogger(), protocol=SwiftHttpProtocol, capitalize_response_headers=False,
                   socket_timeout=60)


def make_ring(directory, name, port):
    builder = RingBuilder(1, 1, 0)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": port, "device": "disk"})
    builder.rebalance()
    builder.get_ring().save(os.path.join(directory, name + ".ring.gz"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--log", default="log")
    args = parser.parse_args()
    directory = os.path.abspath(args.directory)
    os.makedirs(os.path.join(directory, "devices/disk"), exist_ok=True)
    try:
        os.setxattr(directory, "user.swiftd", b"")
    except OSError as e:
        sys.exit(f"swiftd: {directory}: extended attributes: {e.strerror}")
    # It would log to syslog.
    utils.ThreadSafeSysLogHandler = lambda **_: logging.StreamHandler()
    utils.HASH_PATH_SUFFIX = b"lade"
    # Tests need no bytes that survive the machine.
    utils.fsync = utils.fdatasync = os.fsync = os.fdatasync = lambda *_: None
    conf = {"devices": os.path.join(directory, "devices"), "swift_dir": directory, "mount_check": "false", "disable_fallocate": "true",
            "log_level": "WARNING"}
    for name, kind in (("account", AccountController), ("container", ContainerController), ("object", ObjectController)):
        listener = eventlet.listen(("127.0.0.1", 0))
        make_ring(directory, name, listener.getsockname()[1])
        serve(listener, kind(conf))
    front = eventlet.listen(("127.0.0.1", 0))
    port = front.getsockname()[1]
    path = os.path.join(directory, "proxy.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"[DEFAULT]\nswift_dir = {directory}\nlog_level = WARNING\n[pipeline:main]\npipeline = {PIPELINE}\n"
                "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n"
                "[filter:memory]\npaste.filter_factory = __main__:memory_factory\n"
                f"[filter:s3api]\nuse = egg:swift#s3api\nlocation = {args.region}\nstorage_domain = localhost\nauth_pipeline_check = false\n"
                f"[filter:tempauth]\nuse = egg:swift#tempauth\n{USERS}")
        for name in FILTERS:
            f.write(f"[filter:{name}]\nuse = egg:swift#{name}\n")
    serve(front, logged(wsgi.loadapp(path), os.path.join(directory, args.log)))
    print("port", port, flush=True)
    eventlet.hubs.trampoline(os.pipe()[0], read=True)


if __name__ == "__main__":
    main()
