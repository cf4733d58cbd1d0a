#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reverse proxy in front of a real registry that misbehaves on a script. README.md says how; Python's own library only.

    faultreg.py TARGET [OPTION]… [RULE]…   TARGET is host:port of a registry that speaks plain HTTP; prints "port N other M" when ready
    faultreg.py --control                  prints "port N"; each POST there, whose body has one of the arguments above on each line, starts
                                           a proxy in the same process and answers "port N other M"
"""
import argparse
import http.server
import signal
import sys

sys.dont_write_bytecode = True

import modes  # noqa: E402
import proxy  # noqa: E402


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)


def parse(arguments):
    parser = Arguments(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("rule", nargs="*", metavar="RULE")
    parser.add_argument("--rules", metavar="FILE", help="more rules, one on each line; # begins a comment")
    parser.add_argument("--mode", action="append", default=[], metavar="NAME[:OPTION,…]", help=", ".join(modes.names()))
    parser.add_argument("--random", metavar="N%", help="so many of all requests fail, in some way")
    parser.add_argument("--seed", default="1", help="of chance; the same seed does the same")
    parser.add_argument("--log", metavar="FILE", help="a line for each request")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak HTTPS")
    parser.add_argument("--other", metavar="URL", help="what the other origin is called, when something before it gives it a name")
    parser.add_argument("--verbose", action="store_true", help="show exceptions")
    options = parser.parse_intermixed_args(arguments)
    if options.rules:
        with open(options.rules, encoding="utf-8") as f:
            lines = [line.strip() for line in f]
        options.rule += [line for line in lines if line and not line.startswith("#")]
    return options


def start(arguments):
    world = proxy.World(parse(arguments))
    return f"port {world.own.port} other {world.other.port}"


class Control(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        try:
            status, said = 200, start(self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines())
        except (ValueError, OSError) as error:
            status, said = 400, str(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(f"{said}\n".encode())


def main():
    if sys.argv[1:] == ["--control"]:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
        print(f"port {server.server_address[1]}", flush=True)
        server.serve_forever()
    try:
        print(start(sys.argv[1:]), flush=True)
    except (ValueError, OSError) as error:
        sys.exit(f"faultreg: {error}")
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
