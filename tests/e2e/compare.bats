#!/usr/bin/env bats
# Dockerfiles over the whole language, without RUN, built by lade, by buildah and by BuildKit: the three images must hold the same config
# and the same files. Where buildah differs, the case says why, and BuildKit decides.

load lib
load compare/lib

setup_file() {
    peers_start
}

teardown_file() {
    summary
    peers_stop
}

setup() {
    case_begin
}

@test "ARG: scopes of stages, defaults, --build-arg" {
    echo x >context/file
    dockerfile <<'END'
ARG GLOBAL=global
ARG SECOND=$GLOBAL-2
FROM scratch AS one
ARG GLOBAL
ARG SECOND
ARG GIVEN=default
ARG UNSET
ENV A=$GLOBAL B=$SECOND C=$GIVEN D=$UNSET E=$NEVER
FROM scratch
ARG GIVEN
ARG SECOND=mine
ENV A=$GLOBAL B=$SECOND C=$GIVEN
ARG LATE=a
ENV F=$LATE
ARG LATE=b
ENV G=$LATE
COPY --from=one / /one/
COPY file /
END
    agree --build-arg GIVEN=given
}

@test "ARG: in FROM, platforms, automatic arguments" {
    dockerfile <<'END'
ARG NAME=base
ARG TAG
ARG IMAGE=@BASE@
FROM --platform=$TARGETPLATFORM ${IMAGE} AS base
ARG TARGETARCH
ARG TARGETOS
ENV ARCH=$TARGETARCH OS=$TARGETOS
END
    agree --platform linux/amd64 --build-arg TAG=1
}

@test "ARG: what ENV hides and what it does not" {
    buildah_differs 'an ARG does not hide a variable of the base there'
    dockerfile <<'END'
FROM @BASE@
ARG FROM_BASE=argument
ENV SEEN=$FROM_BASE
ARG later=argument
ENV later=environment
ENV seen=$later
ARG later=again
ENV again=$later
END
    agree --build-arg later=given
}

@test "expansion: defaults, alternatives, quotes, escapes" {
    dockerfile <<'END'
FROM @BASE@
ARG set=value
ARG empty=
ENV A=${unset:-default} B=${empty:-default} C=${set:-default}
ENV D=${unset:+other} E=${empty:+other} F=${set:+other}
ENV G=${unset:-${set}} H=${set:+x${set}x}
ENV I=\$set J='$set' K="$set" L="\$set" M='a "b" c' N="a 'b' c"
ENV O=pre$set.post P=${set}post Q=$set_post R=a\ b S="tab	inside"
ENV T=$set$set U=a$ V="a\\b" W=c\\d
END
    agree
}

@test "expansion: prefixes, suffixes, replacements, unset or empty" {
    buildah_refuses 'it knows none of these forms'
    buildkit_lacks 'they came with Dockerfile 1.4 and 1.7'
    dockerfile <<'END'
FROM scratch
ARG path=/a/b/c.tar.gz
ARG empty=
ENV A=${path#*/} B=${path##*/} C=${path%.*} D=${path%%.*}
ENV E=${path/a/x} F=${path//a/x} G=${path/.tar/} H=${path//?/-}
ENV I=${empty-none} J=${unset-none} K=${empty+some} L=${unset+some}
ENV M=${path#/a} N=${path%.g?} O=${path/\//_}
END
    agree
    expect <<'END'
Env A=a/b/c.tar.gz
Env B=c.tar.gz
Env C=/a/b/c.tar
Env D=/a/b/c
Env E=/x/b/c.tar.gz
Env F=/x/b/c.txr.gz
Env G=/a/b/c.gz
Env H=-------------
Env I=
Env J=none
Env K=some
Env L=
Env M=/b/c.tar.gz
Env N=/a/b/c.tar
Env O=_a/b/c.tar.gz
END
}

@test "ENV: both forms, order, values of the line before" {
    buildah_differs 'a variable that is set again moves to the end'
    dockerfile <<'END'
FROM @BASE@
ENV one=1 two="t w o" three='3 3' four=4\ 4 five=
ENV old form of one = value
ENV one=new both=$one
ENV after=$one
ENV FROM_BASE=no
ENV quoted "kept"
ENV PATH=/opt/bin:$PATH
ENV multi=a \
    lines=b
END
    agree
}

@test "LABEL: forms, keys with dots, overriding" {
    dockerfile <<'END'
FROM @BASE@
ARG what=argument
LABEL a=1 b="two words" org.example.c='three' empty=
LABEL both=mine "quoted key"="quoted value"
LABEL from-argument=$what literal='$what' dollar=\$what
LABEL old form of it
LABEL multi="a \
b"
END
    agree --label on.command.line=yes --label both=line
}

@test "WORKDIR: absolute, relative, expanded, created" {
    dockerfile <<'END'
FROM @BASE@
ENV HERE=/here
WORKDIR data
WORKDIR new
WORKDIR $HERE/a
WORKDIR ../b
WORKDIR c/
WORKDIR ./d/../e
END
    agree
}

@test "WORKDIR: through links of the base" {
    dockerfile <<'END'
FROM @BASE@
WORKDIR /srv/link/new
WORKDIR /abs/other
WORKDIR /srv/link
END
    agree
}

@test "WORKDIR: who owns what it creates" {
    dockerfile <<'END'
FROM @BASE@
USER app
WORKDIR /made/by/app
USER 7:8
WORKDIR /made/by/number
END
    agree
}

@test "WORKDIR: where COPY and ADD put relative names" {
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
COPY file copied
ADD file sub/
WORKDIR other
COPY file .
COPY file ./deep/er/
COPY file ../up
END
    agree
}

@test "USER: names, numbers, groups, variables" {
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@ AS name
USER app
COPY file /by-name
FROM @BASE@ AS number
USER 12:34
COPY file /by-number
FROM @BASE@
COPY --from=name /by-name /
COPY --from=number /by-number /
ENV who=app
USER $who:staff
COPY file /by-both
END
    agree
}

@test "CMD and ENTRYPOINT: shell and exec forms" {
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT echo "$HOME"   and   more
CMD [ "a" ,"b c", "d\"e", "é\u00e9\n" ]
END
    agree
}

@test "CMD and ENTRYPOINT: an entrypoint forgets the command of the base" {
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT ["/entry", "with", "words"]
END
    agree
}

@test "CMD and ENTRYPOINT: a command of the same stage stays" {
    dockerfile <<'END'
FROM @BASE@
CMD ["mine"]
ENTRYPOINT ["/entry"]
END
    agree
}

@test "CMD and ENTRYPOINT: emptied" {
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT ["/entry"]
CMD ["some"]
CMD []
ENTRYPOINT []
END
    agree
}

@test "CMD: what is nearly JSON is a shell's line" {
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT ['single', 'quotes']
CMD ["no" "comma"]
END
    agree
}

@test "EXPOSE: ports, protocols, ranges, variables" {
    buildah_differs 'ranges are not resolved'
    dockerfile <<'END'
FROM @BASE@
ARG port=99
EXPOSE 1 2/udp 3/tcp 3/tcp
EXPOSE 7000-7003 $port ${port}5/udp
EXPOSE 9/sctp
END
    agree
}

@test "VOLUME: words and JSON" {
    buildah_differs 'it makes the directory of a volume that a variable names'
    dockerfile <<'END'
FROM @BASE@
ARG where=/from/argument
VOLUME /one /two
VOLUME ["/three", "/with space"]
VOLUME $where /one
END
    agree
}

@test "STOPSIGNAL: a name, expanded" {
    dockerfile <<'END'
FROM @BASE@
ARG signal=USR1
STOPSIGNAL 9
STOPSIGNAL SIG$signal
END
    agree
}

@test "HEALTHCHECK: options and both forms" {
    dockerfile <<'END'
FROM @BASE@
HEALTHCHECK --interval=1m30s --timeout=2s --start-period=500ms --retries=4 CMD curl -f  http://localhost/
FROM @BASE@
HEALTHCHECK CMD first
HEALTHCHECK --interval=5m CMD ["check", "it"]
END
    agree
}

@test "HEALTHCHECK: none" {
    dockerfile <<'END'
FROM @BASE@
HEALTHCHECK NONE
END
    agree
}

@test "SHELL: used by the shell forms after it, and kept" {
    buildah_differs 'CMD does not use it'
    dockerfile <<'END'
FROM @BASE@
ENTRYPOINT before it
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
CMD after it
HEALTHCHECK CMD also after it
END
    agree
}

@test "ONBUILD: kept in the base, run in the image, forgotten then" {
    mkdir first
    echo x >context/file
    echo y >context/other
    dockerfile first/Dockerfile <<'END'
FROM @BASE@
ARG early=1
ONBUILD ARG given=default
ONBUILD COPY file /triggered/
ONBUILD ENV TRIGGERED=$given
ONBUILD WORKDIR /triggered
ONBUILD LABEL from=trigger
END
    dockerfile <<'END'
FROM first@N@
COPY other .
END
    agree --build-arg given=something
}

@test "ONBUILD: as it stands in the config" {
    dockerfile <<'END'
FROM @BASE@
onbuild run  echo   "a"  &&  b
ONBUILD COPY --chown=1:2 a b /c/
ONBUILD ENTRYPOINT [ "x" ]
ONBUILD ENV a=$b \
   c=d
END
    agree
}

@test "MAINTAINER" {
    dockerfile <<'END'
FROM @BASE@
MAINTAINER Some One <some@example.org>
END
    agree
}

@test "lines: continuations, comments and blank lines within, CRLF, case, blanks" {
    echo x >context/file
    # shellcheck disable=SC1003
    printf '%s\r\n' '# a comment' '' 'from scratch' '  env a=1 \' '# within' '' '    b=2 \  ' '  # indented' '  c=3' $'\tCOPY\tfile\t/a/\t' \
        'Label x="1 \' '  2"' 'CMD echo a \' '  # not for the shell' '  && echo b # this is' 'ENV last=\' 'one' >context/Dockerfile
    agree
}

@test "lines: another escape character" {
    buildah_refuses 'it takes an escaped quote for a quote'
    echo x >context/file
    dockerfile <<'END'
# escape=`
FROM scratch
ENV A=c:\dir B=a`
 C=d E=`$x F="g`"h"
COPY file `
  /a/
WORKDIR /w\x
END
    agree
}

@test "COPY: files to names, to directories, several" {
    mkdir -p context/sub
    echo a >context/a
    echo b >context/b
    echo c >context/sub/c
    printf '' >context/empty
    dockerfile <<'END'
FROM @BASE@
COPY a /new-name
COPY a /new-dir/
COPY a b sub/c empty /several/
COPY ["a", "b", "/json/"]
COPY a /srv
COPY b /srv/data/file
COPY /sub/c /from-root
COPY ./sub/../a /cleaned
COPY a /deep/er/than/that
END
    agree
}

@test "COPY: contents of directories" {
    mkdir -p context/dir/sub/subsub context/other/sub context/dir/empty
    echo a >context/dir/a
    echo b >context/dir/sub/b
    echo c >context/dir/sub/subsub/c
    echo d >context/other/sub/d
    chmod 710 context/dir context/dir/sub
    dockerfile <<'END'
FROM @BASE@
COPY dir /to-name
COPY dir/ /to-dir/
COPY dir other /both/
COPY dir /srv/full
COPY other/. /dot
COPY . /all/
END
    agree
}

@test "COPY: wildcards" {
    mkdir -p context/d1/x context/d2
    touch context/{a1,a2,b1,ab,a.txt,b.txt,.hidden} context/d1/{f1,f2,g1} context/d2/f3
    touch context/d1/x/f9
    dockerfile <<'END'
FROM scratch
COPY a* /star/
COPY ?1 /question/
COPY [a-b]1 /class/
COPY [^a]1 /not/
COPY d*/f* /levels/
COPY *.txt b1 /mixed/
COPY d1/* /directory/
COPY * /everything/
END
    agree
}

@test "COPY: wildcards, escaped" {
    buildah_differs 'it takes the brackets of a name that it found for a pattern'
    mkdir context/q
    touch 'context/q/[x]' context/q/{x,y}
    dockerfile <<'END'
FROM scratch
COPY q/[[]x] /bracket/
COPY q/[x-y] /range/
COPY q/\[x\] /escapes/
END
    agree
}

@test "COPY: links in the context" {
    mkdir -p context/dir/sub
    echo x >context/file
    echo y >context/dir/y
    ln -s file context/to-file
    ln -s dir context/to-dir
    ln -s missing context/dangling
    ln -s ../file context/dir/up
    ln -s /etc/passwd context/dir/absolute
    ln -s sub context/dir/to-sub
    ln -s . context/dir/self
    dockerfile <<'END'
FROM scratch
COPY to-file /as-file
COPY to-file /in/
COPY to-dir /as-dir
COPY to-dir/y /through
COPY dir /dir
COPY dir/*p dir/s* /wild/
COPY . /all/
END
    agree
}

@test "COPY: through links in the parents of the destination" {
    echo x >context/file
    mkdir -p context/dir/sub
    echo y >context/dir/sub/file
    dockerfile <<'END'
FROM @BASE@
COPY file /srv/link/new
COPY file /abs/other/deep
COPY dir /srv/link/
COPY file /srv/up/data/escaped
COPY file /abs/../not-srv
END
    agree
}

@test "COPY: the destination is a link" {
    buildah_differs 'it puts files in the place of links to files, and into a directory where a link leads nowhere'
    echo x >context/file
    mkdir context/dir
    echo y >context/dir/inner
    dockerfile <<'END'
FROM @BASE@
COPY file /srv/link
COPY file /srv/data/to-plain
COPY file /dangling
COPY dir /abs
END
    agree
}

@test "COPY: over what is there" {
    mkdir -p context/tree/full context/tree/link
    echo new >context/tree/full/file
    chmod 600 context/tree/full/file
    chmod 711 context/tree/full
    echo file >context/file
    echo data >context/tree/data
    dockerfile <<'END'
FROM @BASE@
COPY tree/full /srv/full
COPY file /srv/full/file
COPY file /opt/plain
COPY tree/link /tmp
COPY tree/full /home/app
END
    agree
}

@test "WORKDIR: an absolute path stays as it is written" {
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
WORKDIR /a/
COPY file b
WORKDIR /q/r/../s/
END
    agree
}

@test "COPY: again, with other owners and modes, over what COPY and WORKDIR made" {
    buildah_differs 'it takes set-group-ID away'
    mkdir -p context/d/s
    echo x >context/d/f
    echo y >context/d/s/g
    chmod 2755 context/d/s
    ln -s f context/d/link
    dockerfile <<'END'
FROM @BASE@
COPY --chown=1 d /a
COPY d /a/
COPY --chown=2:3 d/f /a/f
ADD --chown=4:4 d /deep/new/
WORKDIR /a/s
COPY --chown=9:9 d/s .
COPY --chown=9:9 d/s ../s2/
COPY d/s/../f /base-volume/f
USER root:0
EXPOSE 80/TCP
STOPSIGNAL sigterm
END
    agree
}

@test "COPY --from: a stage, by name and by number" {
    mkdir context/d
    echo x >context/d/file
    chmod 640 context/d/file
    ln -s file context/d/link
    dockerfile <<'END'
FROM scratch AS first
COPY --chown=3:4 d /d
COPY d/file /top
WORKDIR /in
FROM @BASE@
COPY d/file /second/x
FROM @BASE@ AS third
COPY --from=first /d /by-name
COPY --from=0 /d/file /top /by-number/
COPY --from=1 /second /srv/link/inner
COPY --from=first /d/* /wild/
COPY --from=first d/link /link
COPY --from=1 /srv/link/file /through-link
COPY --from=1 /srv/l* /link-itself/
COPY --from=first / /all/
END
    agree
}

@test "COPY --from: an image" {
    dockerfile <<'END'
FROM scratch
COPY --from=@BASE@ /srv/full /full
COPY --from=@OCI_BASE@ /opt /home /x/
COPY --from=@BASE@ /etc/passwd /
COPY --from=@BASE@ /srv/data/ /data/
END
    agree
}

@test "COPY --chown: names and numbers" {
    mkdir -p context/dir/sub
    echo x >context/dir/sub/file
    ln -s file context/dir/sub/link
    dockerfile <<'END'
FROM @BASE@
ARG who=lone
COPY --chown=app dir /by-name
COPY --chown=app:staff dir /by-both
COPY --chown=1:2 dir /by-numbers
COPY --chown=5 dir /one-number
COPY --chown=app:77 dir /mixed
COPY --chown=77:staff dir /mixed-too
COPY --chown=$who dir/sub/file /made/on/the/way
COPY --chown=12:13 dir /srv/full
END
    agree
}

@test "COPY --chown: numbers where there is no /etc/passwd" {
    mkdir context/dir
    echo x >context/dir/file
    dockerfile <<'END'
FROM scratch
COPY --chown=1:2 dir /both
COPY --chown=5 dir /one
COPY --chown=0:0 dir /root
END
    agree
}

@test "COPY --chmod: octal" {
    mkdir -p context/dir/sub
    echo x >context/dir/sub/file
    ln -s sub/file context/dir/link
    dockerfile <<'END'
FROM scratch
COPY --chmod=755 dir/sub/file /file
COPY --chmod=0644 dir/sub/file /other
END
    agree
}

@test "COPY --chmod: octal, directories and set-user-ID" {
    buildah_differs 'directories that COPY makes keep the mode 0755'
    buildkit_lacks 'that changed after 20.10'
    mkdir -p context/dir/sub
    echo x >context/dir/sub/file
    ln -s sub/file context/dir/link
    dockerfile <<'END'
FROM scratch
COPY --chmod=0750 dir /dir
COPY --chmod=4711 --chown=1:1 dir/sub/file /new/dir/set
END
    agree
    expect <<'END'
dir 0750 0:0 /dir
link 0777 0:0 /dir/link -> sub/file
dir 0750 0:0 /dir/sub
file 0750 0:0 /dir/sub/file "x\n"
dir 0711 1:1 /new
dir 0711 1:1 /new/dir
file 4711 1:1 /new/dir/set "x\n"
END
}

@test "COPY --chmod: symbolic and expanded" {
    buildah_refuses 'it takes octal modes only'
    buildkit_lacks 'symbolic modes came with Dockerfile 1.14'
    mkdir -p context/dir
    echo x >context/dir/file
    echo y >context/dir/run
    chmod 755 context/dir/run
    chmod 700 context/dir
    dockerfile <<'END'
FROM scratch
ARG mode=u+rwX,go+rX
COPY --chmod=$mode dir /expanded
COPY --chmod=a-x dir/run /run
COPY --chmod=g+w,o=,+x dir/file /file
COPY --chmod=u+s,g=u dir/run /set
END
    agree
    expect <<'END'
dir 0755 0:0 /expanded
file 0644 0:0 /expanded/file "x\n"
file 0755 0:0 /expanded/run "y\n"
file 0771 0:0 /file "x\n"
file 0644 0:0 /run "y\n"
file 4775 0:0 /set "y\n"
END
}

@test "COPY --parents" {
    buildah_refuses 'it does not know the flag'
    buildkit_lacks 'it came with Dockerfile 1.20'
    mkdir -p context/a/b/c context/x/b context/a/empty
    echo 1 >context/a/b/c/file
    echo 2 >context/a/b/two
    echo 3 >context/x/b/two
    chmod 711 context/a
    chmod 2750 context/a/b
    dockerfile <<'END'
FROM scratch
COPY --parents a/b/two /one/
COPY --parents */b/two /star/
COPY --parents a/./b/c /pivot/
COPY --parents **/two /anywhere/
END
    agree
    expect <<'END'
dir 0755 0:0 /anywhere
dir 0711 0:0 /anywhere/a
dir 2750 0:0 /anywhere/a/b
file 0644 0:0 /anywhere/a/b/two "2\n"
dir 0755 0:0 /anywhere/x
dir 0755 0:0 /anywhere/x/b
file 0644 0:0 /anywhere/x/b/two "3\n"
dir 0755 0:0 /one
dir 0711 0:0 /one/a
dir 2750 0:0 /one/a/b
file 0644 0:0 /one/a/b/two "2\n"
dir 0755 0:0 /pivot
dir 2750 0:0 /pivot/b
dir 0755 0:0 /pivot/b/c
file 0644 0:0 /pivot/b/c/file "1\n"
dir 0755 0:0 /star
dir 0711 0:0 /star/a
dir 2750 0:0 /star/a/b
file 0644 0:0 /star/a/b/two "2\n"
dir 0755 0:0 /star/x
dir 0755 0:0 /star/x/b
file 0644 0:0 /star/x/b/two "3\n"
END
}

@test "COPY --exclude" {
    buildah_refuses 'it does not know the flag'
    buildkit_lacks 'it came with Dockerfile 1.19'
    mkdir -p context/dir/sub
    touch context/dir/{a.txt,b.md,c.txt} context/dir/sub/{d.txt,e.md}
    dockerfile <<'END'
FROM scratch
COPY --exclude=*.txt dir /one
COPY --exclude=**/*.txt --exclude=b* dir /any
COPY --exclude=dir/sub --exclude=Dockerfile . /of-context
ADD --exclude=*.md dir /added/
END
    agree
    expect <<'END'
dir 0755 0:0 /added
file 0644 0:0 /added/a.txt ""
file 0644 0:0 /added/c.txt ""
dir 0755 0:0 /added/sub
file 0644 0:0 /added/sub/d.txt ""
file 0644 0:0 /added/sub/e.md ""
dir 0755 0:0 /any
dir 0755 0:0 /any/sub
file 0644 0:0 /any/sub/e.md ""
dir 0755 0:0 /of-context
dir 0755 0:0 /of-context/dir
file 0644 0:0 /of-context/dir/a.txt ""
file 0644 0:0 /of-context/dir/b.md ""
file 0644 0:0 /of-context/dir/c.txt ""
dir 0755 0:0 /one
file 0644 0:0 /one/b.md ""
dir 0755 0:0 /one/sub
file 0644 0:0 /one/sub/d.txt ""
file 0644 0:0 /one/sub/e.md ""
END
}

@test "COPY --link: does not see what is there" {
    buildah_refuses 'it does not know the flag'
    buildkit_lacks 'it came with Dockerfile 1.4'
    mkdir context/dir
    echo x >context/dir/file
    dockerfile <<'END'
FROM @BASE@ AS link
COPY --link dir/file /srv/new
COPY --link --chown=7:8 dir /linked/there
FROM scratch
COPY --from=link /srv/new /srv/data/file /
COPY --from=link /linked /linked
END
    agree
    expect <<'END'
file 0644 0:0 /file "old\n"
dir 0755 0:0 /linked
dir 0755 7:8 /linked/there
file 0644 7:8 /linked/there/file "x\n"
file 0644 0:0 /new "x\n"
END
}

@test "COPY: here-documents" {
    buildah_refuses 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM scratch
ARG what=expanded
COPY <<one /first
$what "quoted" \$what
one
COPY <<'two' <<-"three" /dir/
literal $what
two
	without tabs $what
	three
COPY --chown=1:2 --chmod=600 <<EOT /owned
x
EOT
ADD <<EOT /added/
y
EOT
COPY <<EOT /empty
EOT
END
    agree
    expect <<'END'
dir 0755 0:0 /added
file 0644 0:0 /added/EOT "y\n"
dir 0755 0:0 /dir
file 0644 0:0 /dir/three "without tabs $what\n"
file 0644 0:0 /dir/two "literal $what\n"
file 0644 0:0 /empty ""
file 0644 0:0 /first "expanded \"quoted\" $what\n"
file 0600 1:2 /owned "x\n"
END
}

@test "COPY: hard links" {
    mkdir -p context/a context/b
    echo one >context/a/one
    ln context/a/one context/a/two
    ln context/a/one context/b/three
    dockerfile <<'END'
FROM scratch
COPY a /a
COPY . /all/
COPY a/one b/three /names/
END
    agree
}

@test "COPY: extended attributes of users" {
    buildkit_lacks 'its layers in dockerd carry no attributes of users'
    echo x >context/file
    mkdir context/dir
    setfattr -n user.text -v value context/file || skip "the file system has no extended attributes"
    setfattr -n user.binary -v 0x00ff3d0a context/file
    setfattr -n user.on-dir -v d context/dir
    dockerfile <<'END'
FROM scratch
COPY . /x/
END
    agree
}

@test "COPY: capabilities of files" {
    buildkit_lacks 'it loses them on the way of the context'
    echo x >context/file
    setcap cap_net_bind_service,cap_net_raw+ep context/file || skip "needs privilege"
    dockerfile <<'END'
FROM scratch AS one
COPY file /a
FROM scratch
COPY file /b
COPY --chown=1:1 file /c
COPY --from=one / /from/
END
    agree
}

@test "COPY: set-user-ID, sticky, odd modes" {
    buildah_differs 'it takes set-user-ID and set-group-ID away'
    mkdir -p context/d/sticky context/d/setgid context/d/open
    local mode
    for mode in 4755 2755 6711 1644 0400 0666 0777 0001; do
        echo x >"context/d/f$mode"
        chmod "$mode" "context/d/f$mode"
    done
    chmod 1777 context/d/sticky
    chmod 2775 context/d/setgid
    chmod 0777 context/d/open
    dockerfile <<'END'
FROM scratch
COPY d /d
COPY d/f4755 /file
COPY --chown=1:1 d/f4755 /owned
COPY --chown=1:1 d /owned-dir
END
    agree
}

@test "COPY: empty and deep directories, long names" {
    local long
    long=$(printf 'n%.0s' {1..120})
    mkdir -p context/empty "context/$long/$long/$long" context/a/b/c/d/e/f
    echo x >"context/$long/$long/$long/file"
    ln -s "$long/$long/$long/file" context/long-link
    ln "context/$long/$long/$long/file" "context/$long/hard"
    dockerfile <<'END'
FROM scratch
COPY . /x/
COPY empty /y/
END
    agree
}

@test "COPY: names with blanks, brackets, UTF-8 and bytes that are not" {
    mkdir context/d
    touch "context/with space" context/é context/d/$'\xff\xfe' $'context/d/new\nline' context/d/{a\*b,\#x,back\\slash,\$x}
    dockerfile <<'END'
FROM scratch
COPY ["with space", "é", "/to here/"]
COPY d /d
END
    agree
}

@test ".dockerignore: every kind of pattern" {
    mkdir -p context/{src/deep/er,build/keep,docs,node_modules/m,.git}
    touch context/{a.log,b.txt,keep.log,.hidden,README.md,LICENSE.md} context/src/{a.o,a.c,keep.o} context/src/deep/{b.o,b.c} context/src/deep/er/c.o
    touch context/build/{out,keep/kept} context/docs/{x.md,y.txt} context/node_modules/m/file context/.git/config
    cat >context/.dockerignore <<'END'
# a comment
*.log
!keep.log
**/*.o
!src/keep.o
/build
!build/keep

node_modules/
  .git
docs/?.md
*.md
!README*
Dockerfile
.dockerignore
END
    dockerfile <<'END'
FROM scratch
COPY . /x/
END
    agree
}

@test ".dockerignore: exceptions below what is ignored, directories, last one wins" {
    mkdir -p context/{a/b/c,d/e,f/g}
    touch context/a/{1,b/2,b/c/3} context/d/{4,e/5} context/f/{6,g/7}
    cat >context/.dockerignore <<'END'
*
!a/b
a/b/c
!a/b/c/3
!d/**
d/e
END
    dockerfile <<'END'
FROM scratch
COPY . /x/
COPY a /a/
END
    agree
}

@test ".dockerignore: exceptions for names anywhere" {
    buildah_differs 'it does not look below what is ignored, as BuildKit 20.10'
    buildkit_lacks 'a newer one looks everywhere'
    mkdir -p context/a/b context/f/g
    touch context/a/{1,b/7} context/f/{6,g/7}
    printf '%s\n' '*' '!**/7' >context/.dockerignore
    dockerfile <<'END'
FROM scratch
COPY . /x/
END
    agree
    expect <<'END'
dir 0755 0:0 /x
dir 0755 0:0 /x/a
dir 0755 0:0 /x/a/b
file 0644 0:0 /x/a/b/7 ""
dir 0755 0:0 /x/f
dir 0755 0:0 /x/f/g
file 0644 0:0 /x/f/g/7 ""
END
}

@test ".dockerignore: of one Dockerfile" {
    buildah_differs 'it does not look for the file beside a Dockerfile in a folder'
    touch context/{a,b,c}
    echo a >context/.dockerignore
    mkdir context/files
    echo b >context/files/Other.dockerignore
    dockerfile context/files/Other <<'END'
FROM scratch
COPY . /x/
END
    agree -f context/files/Other
}

@test "ADD: archives are unpacked, told by content" {
    mkdir -p tree/dir/sub
    echo x >tree/dir/file
    echo y >tree/dir/sub/file
    ln -s file tree/dir/link
    local make="tar --sort=name --owner=3 --group=4 --mtime=@0 -C tree"
    $make -cf context/plain.tar dir
    $make -czf context/gzip.tgz dir
    $make -cjf context/bzip2 dir
    $make -cJf context/xz.txt dir
    dockerfile <<'END'
FROM scratch
ADD plain.tar /plain/
ADD gzip.tgz /gzip
ADD bzip2 /bzip2/
ADD xz.txt /xz/
COPY plain.tar /copied/
END
    agree
}

@test "ADD: a zstd archive" {
    buildkit_lacks 'it came later than 20.10'
    mkdir tree
    echo x >tree/file
    tar --owner=0 --group=0 --mtime=@0 -C tree -c file | zstd -q >context/archive
    dockerfile <<'END'
FROM scratch
ADD archive /x/
END
    agree
    expect <<'END'
dir 0755 0:0 /x
file 0644 0:0 /x/file "x\n"
END
}

@test "ADD: files that are no archives" {
    mkdir context/dir
    echo 'not a tar' >context/fake.tar
    echo 'only compressed' | gzip -n >context/text.gz
    printf 'PK\005\006%018d' 0 >context/some.zip
    printf '' >context/empty.tar
    echo x >context/dir/file
    chmod 700 context/fake.tar
    dockerfile <<'END'
FROM scratch
ADD fake.tar /a/
ADD text.gz /b/
ADD some.zip empty.tar /c/
ADD dir /d
ADD fake.tar /name
END
    agree
}

@test "ADD: an archive with an entry for its root, odd owners and modes" {
    buildah_differs 'the entry for the root changes the directory that the archive is unpacked in'
    mkdir -p tree/dir
    echo x >tree/dir/file
    chmod 4751 tree/dir/file
    chmod 2700 tree/dir
    chmod 750 tree
    tar --owner=1234 --group=70000 --mtime=@0 -C tree -cf context/a.tar .
    tar --owner=3000000 --group=5 --mtime=@0 -C tree -cf context/b.tar ./dir/file
    dockerfile <<'END'
FROM scratch
ADD a.tar /a/
ADD b.tar /b/
ADD a.tar /
END
    agree
}

@test "ADD: an archive over the files of the base" {
    mkdir -p tree/srv/data tree/srv/full tree/opt tree/tmp
    echo new >tree/srv/data/file
    echo more >tree/opt/more
    chmod 700 tree/opt
    tar --owner=9 --group=9 --mtime=@0 -C tree -cf context/over.tar srv opt tmp
    rm -r tree/*
    mkdir -p tree/srv/link tree/etc/passwd
    echo x >tree/srv/link/x
    echo y >tree/srv/full
    ln -s /opt tree/home
    tar --owner=9 --group=9 --mtime=@0 -C tree -cf context/replace.tar srv/full
    dockerfile <<'END'
FROM @BASE@
ADD over.tar /
ADD replace.tar /moved/
END
    agree
}

@test "ADD: archives with hard links, links, FIFOs and parents without entries" {
    mkdir -p tree/d/e
    echo x >tree/d/one
    ln tree/d/one tree/d/e/two
    ln -s ../one tree/d/e/link
    ln -s /absolute tree/d/abs
    mkfifo tree/d/fifo
    tar --owner=0 --group=0 --mtime=@0 -C tree -cf context/a.tar d/one d/e/two d/e/link d/abs d/fifo
    dockerfile <<'END'
FROM scratch
ADD a.tar /x/
END
    agree
}

@test "ADD --chown: files" {
    echo y >context/plain
    dockerfile <<'END'
FROM @BASE@
ADD --chown=app plain /p/
END
    agree
}

@test "ADD --chown: archives" {
    buildah_differs 'it leaves the owners of the archive'
    buildkit_lacks 'owners for archives came after 20.10'
    mkdir -p tree/dir
    echo x >tree/dir/file
    tar --owner=3 --group=4 --mtime=@0 -C tree -cf context/a.tar dir/file
    dockerfile <<'END'
FROM scratch
ADD --chown=55:66 a.tar /a/
END
    agree
    expect <<'END'
dir 0755 55:66 /a
dir 0755 0:0 /a/dir
file 0644 55:66 /a/dir/file "x\n"
END
}

@test "ADD: an archive with capabilities and attributes" {
    mkdir tree
    echo x >tree/file
    setcap cap_net_raw+ep tree/file || skip "needs privilege"
    tar --xattrs --xattrs-include='*' --owner=0 --group=0 --mtime=@0 -C tree -cf context/a.tar file
    dockerfile <<'END'
FROM scratch AS one
ADD a.tar /a/
FROM scratch
COPY --from=one /a /b
COPY --from=one --chown=5:5 /a/file /c
END
    agree
}

@test "FROM: a stage, with all of its config" {
    buildah_differs 'arguments do not come along, and a shell form does not use the SHELL of the stage'
    dockerfile <<'END'
FROM @BASE@ AS one
ENV A=1
LABEL l=1
ARG hidden=x
WORKDIR /one
USER 5
EXPOSE 5
CMD ["one"]
HEALTHCHECK CMD one
SHELL ["/s", "-x"]
STOPSIGNAL SIGHUP
FROM one
ENV B=$A C=$hidden
ENTRYPOINT shell form
END
    agree
}

@test "FROM: scratch, with nothing but a config" {
    buildkit_lacks 'dockerd cannot save an image without layers'
    dockerfile <<'END'
FROM scratch
ENV A=1
CMD ["/x"]
END
    agree
}

@test "FROM: an image of the OCI's media types" {
    echo x >context/file
    dockerfile <<'END'
FROM @OCI_BASE@
COPY file /srv/
END
    agree
}

@test "FROM: nothing else" {
    dockerfile <<'END'
FROM @BASE@
END
    agree
}

@test "stages: a target by name, and those that nothing needs" {
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@ AS base
LABEL stage=base
FROM base AS wanted
COPY file /wanted
FROM base AS last
COPY file /last
COPY --from=wanted /wanted /
END
    agree --target wanted
}

@test "stages: names like images, stages like numbers, a chain" {
    echo x >context/file
    dockerfile <<'END'
FROM scratch AS alpine
COPY file /a
FROM alpine
COPY --from=alpine /a /b
FROM 1 AS Upper
FROM alpine AS next
COPY --from=1 / /c/
FROM next
COPY --from=next /c /d
END
    agree
}

@test "stages: names in any case" {
    buildah_refuses 'names are told by case there'
    echo x >context/file
    dockerfile <<'END'
FROM scratch AS First
COPY file /a
FROM first AS second
COPY file /b
FROM scratch
COPY --from=first /a /
COPY --from=SECOND / /second/
END
    agree
}

@test "mistakes: a file over a directory" {
    buildah_differs 'it takes the directory away'
    mkdir -p context/a/x context/b
    touch context/a/y context/b/x
    dockerfile <<'END'
FROM scratch
COPY a b /
END
    none_builds 3 'cannot be replaced'
}

@test "mistakes: what is not in the context" {
    buildah_differs 'it copies links that lead nowhere'
    mkdir context/dir
    ln -s /etc/passwd context/dir/out
    dockerfile <<'END'
FROM scratch
COPY dir/* /x/
END
    none_builds 4 'is not in the build context'
}

@test "mistakes: numbers in JSON" {
    dockerfile <<'END'
FROM scratch
CMD ["a", 1]
END
    buildah_differs 'a shell gets it'
    none_builds 3 'strings'
}
