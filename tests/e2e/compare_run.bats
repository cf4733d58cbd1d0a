#!/usr/bin/env bats
# Commands of RUN, and what they leave, by lade without any privilege, by buildah and by BuildKit as root: the three images must hold the
# same config, the same commands in their history and the same files, with owners, modes and devices. The cases are those of the tests of
# buildah, BuildKit and kaniko, made anew on one small base.
# shellcheck disable=SC2016

load lib
load compare/lib
load compare/run

setup_file() {
    peers_start
}

teardown_file() {
    summary run
    peers_stop
}

setup() {
    case_begin
}

@test "forms: shell and exec, words and quotes" {
    dockerfile <<'END'
FROM @BASE@
RUN echo first   second >/out
RUN /bin/busybox echo third fourth >>/out
RUN ["/bin/sh", "-c", "echo inner $1 >>/out", "", "outer"]
RUN ["touch", "found in PATH", "$FROM_BASE", "/tmp/a\"b"]
RUN echo "a  b" 'c  d' e\ \ f "$FROM_BASE" '$FROM_BASE' \$FROM_BASE >>/out
END
    agree
}

@test "forms: lines that go on, comments and blank lines within" {
    dockerfile <<'END'
FROM @BASE@
RUN echo one >/out && \
    # a comment
    echo two >>/out && \

    echo three # not a comment of ours \
    >>/out
RUN echo "four \
five" >>/out
run echo six >>/out
END
    agree
}

@test "forms: what is nearly JSON is a shell's line" {
    dockerfile <<'END'
FROM @BASE@
RUN ['touch', '/single'] || touch /shell
RUN [ -e /shell ] && touch /test
RUN ["touch" "/no-comma"] || touch /second
END
    agree
}

@test "forms: SHELL with other words, of the stage before" {
    buildah_differs 'a stage does not take the SHELL of the one it begins with'
    dockerfile <<'END'
FROM @BASE@ AS one
SHELL ["/bin/busybox", "ash", "-e", "-u", "-c"]
RUN echo "$0 $-" >/out
FROM one
RUN echo "$0 $-" >/out2
SHELL ["/bin/sh", "-c"]
RUN echo "$0" >/out3
END
    agree
}

@test "forms: an empty command" {
    dockerfile <<'END'
FROM @BASE@
CMD ["pwd"]
RUN
END
    buildah_refuses 'busybox wants an argument for -c'
    agree
}

@test "forms: CMD and ENTRYPOINT do not matter" {
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT ["/invalid/entrypoint"]
CMD ["/invalid/command"]
RUN echo text >/out
END
    agree
}

@test "environment: what a command sees" {
    buildah_differs 'it sets HOSTNAME'
    dockerfile <<'END'
FROM @BASE@
ARG given
ARG default=d
ARG unset
ENV a=1 b="two words" c=
RUN env | grep -v -e ^SOURCE_DATE_EPOCH= | sort >/env
RUN ["/bin/sh", "-c", "env | grep -v -e ^SOURCE_DATE_EPOCH= | sort >/env2"]
END
    agree --build-arg given=g
}

@test "environment: ENV and ARG, which one wins" {
    buildah_differs 'an ARG does not hide a variable of the base there'
    dockerfile <<'END'
FROM @BASE@ AS base
ENV HELLO=UPSTREAM BAR=from_env
FROM base AS case1
ARG HELLO
RUN echo "$HELLO" >/out
FROM @BASE@ AS case2
ARG FOO=arg_val
ENV FOO=env_val
RUN echo "$FOO" >/out
FROM @BASE@ AS case3
ENV FOO=env_val
ARG FOO
RUN echo "$FOO" >/out
FROM base AS case4
ARG BAR=argdef
RUN echo "$BAR" >/out
FROM @BASE@
COPY --from=case1 /out /case1
COPY --from=case2 /out /case2
COPY --from=case3 /out /case3
COPY --from=case4 /out /case4
END
    agree
}

@test "environment: variables before and after they are set" {
    dockerfile <<'END'
FROM @BASE@ AS one
ENV a=b
ENV c=d
RUN echo a=$a c=$c E=$E G=$G >/out
ENV E=E G=G
RUN echo a=$a c=$c E=$E G=$G >>/out
FROM one
ENV w=x
RUN echo w=$w I=$I E=$E >>/out
ENV I=I
RUN echo w=$w I=$I >>/out
END
    agree
}

@test "environment: arguments of stages and of all" {
    dockerfile <<'END'
ARG OTHER="fix"
ARG UNUSED=x
FROM @BASE@ AS base
ARG NAME="base"
RUN echo "base:: $NAME" >>A.txt
FROM base AS base-dev
ARG NAME="$NAME-dev"
RUN echo "dev:: $NAME" >>B.txt
FROM base-dev AS base-custom
ARG NAME
RUN echo "custom:: $NAME" >>C.txt
RUN echo "custom:: $OTHER" >>C.txt
FROM base-custom AS last
ARG OTHER
RUN echo "custom:: $NAME" >>D.txt
RUN echo "custom:: $OTHER $UNUSED" >>D.txt
END
    buildah_differs 'arguments do not come along with a stage'
    buildkit_differs 'its history forgets arguments of the stage before'
    agree
}

@test "environment: arguments with blanks and quotes in the history" {
    buildah_differs 'it writes the words of the command otherwise'
    dockerfile <<'END'
FROM @BASE@
ARG quoted="words with quotes"
ARG expanded=$quoted
ARG empty=""
ARG none
RUN printf "%s\n" $quoted "$expanded" "[$empty]" "[$none]" >/out
ARG last='$quoted'
RUN printf "%s\n" "$last" >>/out
END
    agree
}

@test "environment: platforms only when they are asked for" {
    buildah_differs 'its history sorts them'
    dockerfile <<'END'
FROM @BASE@
RUN echo "[$TARGETPLATFORM] [$TARGETOS] [$BUILDARCH]" >/out
ARG TARGETPLATFORM
ARG TARGETOS
ARG TARGETARCH
ARG TARGETVARIANT
RUN echo "[$TARGETPLATFORM] [$TARGETOS] [$TARGETARCH] [$TARGETVARIANT]" >>/out
END
    agree --platform linux/amd64
}

@test "environment: a platform with a default" {
    buildah_differs 'the default does not hide the platform'
    dockerfile <<'END'
FROM @BASE@ AS first
ARG TARGETOS
ARG TARGETARCH
RUN test "$TARGETOS-$TARGETARCH" = linux-amd64
FROM first AS second
ARG TARGETOS=linux
ARG TARGETARCH=x86_64
RUN echo "$TARGETOS-$TARGETARCH" >/out
FROM scratch
COPY --from=second /out /
END
    agree --platform linux/amd64
}

@test "environment: proxies, which no history has" {
    buildah_differs 'it does not give them in lower case when they are asked for in upper case'
    dockerfile <<'END'
FROM @BASE@
RUN echo "[$HTTP_PROXY] [$http_proxy] [$NO_PROXY]" >/out
ARG FTP_PROXY
RUN echo "[$FTP_PROXY]" >>/out
END
    agree --build-arg HTTP_PROXY=http://127.0.0.1:9 --build-arg FTP_PROXY=ftp --build-arg NO_PROXY=a,b
}

@test "environment: HOME and PATH" {
    dockerfile <<'END'
FROM @BASE@
RUN echo "$HOME" >/out
USER app
RUN echo "$HOME" >/tmp/app
USER 405
RUN echo "$HOME" >/tmp/guest
USER 4321
RUN echo "$HOME" >/tmp/nobody
ENV HOME=/set PATH=/none:/bin
RUN echo "$HOME $PATH" >/tmp/set
END
    buildah_differs 'it gives users without a name the home /root'
    agree
}

@test "user: ids and groups" {
    dockerfile <<'END'
FROM @BASE@
USER app
RUN id -u >/tmp/out1 && id -g >>/tmp/out1 && id -G | tr ' ' '\n' | sort -nu >>/tmp/out1
USER app:users
RUN id -u >/tmp/out2 && id -g >>/tmp/out2
USER 1000
RUN id -u >/tmp/out3 && id -g >>/tmp/out3
USER 7:8
RUN id -u >/tmp/out4 && id -g >>/tmp/out4 && id -G >>/tmp/out4
USER 77
RUN id -u >/tmp/out5 && id -g >>/tmp/out5
USER root:staff
RUN id -u >/tmp/out6 && id -g >>/tmp/out6
END
    agree
}

@test "user: owners of what it makes" {
    dockerfile <<'END'
FROM @BASE@
USER app
WORKDIR /home/app
RUN touch file && mkdir -p dir/sub && ln -s file link && mkfifo pipe && chmod 2750 dir
RUN touch dir/sub/second && chgrp staff file
WORKDIR /
USER 12:34
RUN touch /tmp/numbers
USER root
RUN touch /tmp/root && chown app /tmp/root
END
    agree
}

@test "user: what it may not do" {
    dockerfile <<'END'
FROM @BASE@
USER app
RUN chown root /tmp 2>/dev/null || echo chown >>/tmp/refused
RUN touch /tmp/mine && chown root /tmp/mine 2>/dev/null || echo chown >>/tmp/refused
RUN chgrp audio /tmp/mine && ! chgrp users /tmp/mine 2>/dev/null && echo chgrp >>/tmp/refused
RUN mknod /tmp/null c 1 3 2>/dev/null || echo mknod >>/tmp/refused
RUN chroot / true 2>/dev/null || echo chroot >>/tmp/refused
RUN mount -t tmpfs tmpfs /mnt 2>/dev/null || echo mount >>/tmp/refused
END
    agree
}

@test "user: files of others" {
    lade_differs 'an emulated user is not kept from the files of others'
    dockerfile <<'END'
FROM @BASE@
USER app
RUN touch /etc/new 2>/dev/null || echo etc >>/tmp/refused
RUN ls /root >/dev/null 2>&1 || echo root >>/tmp/refused
RUN chmod 700 /opt 2>/dev/null || echo chmod >>/tmp/refused
USER root
RUN rm -f /etc/new && chmod 755 /opt && cp /tmp/refused /out 2>/dev/null || : >/out
FROM scratch
COPY --from=0 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out ""
END
}

@test "user: made by a command" {
    dockerfile <<'END'
FROM @BASE@
RUN echo susan:x:2000:2000:Susan:/home/susan:/bin/sh >>/etc/passwd && printf '%s\n' susan:x:2000: cool:x:2001:susan test:x:4242: >>/etc/group
RUN mkdir -m 700 /home/susan && chown susan:susan /home/susan
USER susan
RUN id -u >/home/susan/ids && id -G | tr ' ' '\n' | sort -nu >>/home/susan/ids && echo "$HOME" >>/home/susan/ids
USER root:test
RUN id -g >/gid
USER 1001:test
RUN touch /tmp/as-test
END
    agree
}

@test "user: unknown" {
    dockerfile <<'END'
FROM @BASE@
USER nobody-of-this-name
RUN true
END
    none_builds 3 'unable to find user'
}

@test "working directory: made, relative, of a user, a link" {
    dockerfile <<'END'
FROM @BASE@
WORKDIR /one/two
RUN pwd >out
WORKDIR three
RUN pwd >out && pwd -P >>out
USER app
WORKDIR /home/app/new
RUN pwd >out
USER root
RUN ln -s /opt/data /link
WORKDIR /link/sub
RUN pwd -P >/tmp/out && touch here
END
    agree
}

@test "files: owners and modes of all kinds" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir d && touch d/f d/g && chown 12:34 d/f && chown :50 d/g && chown 5:6 d && chmod 751 d && chmod 4640 d/f
RUN ln -s f d/soft && chown -h 7:8 d/soft && ln d/f d/hard
RUN mkdir foo && chmod +t foo && touch bar && chmod u+s,g+s bar && mkdir -m 2775 shared && touch shared/in
RUN chown -R 100:101 /opt
RUN chown 9:9 /mnt && chmod 0700 /mnt/a
END
    agree
}

@test "files: devices, FIFOs and sockets" {
    buildah_refuses 'it may not make devices'
    dockerfile <<'END'
FROM @BASE@
RUN mknod /mnt/null c 1 3 && mknod /mnt/block b 7 200 && mknod /mnt/pipe p && mkfifo -m 600 /mnt/fifo
RUN chmod 666 /mnt/null && chown 1:2 /mnt/null && mv /mnt/block /mnt/a/ && ln /mnt/null /mnt/other && chgrp 7 /mnt/other
RUN test -c /mnt/other && test -b /mnt/a/block && stat -c '%t %T %a %u %g %h %F' /mnt/null /mnt/other /mnt/a/block >/out && rm /mnt/other
RUN cp -a /mnt /copy
END
    agree
}

@test "files: umask, and modes without it" {
    dockerfile <<'END'
FROM @BASE@
RUN umask >out && touch file && mkdir dir && umask 0 && touch open && mkdir all && umask 077 && touch closed && mkdir none
RUN chmod 000 closed none && chmod 7777 all
END
    agree
}

@test "files: removed, and made again" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir -p /some/dir && echo first >/some/dir/first.txt && touch /some/dir/stays
RUN rm /some/dir/first.txt
RUN rm -r /opt/data && mkdir -p /opt/data/sub && touch /opt/data/sub/new
RUN rm -r /opt/data/sub && touch /opt/data/sub
RUN rm /opt/set && mkdir /opt/set && rm -r /mnt
RUN rm -r /mnt 2>/dev/null; mkdir /mnt
END
    agree
}

@test "files: replaced by other types, through links" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir /test && ln -s /test /link && touch /link/in
RUN rm -rf /test /link && mkdir /link
RUN mv /opt/data /opt/moved && ln -s moved /opt/data && echo more >>/opt/data/one
RUN rm /etc/group && ln -s ../opt/set /etc/group
RUN cp -p /opt/set /opt/copy && mv /opt/copy /opt/set
END
    agree
}

@test "files: directories renamed, of the base and of a step" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir -p /a/b/c && echo x >/a/b/c/x
RUN mv /a /z && mkdir /a && mv /z/b/c /a/c2
RUN mv /opt /option && mv /option/data /opt
RUN mv /opt/one /opt/renamed && cat /opt/sub/soft >/out 2>/dev/null || echo dangling >/out
END
    agree
}

@test "files: hard links within a step and across steps" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir -p /target/subdir && cp -p /etc/passwd /target/
RUN ln /target/passwd /target/subdir/passwd
RUN ln /target/subdir/passwd /target/subdir/passwd2
RUN echo x >/one && ln /one /two && ln -s two /three && ln /two /mnt/four
RUN rm /one && chown 3:4 /mnt/four
END
    buildah_differs 'it makes one layer, in which files of lower layers keep their links'
    agree
}

@test "files: hard links of one step" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir /l && echo x >/l/one && ln /l/one /l/two && ln -s two /l/three && mkdir /l/d && ln /l/two /l/d/four && chown 3:4 /l/two && chmod 4711 /l/one
RUN cp -a /l /copy
FROM @BASE@
COPY --from=0 /l /l
END
    agree
}

@test "files: a second name for what a lower layer has" {
    dockerfile <<'END'
FROM @BASE@
RUN echo x >/one && chown 3:4 /one && mkdir /a /b
RUN ln /one /a/two && ln /a/two /b/three && chown 5:6 /a/two && stat -c '%n %u %g %h' /one /a/two /b/three >/out
FROM @BASE@
COPY --from=0 /a /a
COPY --from=0 /b /b
COPY --from=0 /one /out /
END
    agree
}

@test "files: links that lead nowhere, or out" {
    dockerfile <<'END'
FROM @BASE@
RUN ["/bin/ln", "-s", "nowhere", "/link"]
RUN ln -s /dev/null /hello && ln -s ../../../../../../etc/passwd /mnt/up && cat /mnt/up | wc -l >/out
RUN ln -s self /self; cat /self 2>/dev/null || echo loop >>/out
END
    agree
}

@test "files: the root directory itself" {
    dockerfile <<'END'
FROM @BASE@
RUN chmod 700 / && chmod 755 / && chown 1000:1000 / && chown root:root /
RUN touch /here
END
    agree
}

@test "files: names of all bytes, and long ones" {
    dockerfile <<'END'
FROM @BASE@
RUN mkdir 'with space' && touch 'with space/é' "$(printf 'new\nline')" "$(printf 'bytes\377\376')" '#x' 'back\slash' '$dollar' "quote'" 'a*b'
RUN n=$(printf 'n%.0s' $(seq 1 200)) && mkdir -p $n/$n && echo long >$n/$n/$n && ln -s $n/$n/$n l && ln $n/$n/$n $n/hard
END
    agree
}

@test "files: changed in place, and only touched" {
    dockerfile <<'END'
FROM @BASE@
RUN echo more >>/opt/data/one && sed -i s/app/App/ /etc/passwd
RUN chmod 600 /etc/group && chmod 644 /etc/group
RUN echo same >/same
RUN cp -p /same /same2 && rm /same && mv /same2 /same
RUN dd if=/dev/zero of=/sparse bs=1 count=1 seek=100000 2>/dev/null && : >/empty
END
    agree
}

@test "files: a tar unpacked and packed" {
    mkdir -p tree/d
    echo x >tree/d/f
    chmod 4755 tree/d/f
    ln tree/d/f tree/d/hard
    ln -s f tree/d/soft
    tar --sort=name --owner=1234 --group=4321 --mtime=@0 -C tree -cf context/t.tar d
    dockerfile <<'END'
FROM @BASE@
COPY t.tar /
RUN tar -xf t.tar -C /mnt && tar -xf t.tar -C /mnt/a --no-same-owner
RUN tar -cf - -C /mnt d | (cd /mnt/b && tar -xf -) && tar -tvf t.tar | wc -l >/out && rm t.tar
RUN cp -a /mnt/d /mnt/c/
END
    agree
}

@test "files: set-user-ID goes when a file changes hands or contents" {
    dockerfile <<'END'
FROM @BASE@
RUN echo x >/a && chmod 6755 /a && chown 5:5 /a && stat -c %a /a >/out
RUN echo x >/b && chown 5:5 /b && chmod 6755 /b && stat -c %a /b >>/out
RUN echo x >/c && chmod 2644 /c && chown 5:5 /c && stat -c %a /c >>/out
RUN cp -p /opt/set /opt/kept && mv /opt/set /opt/moved
END
    agree
}

@test "files: set-user-ID stays when root writes" {
    lade_differs 'in a user namespace the kernel takes it away'
    dockerfile <<'END'
FROM @BASE@
RUN cp /opt/set /opt/copy && stat -c %a /opt/copy >/out
RUN echo more >>/opt/set && stat -c %a /opt/set >>/out
FROM scratch
COPY --from=0 /out /
END
    agree
    expect <<'END'
file 0644 0:0 /out "755\n755\n"
END
}

@test "files: VOLUME before and after" {
    buildah_differs 'what a command writes into a volume is lost'
    mkdir context/d
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
RUN mkdir -p /vol/sub /va /vb && chown app:app /vol/sub
VOLUME /vol/sub
RUN touch /vol/sub/after && chmod 0711 /vol/sub
VOLUME /va
RUN chown 1000:1000 /va /vb
ADD file /va/
END
    agree
}

@test "files: nothing changed" {
    dockerfile <<'END'
FROM @BASE@
RUN true
RUN ls -laR /etc /opt >/dev/null
RUN cat /opt/data/one /etc/hosts /etc/resolv.conf >/dev/null
RUN touch /tmp/x && rm /tmp/x
RUN ["/bin/true"]
END
    agree
}

@test "files: what is written in /dev, /proc and /sys stays there" {
    buildah_refuses 'its /dev is read-only'
    dockerfile <<'END'
FROM @BASE@
RUN echo x >/dev/null && echo y >/dev/shm/y && touch /dev/mine
RUN test ! -e /dev/mine && test ! -e /dev/shm/y && ls /proc/self/fd >/dev/null
RUN echo z >/dev/stdout && echo z >/dev/stderr && head -c 4 /dev/urandom >/dev/full || true
END
    agree
}

@test "processes: left behind, and zombies" {
    buildah_refuses 'they go on'
    dockerfile <<'END'
FROM @BASE@
RUN (for i in 1 2 3 4; do sleep 0.5; echo x >>/daemon; done >/dev/null 2>&1 &) ; echo started >/out
RUN sleep 1; test ! -e /daemon
RUN (sleep 0.1 &) ; sleep 0.3; ! ps -o stat | grep -q Z
RUN (trap '' TERM HUP; sleep 3 >/dev/null 2>&1 &) ; true
END
    agree
}

@test "processes: standard input is empty, output goes nowhere" {
    dockerfile <<'END'
FROM @BASE@
RUN cat >/input; wc -c </input >/count
RUN echo to stdout; echo to stderr >&2
RUN test ! -t 0 && test ! -t 1 && test ! -t 2
RUN yes | head -n 1000 | wc -l >/pipes
END
    agree
}

@test "processes: a command that fails" {
    dockerfile <<'END'
FROM @BASE@
RUN touch /a
RUN exit 3
RUN touch /b
END
    none_builds 9 'did not complete successfully: exit code: 3'
}

@test "processes: a program that is not there" {
    dockerfile <<'END'
FROM @BASE@
RUN ["/no/such/program"]
END
    none_builds 9 '/no/such/program'
}

@test "processes: no shell in the image" {
    cp "$(command -v busybox)" context/true
    dockerfile <<'END'
FROM scratch
COPY true /bin/
RUN true
END
    none_builds 9 '/bin/sh'
}

@test "processes: on an image with nothing but the program" {
    buildah_differs 'it leaves /dev, /proc, /sys and files in /etc and /run'
    buildkit_lacks '20.10 leaves /dev, /proc, /sys and files in /etc'
    cp "$(command -v busybox)" context/true
    dockerfile <<'END'
FROM @BASE@ AS builder
COPY true /true/
WORKDIR /true
RUN mv true /other
FROM scratch
COPY --from=builder /other /true
RUN ["/true"]
RUN ["/true"]
FROM @BASE@
COPY --from=1 / /mnt/
RUN find /mnt | sort >/found && rm -r /mnt
FROM scratch
COPY --from=2 /found /
END
    agree
    expect <<'END'
file 0644 0:0 /found "/mnt\n/mnt/a\n/mnt/b\n/mnt/c\n/mnt/true\n"
END
}

@test "stages: one begins with another, and files of several" {
    dockerfile <<'END'
FROM @BASE@ AS base
RUN mkdir -p /a/b && touch /a/b/1 /a/b/2 && echo helloworld >image_file
FROM @BASE@ AS other
COPY --from=base /a/b/* /b/
RUN ls /b/1 /b/2 >/out && ! ls /a 2>/dev/null
FROM other AS third
RUN rm /b/1
COPY --from=base image_file /c/d
RUN mv /c /b/c
FROM third
COPY --from=base /a/b/. /b/
RUN find /b | sort >/found
END
    agree
}

@test "stages: removed in one, copied over in another" {
    dockerfile <<'END'
FROM @BASE@ AS base
RUN mkdir -p /opt/keep && echo hi >/opt/keep/marker
FROM base AS mutate
RUN rm -rf /opt/keep && touch /opt/touched
FROM base AS final
COPY --from=mutate /opt/ /opt/
END
    agree
}

@test "stages: owners, links and devices go along" {
    dockerfile <<'END'
FROM @BASE@ AS made
RUN mkdir -p /w/d && touch /w/d/f && chown 65:66 /w/d/f && chmod 4711 /w/d/f && chown 1:1 /w/d && ln -s d/f /w/l && chmod 1777 /w
FROM @BASE@
COPY --from=made /w /w
COPY --from=made --chown=5:5 /w/d /chowned
RUN stat -c '%u %g %a' /w/d/f /w/d /w >/out && chown 2:2 /w/d/f
END
    agree
}

@test "stages: the same commands in each, and one that nothing needs" {
    dockerfile <<'END'
FROM @BASE@ AS a
RUN echo same >/same.txt
FROM @BASE@ AS b
RUN echo same >/same.txt
FROM @BASE@ AS unused
RUN exit 1
FROM @BASE@
COPY --from=a /same.txt /a
COPY --from=b /same.txt /b
RUN cmp /a /b
END
    agree
}

@test "stages: a target" {
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo one >/one
FROM one AS two
RUN echo two >/two
FROM two
RUN exit 1
END
    agree --target two
}

@test "COPY and ADD over what commands made" {
    mkdir -p context/d/full
    echo new >context/d/full/f
    echo new >context/f
    tar --owner=9 --group=9 --mtime=@0 -C context -cf context/t.tar d
    dockerfile <<'END'
FROM @BASE@
RUN mkdir -m 0700 /target && mkdir -p /dirone/full && echo old >/dirone/full/f && chmod 600 /dirone/full/f && ln -s /dirone /symlink && mkdir /x && chown 5:5 /x
ADD t.tar /target/
COPY d /dirone
COPY f /symlink/subdirectory/
ADD t.tar /symlink/
COPY f /x/
RUN find /dirone /target /x | sort >/found
END
    agree
}

@test "COPY into what a user owns, and commands after" {
    mkdir -p context/qux/quw
    echo foo >context/foo
    echo que >context/qux/quw/que
    dockerfile <<'END'
FROM @BASE@
COPY --chown=app:app foo /path/to/foo
COPY --chown=app:app qux /path/to/qux
COPY --chown=1000:1000 qux /path2/to/qux
USER app
RUN touch /path/to/qux/new && mkdir /path/to/qux/new_dir /path2/to/qux/new_dir
RUN mkdir /path/to/dir 2>/dev/null; test -w /path/to && echo writable >/tmp/path || echo closed >/tmp/path
END
    agree
}

@test "ONBUILD: commands of the base, in the image" {
    mkdir first
    dockerfile first/Dockerfile <<'END'
FROM @BASE@
ONBUILD RUN touch /onbuild1
ONBUILD RUN ["touch", "/onbuild2"]
ONBUILD ARG when=default
ONBUILD RUN echo "$when" >/onbuild3
RUN rm -rf /onbuild1 && touch /firstfile
END
    dockerfile <<'END'
FROM first@N@
RUN ls /onbuild1 /firstfile >/out
ONBUILD RUN echo later
END
    agree --build-arg when=given
}

@test "ONBUILD: of a stage" {
    dockerfile <<'END'
FROM @BASE@ AS base
ONBUILD RUN touch /triggered
RUN test ! -e /triggered
FROM base
RUN ls /triggered >/out
FROM scratch
COPY --from=1 /out /
END
    agree
}

@test "labels, history and the rest beside commands" {
    dockerfile <<'END'
FROM @BASE@
LABEL a=b
RUN echo marker >/marker
MAINTAINER someone
EXPOSE 80
RUN echo more >>/marker
CMD ["x"]
STOPSIGNAL SIGINT
HEALTHCHECK CMD true
END
    agree
}
