# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles that are no Dockerfiles, or that say what cannot be."""
import os

from world import Row


def link_to(target):
    return lambda path: os.symlink(target, path)


def canary_link(name):
    return lambda world: os.symlink(os.path.join(world.canary, "secret"), os.path.join(world.context, name))


def nested(depth):
    return "${x:-" * depth + "y" + "}" * depth


def bad(name, code, says, *lines):
    """Instructions after FROM scratch."""
    return Row(name, code, says, dockerfile="\n".join(("FROM scratch", *lines)) + "\n")


ROWS = [
    Row("file-empty", 3, ("Dockerfile", "no"), dockerfile=""),
    Row("file-comments-only", 3, ("Dockerfile",), dockerfile="# nothing\n\n# more of it\n"),
    Row("file-arg-only", 3, ("Dockerfile",), dockerfile="ARG A=1\n"),
    Row("file-missing", 4, ("Dockerfile",)),
    Row("file-other-missing", 4, ("other",), options=("-f", "@CONTEXT/other")),
    Row("file-is-directory", 3, ("Dockerfile", "directory"), files={"Dockerfile": os.mkdir}),
    Row("file-link-out", 3, ("Dockerfile is a link that leads out", "-f FILE"), make=canary_link("Dockerfile")),
    Row("file-link-loop", 3, ("Dockerfile",), files={"Dockerfile": link_to("Dockerfile")}),
    Row("file-fifo", 3, ("Dockerfile",), files={"Dockerfile": os.mkfifo}),
    Row("file-too-large", 10, ("Dockerfile",), dockerfile="FROM scratch\n" + "# 345678\n" * 120000),
    Row("file-nul", 3, ("Dockerfile:2", "NUL"), dockerfile=b"FROM scratch\nCMD x\0y\n"),
    Row("file-utf16", 3, ("Dockerfile:1",), dockerfile="FROM scratch\n".encode("utf-16")),
    Row("line-too-long", 10, ("Dockerfile:2",), dockerfile="FROM scratch\nLABEL a=" + "x" * 70000 + "\n"),
    Row("instructions-too-many", 10, ("10000",), dockerfile="FROM scratch\n" + "USER 1\n" * 10001),
    Row("before-from", 3, ("Dockerfile:1", "FROM"), dockerfile="COPY a b\nFROM scratch\n"),
    bad("instruction-unknown", 3, ("Dockerfile:2:1", "RUNN", "RUN"), "RUNN true"),
    bad("instruction-control-characters", 3, ("Dockerfile:2:1",), "R\x1b[31mUN true"),
    bad("flag-unknown", 3, ("Dockerfile:2:6", "--chwon", "--chown"), "COPY --chwon=1 a b"),
    bad("flag-twice", 3, ("Dockerfile:2:", "--chown"), "COPY --chown=1 --chown=2 a b"),
    bad("flag-without-value", 3, ("Dockerfile:2:", "--from"), "COPY --from a b"),
    bad("heredoc-cut", 3, ("Dockerfile:2", "EOF"), "COPY <<EOF /x", "text"),
    bad("copy-one-word", 3, ("Dockerfile:2", "COPY"), "COPY a"),
    bad("quote-open", 3, ("Dockerfile:2",), "ENV a=\"b"),
    bad("env-empty", 3, ("Dockerfile:2", "ENV"), "ENV"),
    bad("env-no-value", 3, ("Dockerfile:2", "ENV"), "ENV a"),
    bad("env-no-name", 3, ("Dockerfile:2", "ENV"), "ENV =x"),
    bad("label-no-name", 3, ("Dockerfile:2", "LABEL"), "LABEL =x"),
    bad("arg-empty", 3, ("Dockerfile:2", "ARG"), "ARG"),
    bad("expose-port", 3, ("Dockerfile:2", "99999"), "EXPOSE 99999"),
    bad("expose-protocol", 3, ("Dockerfile:2", "xyz"), "EXPOSE 80/xyz"),
    bad("stopsignal", 3, ("Dockerfile:2", "SIGNOTHING"), "STOPSIGNAL SIGNOTHING"),
    bad("healthcheck-interval", 3, ("Dockerfile:2", "--interval"), "HEALTHCHECK --interval=-1s CMD x"),
    bad("healthcheck-kind", 3, ("Dockerfile:2", "HEALTHCHECK"), "HEALTHCHECK OFTEN x"),
    bad("volume-empty", 3, ("Dockerfile:2", "VOLUME"), "VOLUME [\"\"]"),
    bad("shell-not-json", 3, ("Dockerfile:2", "SHELL"), "SHELL /bin/sh -c"),
    bad("onbuild-onbuild", 3, ("Dockerfile:2", "ONBUILD"), "ONBUILD ONBUILD USER 1"),
    bad("onbuild-from", 3, ("Dockerfile:2", "FROM"), "ONBUILD FROM scratch"),
    bad("expand-message", 3, ("Dockerfile:2", "say-which"), "ENV a=${nothing:?say-which}"),
    bad("expand-open", 3, ("Dockerfile:2",), "ENV a=${b"),
    bad("expand-operator", 3, ("Dockerfile:2",), "ENV a=${b:!c}"),
    bad("expand-deep", 10, ("Dockerfile:2",), "ENV a=" + nested(1000)),
    bad("expand-growth", 10, ("Dockerfile:",), "ENV a=0123456789012345678901234567890123456789", *["ENV a=$a$a$a$a$a$a$a$a"] * 12),
    bad("user-number", 3, ("Dockerfile:3", "4294967296"), "USER 4294967296", "WORKDIR /x"),
    Row("from-nothing", 3, ("Dockerfile:1", "FROM"), dockerfile="FROM\n"),
    Row("from-unset", 3, ("Dockerfile:1",), dockerfile="FROM ${NOT_SET}\n"),
    Row("from-capitals", 3, ("Dockerfile:1:6", "a/UPPER"), dockerfile="FROM a/UPPER\n"),
    Row("from-digest-short", 3, ("Dockerfile:1", "sha256:12"), dockerfile="FROM a@sha256:12\n"),
    Row("from-option", 3, ("Dockerfile:1", "-rf"), dockerfile="FROM -rf\n"),
    Row("from-port", 3, ("Dockerfile:1", "99999"), dockerfile="FROM host:99999/x\n"),
    Row("from-platform", 3, ("Dockerfile:1", "a/b/c/d"), dockerfile="FROM --platform=a/b/c/d scratch\n"),
    Row("from-words", 3, ("Dockerfile:1",), dockerfile="FROM scratch OR busybox\n"),
    Row("stage-name", 3, ("Dockerfile:1", "9lives"), dockerfile="FROM scratch AS 9lives\n"),
    Row("escape-directive", 3, ("Dockerfile:1", "escape"), dockerfile="# escape=x\nFROM scratch\n"),
    Row("mistakes-all-at-once", 3, ("Dockerfile:2", "Dockerfile:3", "Dockerfile:4"),
        dockerfile="FROM scratch\nCOPPY a b\nEXPOSE x\nENV a\n"),
]
