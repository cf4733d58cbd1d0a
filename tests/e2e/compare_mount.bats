#!/usr/bin/env bats
# Mounts, here-documents and networks of RUN, by lade without any privilege, by buildah and by BuildKit as root: what the commands saw stands
# in files of the three images, which must be the same. The cases are those of the tests of buildah, BuildKit and kaniko, made anew.
# shellcheck disable=SC2016

load lib
load compare/lib
load compare/run

setup_file() {
    peers_start
}

teardown_file() {
    summary mount
    peers_stop
}

setup() {
    case_begin
}

@test "bind: the context, a directory and a file of it" {
    mkdir -p context/dir/sub
    echo contents0 >context/file
    echo inner >context/dir/sub/inner
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/mnt/a cat /mnt/a/file /mnt/a/dir/sub/inner >/out
RUN --mount=type=bind,source=.,target=/mnt/a ls /mnt/a | grep -v Dockerfile >>/out
RUN --mount=type=bind,source=dir/,destination=/mnt/b ls -R /mnt/b >>/out
RUN --mount=src=file,dst=/mnt/file cat /mnt/file >>/out && rm -f /mnt/file 2>/dev/null || true
RUN --mount=source=/dir/sub/../sub/inner,target=/mnt/inner cat /mnt/inner >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "bind: modes, links and owners of the context" {
    buildah_differs 'owners are those of the context'
    mkdir -p context/d
    echo x >context/d/f
    chmod 4751 context/d/f
    chmod 750 context/d
    ln -s f context/d/l
    ln -s /etc/passwd context/d/abs
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/mnt/a cd /mnt/a && stat -c '%n %a %F %u:%g' d d/f d/l >/out && readlink d/l >>/out && readlink d/abs >>/out && wc -l <d/abs >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "bind: a socket of the context" {
    lade_differs 'sockets are left out of a context: buildah binds them, BuildKit makes empty files of them'
    mkdir -p context/d
    echo x >context/d/f
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' context/d/socket
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/mnt/a ls /mnt/a/d >/out
RUN --mount=source=d,target=/mnt/a ls /mnt/a >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "f\nf\n"
END
}

@test "bind: read only, and what is written is lost" {
    echo hello >context/file
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/mnt/a echo x 2>/dev/null >/mnt/a/file || echo read-only >/out
RUN --mount=target=/mnt/a,rw echo world >/mnt/a/file && cat /mnt/a/file >>/out && touch /mnt/a/new
RUN --mount=target=/mnt/a,readwrite=true cat /mnt/a/file >>/out && ls /mnt/a | grep -v Dockerfile >>/out
RUN --mount=target=/mnt/a,ro touch /mnt/a/x 2>/dev/null || echo read-only >>/out
RUN --mount=target=/mnt/a,rw=false touch /mnt/a/x 2>/dev/null || echo read-only >>/out
FROM scratch
COPY --from=0 /out /
END
    lade_differs 'the peers write to the context, or to a copy that later steps see'
    agree
    expect <<'END'
file 0644 0:0 /out "read-only\nworld\nhello\nfile\nread-only\nread-only\n"
END
}

@test "bind: a stage, with owners, modes and links" {
    dockerfile <<'END'
FROM @BASE@ AS made
RUN mkdir -p /out/deep && echo one >/out/deep/file && chown 3:4 /out/deep/file && chmod 4711 /out/deep/file && chown 5:6 /out/deep
RUN ln -s deep/file /out/link && chown -h 7:8 /out/link && ln /out/deep/file /out/hard && echo two >/out/second
FROM @BASE@
RUN --mount=from=made,target=/mnt/a cat /mnt/a/out/deep/file /mnt/a/out/second >/out && cat /mnt/a/etc/passwd | wc -l >>/out
RUN --mount=from=made,source=/out,target=/mnt/b cd /mnt/b && stat -c '%n %u:%g %a %F' . deep deep/file link hard >>/out && stat -c %h hard >>/out
RUN --mount=from=made,source=out/deep,target=/mnt/c stat -c '%u:%g' /mnt/c /mnt/c/file >>/out && cp -a /mnt/c /copy
RUN --mount=from=made,source=/out/second,target=/mnt/file cat /mnt/file >>/out
RUN rm -f /mnt/file
FROM scratch
COPY --from=1 /out /
COPY --from=1 /copy /copy
END
    agree
}

@test "bind: an image, and a stage that is written to" {
    buildah_differs 'what is written stays in the stage'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN touch /1.txt
FROM @BASE@ AS interloper
RUN --mount=type=bind,from=one,source=/,destination=/mnt/a,rw touch /mnt/a/2.txt && ls /mnt/a/*.txt >/mnt/seen
FROM interloper
RUN --mount=type=bind,from=one,source=/,destination=/mnt/a mkdir /base2 && cp -a /mnt/a/*.txt /base2/ && ls /base2 >/out
RUN --mount=from=@BASE@,source=/opt,target=/mnt/b cat /mnt/b/data/one >>/out && stat -c '%a %u' /mnt/b/set >>/out
FROM scratch
COPY --from=2 /out /
END
    agree
}

@test "bind: a stage of which only that is needed" {
    buildah_differs 'what is written stays in the stage'
    dockerfile <<'END'
FROM @BASE@ AS build
RUN mkdir out && echo foo >out/foo && chown 12:13 out/foo
FROM @BASE@ AS second
RUN --mount=from=build,src=out,target=/mnt/a,rw touch /mnt/a/bar && chown 1:1 /mnt/a/foo && stat -c '%u %g' /mnt/a/foo /mnt/a/bar >/unique
FROM scratch
COPY --from=second /unique /unique
COPY --from=build /out /out
END
    agree
}

@test "bind: several, one within another" {
    mkdir context/sub
    echo a >context/a.txt
    echo b >context/b.txt
    echo s >context/sub/s.txt
    dockerfile <<'END'
FROM @BASE@
RUN --mount=source=.,target=/mnt/a --mount=source=b.txt,target=/mnt/b/b.txt cat /mnt/a/a.txt /mnt/b/b.txt >/out && rm -f /mnt/b/b.txt 2>/dev/null || true
RUN --mount=source=sub,target=/mnt/a/sub --mount=source=.,target=/mnt/a ls /mnt/a/sub >>/out
RUN rm -rf /mnt/b && mkdir /mnt/b && rm -rf /mnt/a/*
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "bind: what is not there" {
    buildah_differs 'it goes on without'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=source=no-such,target=/mnt/a ls /mnt/a
END
    none_builds 4 '"/no-such": not found'
}

@test "bind: targets with variables, relative to the working directory" {
    buildah_differs 'relative targets are from the root, and variables are not known'
    buildkit_lacks 'relative targets came after 20.10'
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
ARG where=/mnt/a
RUN --mount=target=$where cat $where/file >/out
WORKDIR /mnt
RUN --mount=target=b cat b/file /mnt/b/file >>/out
FROM scratch
COPY --from=0 /out /
END
    buildah_refuses "$why"
    agree
    expect <<'END'
file 0644 0:0 /out "x\nx\nx\n"
END
}

@test "bind: targets that the image has not" {
    buildah_differs 'it leaves what it mounted on'
    buildkit_lacks '20.10 leaves what it mounted on'
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/new/deep/place cat /new/deep/place/file >/out
RUN --mount=source=file,target=/newfile cat /newfile >>/out
RUN --mount=type=tmpfs,target=/new/t touch /new/t/x
RUN find /new* >>/out 2>/dev/null || echo none >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "x\nx\nnone\n"
END
}

@test "cache: kept by its target, and by its id" {
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=cache,id=@N@a,target=/mnt/a touch /mnt/a/foo
RUN --mount=type=cache,id=@N@b,target=/mnt/b test ! -f /mnt/b/foo
RUN --mount=type=cache,id=@N@a,target=/mnt/c ls /mnt/c >/out
RUN ls -A /mnt/a /mnt/c 2>/dev/null | grep foo >>/out || true
RUN --mount=target=/mnt/a,type=cache,id=@N@l,sharing=locked echo hello >/mnt/a/world && cat /mnt/a/world >>/out
RUN --mount=target=/mnt/a,id=@N@l,sharing=locked,type=cache echo more >>/mnt/a/world && cat /mnt/a/world >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "cache: variables in its keys" {
    buildkit_lacks '20.10 knows them in the target only'
    dockerfile <<'END'
FROM @BASE@ AS stage1
ENV SOME_PATH=/mnt/a MNT_ID=@N@mine MNT_TYPE=cache
RUN --mount=type=cache,id=@N@mine,target=/mnt/a touch /mnt/a/foo
RUN --mount=type=cache,id=@N@mine,target=$SOME_PATH ls $SOME_PATH >/out
RUN --mount=type=$MNT_TYPE,id=$MNT_ID,target=/mnt/b ls /mnt/b >>/out
FROM stage1
RUN --mount=type=$MNT_TYPE,id=$MNT_ID,target=/mnt/c ls /mnt/c >>/out
FROM scratch
COPY --from=1 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "foo\nfoo\nfoo\n"
END
}

@test "cache: owner and mode" {
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=cache,id=@N@a,target=/mnt/a,uid=1001,gid=1002,mode=0751 stat -c "%u %g %f" /mnt/a >/out
RUN --mount=type=cache,id=@N@b,target=/mnt/b stat -c "%u %g %a" /mnt/b >>/out
RUN --mount=type=cache,id=@N@c,target=/mnt/c,mode=0700 stat -c "%u %g %a" /mnt/c >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "cache: owners of what is in it" {
    dockerfile <<'END'
FROM @BASE@
USER app
RUN --mount=type=cache,id=@N@,uid=1000,gid=1001,target=/mnt/a touch /mnt/a/app && mkdir /mnt/a/dir && stat -c '%n %u %g' /mnt/a /mnt/a/* >/tmp/out
USER root
RUN --mount=type=cache,id=@N@,uid=1000,gid=1001,target=/mnt/a touch /mnt/a/root && chown 5:6 /mnt/a/root && stat -c '%n %u %g' /mnt/a/root >>/tmp/out
RUN --mount=type=cache,id=@N@,uid=1000,gid=1001,target=/mnt/a stat -c '%n %u %g' /mnt/a/* >>/tmp/out && cp -a /mnt/a /results
FROM scratch
COPY --from=0 /tmp/out /
COPY --from=0 /results /results
END
    agree
}

@test "cache: owners and modes of what it begins with" {
    dockerfile <<'END'
FROM @BASE@ AS builder
RUN mkdir -p /sub/d && touch /sub/f /sub/d/g && chown -R 7:8 /sub/d && chmod 2750 /sub/d && chown 9:10 /sub && chmod 0711 /sub
FROM @BASE@
RUN --mount=type=cache,id=@N@s,from=builder,source=/sub,target=/mnt/a stat -c '%n %u %g %a' /mnt/a /mnt/a/f /mnt/a/d /mnt/a/d/g >/out && chown 1:2 /mnt/a/f
RUN --mount=type=cache,id=@N@s,from=builder,source=/sub,target=/mnt/a stat -c '%n %u %g %a' /mnt/a /mnt/a/f /mnt/a/d /mnt/a/d/g >>/out
FROM scratch
COPY --from=1 /out /
END
    agree
}

@test "cache: begins with files of a stage" {
    dockerfile <<'END'
FROM @BASE@ AS builder
RUN mkdir -p /subdir/sub2 && echo hello >/subdir/hello && echo 2 >/subdir/sub2/hello2
FROM @BASE@
RUN --mount=type=cache,id=@N@a,from=builder,source=/subdir,target=/mnt/a cat /mnt/a/hello >/out && rm /mnt/a/hello
RUN --mount=type=cache,id=@N@a,from=builder,source=/subdir,target=/mnt/a ls /mnt/a >>/out
RUN --mount=type=cache,id=@N@b,from=builder,source=/subdir/sub2,target=/mnt/b cat /mnt/b/hello2 >>/out
FROM scratch
COPY --from=1 /out /
END
    agree
}

@test "cache: one within another" {
    lade_differs 'it takes away what it mounted on'
    dockerfile <<'END'
FROM @BASE@ AS b1
RUN --mount=type=cache,id=@N@x,target=/mnt/a --mount=type=cache,id=@N@y,target=/mnt/a/baz touch /mnt/a/1 /mnt/a/baz/1
FROM @BASE@
COPY --from=b1 /etc/passwd /p1
RUN --mount=type=cache,id=@N@y,target=/mnt/b ls /mnt/b >/out
RUN --mount=type=cache,id=@N@x,target=/mnt/c ls /mnt/c >>/out
FROM scratch
COPY --from=1 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "1\n1\n"
END
}

@test "cache: read only" {
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=cache,id=@N@,target=/mnt/a touch /mnt/a/x
RUN --mount=type=cache,id=@N@,target=/mnt/a,ro ls /mnt/a >/out; touch /mnt/a/y 2>/dev/null || echo read-only >>/out
RUN --mount=type=cache,id=@N@,target=/mnt/a,readonly=true rm /mnt/a/x 2>/dev/null || echo read-only >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "cache: in place of what the image has" {
    buildah_refuses 'it takes away what it mounted on'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=cache,id=@N@,target=/opt ls /opt | wc -l >/out && touch /opt/in-cache
RUN ls /opt >>/out
WORKDIR /opt/data
RUN --mount=type=cache,id=@N@,target=/opt/data pwd >>/out && ls >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "tmpfs: empty, and forgotten" {
    buildah_refuses 'it takes away what it mounted on'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=target=/mnt/a,type=tmpfs touch /mnt/a/foo && ls /mnt/a >/out && stat -c '%u' /mnt/a >>/out
RUN test ! -f /mnt/a/foo
RUN --mount=type=tmpfs,target=/opt ls /opt >>/out && mkdir /opt/x && chown 5:5 /opt/x && stat -c %u /opt/x >>/out
RUN --mount=type=tmpfs,target=/mnt/a grep -c ' /mnt/a tmpfs' /proc/mounts >>/out
RUN ls /opt >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "tmpfs: its mode" {
    buildkit_differs 'it has the mode of what it covers'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=tmpfs,target=/mnt/a stat -c %a /mnt/a >/out
FROM scratch
COPY --from=0 /out /
END
    agree
}

@test "tmpfs: a size" {
    buildah_differs 'it does not know the key'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=tmpfs,target=/mnt/a,size=4m df -k /mnt/a | tail -n 1 | sed 's/  */ /g' | cut -d ' ' -f 2 >/out
RUN --mount=type=tmpfs,target=/dev/shm,size=128m df -k /dev/shm | tail -n 1 | sed 's/  */ /g' | cut -d ' ' -f 2 >>/out
FROM scratch
COPY --from=0 /out /
END
    buildah_refuses "$why"
    agree
    expect <<'END'
file 0644 0:0 /out "4096\n131072\n"
END
}

@test "secrets: where they are, and not after" {
    buildah_differs 'it leaves what it mounted on'
    buildkit_lacks '20.10 leaves what it mounted on'
    printf %s blubb >secret
    chmod 644 secret
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=secret,id=mine cat /run/secrets/mine >/out
RUN --mount=type=secret,id=mine,target=/root/.netrc cat /root/.netrc >>/out
RUN --mount=type=secret,id=mine,dst=/mnt/a/b/c wc -c /mnt/a/b/c >>/out
RUN find /run/secrets /root /mnt/a >>/out 2>/dev/null || true
FROM scratch
COPY --from=0 /out /
END
    agree --secret "id=mine,src=$PWD/secret"
    expect <<'END'
file 0644 0:0 /out "blubbblubb5 /mnt/a/b/c\n/root\n/mnt/a\n"
END
}

@test "secrets: mode and owner" {
    printf %s blubb >secret
    chmod 644 secret
    dockerfile <<'END'
FROM @BASE@
RUN touch /mnt/a/s /mnt/b/s /mnt/c/s && mkdir /run/secrets && touch /run/secrets/mine
RUN --mount=type=secret,id=mine stat -c '%a %u %g' /run/secrets/mine >/out
RUN --mount=type=secret,id=mine,target=/mnt/a/s,uid=1000,gid=1001,mode=0444 stat -c '%a %u %g' /mnt/a/s >>/out
RUN --mount=type=secret,id=mine,target=/mnt/b/s,mode=0440,uid=7 stat -c '%a %u %g' /mnt/b/s >>/out
USER app
RUN --mount=type=secret,id=mine,target=/mnt/c/s,uid=1000 cat /mnt/c/s >/tmp/seen
FROM scratch
COPY --from=0 /tmp/seen /out /
END
    agree --secret "id=mine,src=$PWD/secret"
}

@test "secrets: read only, and of nobody else" {
    printf %s blubb >secret
    chmod 644 secret
    dockerfile <<'END'
FROM @BASE@
RUN mkdir /run/secrets && touch /run/secrets/mine
RUN --mount=type=secret,id=mine echo x 2>/dev/null >>/run/secrets/mine || echo read-only >/out; cat /run/secrets/mine >>/out
RUN test -s /run/secrets/mine || echo empty >>/out
FROM scratch
COPY --from=0 /out /
END
    agree --secret "id=mine,src=$PWD/secret"
    same secret "$(<secret)" blubb
}

@test "secrets: not given, and not required" {
    buildah_refuses 'it wants a value for required'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent && echo absent >/out
RUN --mount=type=secret,id=absent,required=false echo hello >>/out
FROM scratch
COPY --from=0 /out /
END
    buildah_is=agrees
    agree
}

@test "secrets: required" {
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=secret,id=absent,required=true true
END
    none_builds 4 'secret absent: not found'
}

@test "secrets: of the environment of who builds" {
    export MYSECRET=xyzzy
    dockerfile <<'END'
FROM @BASE@
RUN mkdir /run/secrets && touch /run/secrets/s
RUN --mount=type=secret,id=s cat /run/secrets/s >/out && echo "[$MYSECRET]" >>/out
FROM scratch
COPY --from=0 /out /
END
    agree --secret id=s,env=MYSECRET
}

@test "secrets: as variables" {
    buildah_refuses 'it knows no variables'
    buildkit_lacks 'they came with Dockerfile 1.10'
    printf %s blubb >secret
    chmod 644 secret
    dockerfile <<'END'
FROM @BASE@
ENV SECRET=whatever
RUN --mount=type=secret,id=mine,env=SECRET echo "$SECRET" >/out; test ! -e /run/secrets/mine
RUN --mount=type=secret,id=mine,env=SECRET,target=/root/.netrc echo "$SECRET" >>/out && cat /root/.netrc >>/out
RUN echo "$SECRET" >>/out
FROM scratch
COPY --from=0 /out /
END
    agree --secret "id=mine,src=$PWD/secret"
    expect <<'END'
file 0644 0:0 /out "blubb\nblubb\nblubbwhatever\n"
END
}

@test "ssh: not given, and not required" {
    buildah_refuses 'it wants it'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=ssh,id=absent test ! -S "$SSH_AUTH_SOCK" && echo none >/out
FROM scratch
COPY --from=0 /out /
END
    buildah_is=agrees
    agree
}

@test "ssh: required" {
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=ssh,required=true true
END
    none_builds 4 'no SSH key "default" forwarded'
}

@test "here-documents: a script, a program, indentation" {
    buildah_refuses 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@ AS build
WORKDIR /dest
RUN <<EOF
echo "i am" >>basic
whoami >>basic
EOF
RUN <<EOF
#!/bin/awk -f
BEGIN {
	print "hello" >> "./shebang"
}
EOF
RUN <<-EOF
	#!/bin/awk -f
	BEGIN {
		print "world" >> "./shebang"
	}
EOF
RUN <<EOF
echo "
	foo" >kept
EOF
RUN <<-EOF sh >stripped
echo "
	bar"
EOF
RUN ls /dev/pipes 2>/dev/null | wc -l >pipes
FROM scratch
COPY --from=build /dest /
END
    agree
    expect <<'END'
file 0644 0:0 /basic "i am\nroot\n"
file 0644 0:0 /kept 6 bytes 16985d709012237f
file 0644 0:0 /pipes "0\n"
file 0644 0:0 /shebang "hello\nworld\n"
file 0644 0:0 /stripped "\nbar\n"
END
}

@test "here-documents: several, numbers of descriptors, quotes" {
    buildah_refuses 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@ AS build
WORKDIR /dest
ARG name=given
RUN cat <<EOF1 | tr '[:upper:]' '[:lower:]' > ./out1; \
	cat <<EOF2 | tr '[:lower:]' '[:upper:]' > ./out2
hello WORLD
EOF1
HELLO world
EOF2
RUN <<EOF 3<<IN1 4<<IN2 awk -f -
BEGIN {
	while ((getline line < "/proc/self/fd/3") > 0)
		print tolower(line) > "./fd3"
	while ((getline line < "/proc/self/fd/4") > 0)
		print toupper(line) > "./fd4"
}
EOF
hello WORLD
IN1
HELLO world
IN2
RUN cat <<EOF >expanded && cat <<'EOF' >literal
$name $((1 + 2))
EOF
$name $((1 + 2))
EOF
SHELL ["/bin/awk"]
RUN <<EOF
BEGIN {
	print "foo" > "/dest/shell"
}
EOF
FROM scratch
COPY --from=build /dest /
END
    agree
    expect <<'END'
file 0644 0:0 /expanded "given 3\n"
file 0644 0:0 /fd3 "hello world\n"
file 0644 0:0 /fd4 "HELLO WORLD\n"
file 0644 0:0 /literal "$name $((1 + 2))\n"
file 0644 0:0 /out1 "hello world\n"
file 0644 0:0 /out2 "HELLO WORLD\n"
file 0644 0:0 /shell "foo\n"
END
}

@test "here-documents: with COPY and ADD, in triggers" {
    buildah_refuses 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@ AS base
ONBUILD RUN <<EOF
echo "hello world" >>/dest
EOF
FROM base AS made
RUN cat <<file1.txt >/tmp/file1.txt && cat <<file2.txt >/tmp/file2.txt
Hello from file1
file1.txt
Hello from file2
file2.txt
COPY <<file3.txt /tmp/file3.txt
Hello from file3
file3.txt
RUN cat /tmp/*.txt >>/dest
FROM scratch
COPY --from=made /dest /dest
END
    agree
    expect <<'END'
file 0644 0:0 /dest 63 bytes 88078055537f91fa
END
}

@test "network: none and host, and what the host is called" {
    buildah_refuses 'it does not know the flag'
    buildkit_lacks 'the flag came with Dockerfile 1.3'
    dockerfile <<'END'
FROM @BASE@
RUN --network=none ip -o link show up | grep -v -c ' lo:' >/out || true
RUN --network=default test -e /sys/class/net/lo && echo lo >>/out
RUN hostname >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "0\nlo\nbuildkitsandbox\n"
END
}

@test "mistakes: mounts that nobody makes" {
    dockerfile <<'END'
FROM @BASE@
RUN --mont=target=/mytmp,type=tmpfs /bin/true
END
    none_builds 3 'mont'
}

@test "mistakes: from with a variable" {
    buildah_differs 'it takes it as it stands'
    dockerfile <<'END'
FROM @BASE@ AS test
FROM @BASE@
ENV ttt=test
RUN --mount=from=$ttt,type=cache,target=/tmp ls
END
    none_builds 3 "'from' doesn't support variable expansion"
}
