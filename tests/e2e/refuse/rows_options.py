# SPDX-License-Identifier: Apache-2.0
"""Options and places that mean nothing, or nothing that lade can do."""
from world import Row

FINE = {"Dockerfile": "FROM scratch\nCMD x\n"}


def build(name, code, says, *options, **more):
    return Row("option-" + name, code, says, files=FINE, command=("build", *options, "@CONTEXT"), **more)


def command(name, code, says, *words, **more):
    return Row("command-" + name, code, says, command=words, **more)


MISSING = [("sbom", "true"), ("provenance", "true"), ("attest", "type=sbom"), ("build-context", "x=y"),
           ("call", "lint"), ("cgroup-parent", "x")]

# What RUN is given: the option, the exit status, the value, what the message says besides.
RUN = [("add-host", 2, "a", "NAME:ADDRESS"), ("add-host", 2, "a:one", "NAME:ADDRESS"), ("add-host", 11, "a:host-gateway", "gateway"),
       ("allow", 2, "everything", "security.insecure"), ("memory", 2, "much", "500m"), ("memory", 2, "0", "500m"),
       ("network", 2, "bridge", "none"), ("secret", 2, "x", "id="), ("secret", 2, "src=x", "id="), ("secret", 4, "id=x,src=@WORK/nowhere", "nowhere"),
       ("secret", 4, "id=x,env=LADE_NOWHERE", "LADE_NOWHERE"), ("secret", 2, "id=x,colour=red", "colour"), ("secret", 2, '"id=x', "closing"),
       ("shm-size", 2, "big", "64m"), ("ssh", 11, "a=/dev/null", "ssh-add"), ("ssh", 4, "a=@WORK/nowhere", "nowhere"),
       ("step-timeout", 2, "5", "90s"), ("timeout", 2, "-1s", "90s"), ("ulimit", 2, "nofile", "SOFT"), ("ulimit", 2, "nofile=2:1", "SOFT"),
       ("ulimit", 2, "rttime=1", "SOFT"), ("userns", 2, "all", "subuid")]

ROWS = [
    *(build("missing-" + name, 11, ("--" + name, "not supported"), f"--{name}={value}") for name, value in MISSING),
    *(build(f"run-{name}-{number}", code, ("--" + name, says), f"--{name}", value) for number, (name, code, value, says) in enumerate(RUN)),
    build("missing-check", 11, ("--check",), "--check"),
    build("missing-squash", 11, ("--squash",), "--squash"),
    build("unknown", 2, ("--tga", "did you mean --tag"), "--tga", "x"),
    build("unknown-letter", 2, ("-Z",), "-Z"),
    Row("option-without-value", 2, ("--tag", "missing"), files=FINE, command=("build", "@CONTEXT", "--tag")),
    build("flag-value", 2, ("--push", "maybe"), "--push=maybe"),
    build("platform-parts", 2, ("--platform", "a/b/c/d"), "--platform", "a/b/c/d"),
    build("platform-empty", 2, ("--platform",), "--platform", "/"),
    build("platform-two", 11, ("platform",), "--platform", "linux/amd64,linux/arm64"),
    build("tag-capitals", 3, ("--tag", "Upper"), "-t", "a/Upper"),
    build("tag-dots", 3, ("--tag", ".."), "-t", "x:.."),
    build("tag-empty", 3, ("--tag",), "-t", ""),
    build("tag-digest", 2, ("--tag", "digest"), "-t", "x@sha256:" + "0" * 64),
    build("tag-long", 3, ("--tag",), "-t", "x:" + "y" * 200),
    build("tag-control", 3, ("--tag", "\\x1b"), "-t", "a\x1b[31m"),
    build("push-nowhere", 2, ("--tag",), "--push"),
    build("output-type", 2, ("type", "nothing"), "-o", "type=nothing,dest=x"),
    build("output-key", 2, ("colour",), "-o", "type=oci,dest=x,colour=red"),
    build("output-no-dest", 2, ("dest",), "-o", "type=local"),
    build("output-stdout-twice", 2, ("standard output",), "-o", "type=oci,dest=-", "-o", "type=docker,dest=-"),
    build("output-into-nowhere", 4, ("nowhere",), "-o", "type=oci,dest=@WORK/nowhere/x.tar"),
    build("output-compressions", 11, ("compression",), "-o", "type=oci,dest=x,compression=gzip", "-o", "type=docker,dest=y,compression=uncompressed"),
    build("build-arg-no-name", 2, ("--build-arg",), "--build-arg", "=x"),
    build("label-no-name", 2, ("--label",), "--label", "=x"),
    build("annotation-no-value", 2, ("--annotation",), "--annotation", "x"),
    build("annotation-level", 2, ("--annotation", "manifest"), "--annotation", "layer:x=y"),
    build("annotation-index", 11, ("--annotation",), "--annotation", "index:x=y"),
    build("compression", 2, ("--compression", "lz4"), "--compression", "lz4"),
    build("compression-level", 2, ("--compression-level", "99"), "--compression-level", "99"),
    build("epoch", 2, ("--source-date-epoch", "yesterday"), "--source-date-epoch", "yesterday"),
    build("epoch-environment", 2, ("$SOURCE_DATE_EPOCH", "-1"), env={"SOURCE_DATE_EPOCH": "-1"}),
    build("epoch-git-none", 3, ("git",), "--source-date-epoch", "git"),
    build("jobs", 2, ("--jobs", "many"), "--jobs", "many"),
    build("tries", 2, ("--tries", "many"), "--tries", "many"),
    build("budget", 2, ("--retry-budget", "soon"), "--retry-budget", "soon"),
    build("progress", 2, ("--progress", "loud"), "--progress", "loud"),
    build("target", 4, ("nowhere",), "--target", "nowhere"),
    Row("option-iidfile-into-nowhere", 4, ("nowhere",), files=FINE, command=("build", "--push", "-t", "@TARGET/@NAME:1", "--iidfile", "@WORK/nowhere/x", "@CONTEXT")),
    Row("option-metadata-into-nowhere", 4, ("nowhere",), files=FINE,
        command=("build", "--push", "-t", "@TARGET/@NAME:1", "--metadata-file", "@WORK/nowhere/x", "@CONTEXT")),
    Row("option-no-context", 2, ("CONTEXT",), command=("build",)),
    Row("option-two-contexts", 2, ("argument",), command=("build", "@CONTEXT", "@WORK")),
    command("unknown", 2, ("biuld", "build"), "biuld", "."),
    command("push-nothing", 2, ("REF",), "push"),
    command("push-unknown", 4, ("@TARGET/@NAME:1",), "push", "@TARGET/@NAME:1"),
    command("push-bad-name", 3, ("a/Upper",), "push", "a/Upper"),
    command("tag-unknown", 4, ("unknown:1",), "tag", "unknown:1", "other:1"),
    command("rm-unknown", 4, ("@STORE",), "rm", "unknown:1"),
    command("inspect-unknown", 4, ("unknown:1",), "inspect", "unknown:1"),
    command("inspect-no-layout", 4, ("@WORK/nowhere",), "inspect", "oci:@WORK/nowhere"),
    command("inspect-no-archive", 4, ("@WORK/nowhere",), "inspect", "oci-archive:@WORK/nowhere"),
    command("copy-one-place", 2, ("TARGET",), "copy", "x"),
    command("copy-no-place", 3, ("repository name",), "copy", "docker://", "docker://@TARGET/@NAME:1"),
    command("copy-into-nowhere", 4, ("unknown:1",), "copy", "unknown:1", "docker://@TARGET/@NAME:1"),
    command("login-bad-name", 3, ("a b",), "login", "-u", "x", "--password-stdin", "a b", stdin=b"x"),
]
