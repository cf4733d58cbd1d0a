#!/usr/bin/env bats
# Which commands a second build runs again, by lade, by buildah and by BuildKit: the cases of the tests of BuildKit, buildah and kaniko about
# caches, made anew on one small base. `of` says where a case is from. What a build must run is what that test expects; `departs` says where
# lade does otherwise on purpose, `buildah_instead` and `buildkit_instead` what those of Debian do. kaniko is not run: its golden plans and
# tests say what it does.
#
# Not made anew:
# BuildKit: the solver's own interface (how often a key is asked for, cancelling, merged edges, maps of several rounds, storage), as no
#   Dockerfile can tell; merge and diff operations, which the language has not; pruning of content (du.bats has lade's); stargz snapshots of
#   containerd; S3 and GitHub (cache_stores.bats); concurrency of cache mounts (compare_mount.bats, stepcache.bats); Windows; and what lade does
#   not have: Azure, git in ADD, named contexts, several platforms at once (testCacheMultiPlatformImportExport).
# buildah: the lines that it prints, how many images it keeps, containers that it leaves; encrypted images; containers.conf; and what lade does
#   not have: ADD of a URL, --cache-ttl, --squash, --save-stages, --stage-labels, --unsetlabel, --build-context, --after, --format.
# kaniko: the warmer, the layout of its caches, features that are off; plans of pushes and of stages without a cache (mz195, mz333, mz338, mz480,
#   mz487, mz936, mz989; push.bats and stages.bats have lade's).
# shellcheck disable=SC2016

load lib
load compare/lib
load compare/run
load compare/cache

setup_file() {
    machines_start
}

teardown_file() {
    summary_cache
    machines_stop
}

setup() {
    case_begin
}

teardown() {
    case_end
}

# Unchanged, or nearly.

@test "unchanged: the image is the same" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testReproducibleIDs'
    echo foo-contents >context/foo
    dockerfile <<'END'
FROM @BASE@
ENV foo=bar
COPY foo /
RUN echo =a=; echo bar >bar
END
    built a A
    built '' A
}

@test "unchanged: what commands left, and what was copied onto the base" {
    of kaniko 'integration/dockerfiles: Dockerfile_test_cache, Dockerfile_test_cache_install, Dockerfile_test_cache_copy'
    echo foo >context/foo
    dockerfile <<'END'
FROM @BASE@
WORKDIR /dir
RUN echo =a=; date +%s%N >/date; head -c 20 /dev/urandom >random
COPY foo /bin/
RUN echo =b=; echo hey >foo
END
    built 'a b' - --to registry
    elsewhere
    built '' - --from registry
}

@test "unchanged: modes of all kinds, and what a step removed" {
    of kaniko 'integration/dockerfiles: Dockerfile_test_cache_perm, Dockerfile_test_deleted_file_cached'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; mkdir foo && chmod +t foo && touch bar && chmod u+s,g+s bar && mkdir dir && echo first >/dir/first
RUN echo =b=; rm /dir/first
END
    built 'a b' - --to registry
    elsewhere
    echo 'RUN echo =$(stat -c %a /foo)-$(stat -c %a /bar)-$(ls -A /dir | wc -l)=' | dockerfile more
    cat more >>context/Dockerfile
    built 1755-6644-0 - --from registry
}

@test "unchanged: with more names" {
    of buildah 'tests/bud.bats: bud-additional-tags-cached'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; head -c 20 /dev/urandom >/random
END
    built a A
    built '' A -t "two$BATS_TEST_NUMBER" -t "three$BATS_TEST_NUMBER" -t "four$BATS_TEST_NUMBER"
}

@test "commands: steps before the one that changed stay" {
    of buildah 'tests/bud.bats: bud with --layers and --no-cache flags'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; mkdir /hello
VOLUME /var/lib/testdata
RUN echo =b=; touch file.txt
EXPOSE 8080
ENV foo=bar
END
    built 'a b' A
    built '' A
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; mkdir /hello
RUN echo =c=; touch blah.txt
ENV foo=bar
END
    built c B
    built 'a c' - --no-cache
}

@test "commands: --no-cache leaves what the next build takes" {
    of buildah 'tests/bud.bats: build with --no-cache and --layer; build verify cache must reuse most recent layer in conflict'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; head -c 20 /dev/urandom >/random
RUN echo =b=
END
    built 'a b' A
    built 'a b' B --no-cache
    buildah_instead '' A 'that version takes the oldest'
    built '' B
}

@test "commands: --no-cache runs all stages again" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testNoCache'
    dockerfile <<'END'
FROM @BASE@ AS s0
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM @BASE@ AS s1
RUN echo =b=; head -c 20 /dev/urandom >unique2
FROM scratch
COPY --from=s0 unique /
COPY --from=s1 unique2 /
END
    built 'a b' A
    built 'a b' B --no-cache
    buildah_instead '' A 'that version takes the oldest'
    built '' B
}

@test "commands: --no-cache-filter runs one stage again" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testNoCache; solver/scheduler_test.go: TestRepeatBuildWithIgnoreCache'
    buildah_cannot 'it has no such option'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@ AS s0
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM @BASE@ AS s1
RUN echo =b=; head -c 20 /dev/urandom >unique2
FROM scratch
COPY --from=s0 unique /
COPY --from=s1 unique2 /
END
    built 'a b' A
    built b B --no-cache-filter s1
    built '' B
}

@test "commands: here-documents that changed" {
    of buildah 'tests/bud.bats: bud --layers should not hit cache if heredoc is changed; the same with ARG'
    buildah_cannot 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@
ARG key=value
RUN <<EOF
echo "Cache burst $key" >>/hello
echo =a=
EOF
RUN echo =b=; cat /hello
END
    built 'a b' A
    built '' A
    built 'a b' B --build-arg key=other
    sed -i s/burst/diff/ context/Dockerfile
    built 'a b' C
}

@test "commands: one that makes what the old one made" {
    of kaniko 'golden/testdata/test_issue_mz703: probe_after_miss'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo a >/a
RUN echo =b=; echo b >/b
RUN echo =c=; echo c >/c
END
    built 'a b c' -
    sed -i 's/; echo b/; printf "b\\n"/' context/Dockerfile
    buildah_instead 'b c' - 'it knows a step by its image, which has another time'
    buildkit_instead 'b c' - 'it knows what is below a command by the steps, and not by what they made'
    built b -
}

# Arguments and variables.

@test "arguments: values, and none" {
    of buildah 'tests/bud.bats: bud with --layers and --build-args'
    dockerfile <<'END'
FROM @BASE@
ARG user
RUN echo =a=; echo $user | base64
RUN echo =b=; touch /tmp/hello
END
    built 'a b' - --build-arg user=0
    built '' - --build-arg user=0
    built 'a b' - --build-arg user=1
    built 'a b' -
}

@test "arguments: hidden by ENV, and taken by it" {
    of buildah 'tests/bud.bats: bud with --layers and --build-args: override ARG with ENV and image must be cached; use raw ARG and cache should not be used'
    dockerfile <<'END'
FROM @BASE@
ARG FOO
ENV FOO=bat
RUN echo =$FOO=
END
    built bat - --build-arg FOO=1
    built '' - --build-arg FOO=12
    sed -i 's/FOO=bat/FOO=$FOO/' context/Dockerfile
    built 1 A --build-arg FOO=1
    built 12 B --build-arg FOO=12
}

@test "arguments: in another order" {
    of buildah 'tests/bud.bats: bud-build-arg-cache'
    dockerfile <<'END'
FROM @BASE@
MAINTAINER jdoe <jdoe@example.com>
ENV container="docker"
RUN echo =a=
ARG USERNAME
ARG UID
ARG CODE
ARG PORT=55555
RUN echo =b=
CMD ["/container-run"]
END
    built 'a b' -
    built b B --build-arg UID=17122 --build-arg CODE=/copr --build-arg USERNAME=praiskup
    built '' B --build-arg CODE=/copr --build-arg USERNAME=praiskup --build-arg UID=17122
    built '' B --build-arg USERNAME=praiskup --build-arg UID=17122 --build-arg CODE=/copr
}

@test "arguments: without a command" {
    of buildah 'tests/bud.bats: bud-build-arg-cache'
    dockerfile <<'END'
FROM @BASE@
LABEL case=@N@
ARG TEST
ENV NAME=$TEST
END
    built '' A
    built '' A
    built '' B --build-arg TEST=foo
    export TEST=bar
    buildah_instead '' B 'it takes one with another value'
    built '' C --build-arg TEST
}

@test "arguments: in a COPY from another stage" {
    of kaniko 'golden/testdata/test_issue_mz791: resolved_one, resolved_two'
    dockerfile <<'END'
FROM @BASE@ AS first
RUN echo =a=; touch /foo
FROM @BASE@ AS second
ARG A
COPY --from=first /foo /$A/foo
END
    built a A --build-arg A=one
    buildah_instead '' A 'it takes one with another value'
    built '' B --build-arg A=two
    built '' A --build-arg A=one
}

@test "arguments: in WORKDIR" {
    of kaniko 'golden/testdata/test_issue_mz813: resolved_one, resolved_two'
    dockerfile <<'END'
FROM @BASE@
ARG A
WORKDIR /$A/foo
RUN echo =a=; pwd >/out
END
    built a A --build-arg A=one
    built a B --build-arg A=two
    built '' A --build-arg A=one
}

@test "arguments: in a here-document that is copied" {
    of kaniko 'golden/testdata/test_issue_mz822: resolved_one, resolved_two'
    buildah_cannot 'it does not know them'
    buildkit_lacks 'they came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@
ARG A
COPY <<EOF /out.txt
value=${A}
EOF
END
    built '' A --build-arg A=one
    built '' B --build-arg A=two
}

@test "arguments: of the time" {
    of buildah 'tests/bud.bats: bud source-date-epoch and timestamp inform cache checks'
    buildkit_lacks 'it came after 20.10'
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
COPY file /root/file
RUN echo =a=; pwd >/pwd.txt
END
    built a A
    buildah_instead '' A 'that version has not the time in its keys'
    built a B --epoch 86400
    buildah_instead '' A 'as above'
    built '' B --epoch 86400
    built '' A
}

# Files of the context.

@test "files: touched only" {
    of buildah 'tests/bud.bats: bud-copy-dot with --layers picks up changed file'
    mkdir context/subdir
    touch context/file.txt
    dockerfile <<'END'
FROM @BASE@
COPY . world/
RUN echo =a=
END
    built a A
    touch -d 2001-02-03 context/file.txt context/subdir
    built '' A
    echo x >context/file.txt
    built a B
}

@test "files: another mode" {
    of BuildKit 'cache/contenthash/checksum_test.go: TestChecksumBasicFile'
    echo x >context/file
    dockerfile <<'END'
FROM @BASE@
COPY file /file
RUN echo =a=
END
    built a A
    chmod 755 context/file
    built a B
    chmod 644 context/file
    built '' A
}

@test "files: wildcards, and what they do not match" {
    of BuildKit 'frontend/dockerfile/dockerfile_copy_test.go: testCopyWildcardCache'
    echo foo1-data >context/foo1
    echo foo2-data >context/foo2
    echo bar-data >context/bar
    dockerfile <<'END'
FROM @BASE@ AS base
COPY foo* files/
RUN echo =a=; head -c 20 /dev/urandom >unique
COPY bar files/
FROM scratch
COPY --from=base unique /
END
    built a A
    echo bar-data-mod >context/bar
    built '' A
    echo foo2-data-mod >context/foo2
    built a B
}

@test "files: renamed, and matched by the same wildcard" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testWildcardRenameCache'
    echo foo >context/file1
    dockerfile <<'END'
FROM @BASE@
COPY file* /files/
RUN echo =a=; ls /files/file1
END
    built a -
    mv context/file1 context/file2
    built '! a' -
}

@test "files: other names in a directory" {
    of kaniko 'pkg/executor/composite_cache_test.go: Test_CompositeCache_AddPath_DiffFileNames_Cache_Differently_Works'
    mkdir context/d
    echo x >context/d/one
    dockerfile <<'END'
FROM @BASE@
COPY d /d
RUN echo =a=
END
    built a A
    mv context/d/one context/d/two
    built a B
}

@test "files: a directory that became a file" {
    of BuildKit 'frontend/dockerfile/dockerfile_core_test.go: testContextChangeDirToFile'
    mkdir context/foo
    touch context/foo/bar
    dockerfile <<'END'
FROM @BASE@
COPY foo /foo
RUN echo =$(ls /foo)=
END
    built bar -
    rm -r context/foo
    echo foo2 >context/foo
    built /foo -
}

@test "files: behind a link" {
    of buildah 'tests/bud.bats: bud with --layers and symlink file'
    echo 'echo "Hello World!"' >context/hello.sh
    ln -s hello.sh context/hello_world.sh
    dockerfile <<'END'
FROM @BASE@
COPY hello_world.sh /tmp/
CMD sh /tmp/hello_world.sh
RUN echo =a=
END
    built a A
    built '' A
    echo 'echo "Hello Cache!"' >context/hello.sh
    built a B
}

@test "files: links that lead nowhere" {
    of buildah 'tests/bud.bats: bud with --layers and dangling symlink'
    mkdir context/blah
    ln -s /no/such/policy.json context/blah/policy.json
    dockerfile <<'END'
FROM @BASE@
COPY blah /tmp/
RUN echo =a=; test -L /tmp/policy.json
END
    built a A
    built '' A
    ln -sf /no/such/other.json context/blah/policy.json
    built a B
}

@test "files: left out but for one" {
    of kaniko 'integration/integration_test.go: TestCacheInvalidatesOnAllowlistedFileChange'
    printf '%s\n' '*' '!test.txt' >context/.dockerignore
    echo original >context/test.txt
    echo x >context/ignored
    dockerfile <<'END'
FROM @BASE@ AS source
COPY . /app
RUN echo =a=
FROM @BASE@
COPY --from=source /app/test.txt /app/
RUN echo =b=
END
    built 'a b' A
    echo y >context/ignored
    built '' A
    echo changed >context/test.txt
    built 'a b' B
}

@test "owners: of COPY from another stage" {
    of buildah 'tests/bud.bats: bud cache add-copy-chown'
    echo x >context/testfile
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=
COPY testfile renamedfile
FROM scratch
COPY --chown=1:1 --from=0 renamedfile /
END
    built a A
    sed -i s/1:1/2:2/ context/Dockerfile
    built '' B
    sed -i s/2:2/1:1/ context/Dockerfile
    built '' A
}

@test "owners: of ADD" {
    of buildah 'tests/bud.bats: bud cache add-copy-chown'
    echo x >context/testfile
    dockerfile <<'END'
FROM @BASE@
ADD --chown=1:1 testfile /added/
RUN echo =a=
END
    built a A
    sed -i s/1:1/2:2/ context/Dockerfile
    built a B
    sed -i s/2:2/1:1/ context/Dockerfile
    built '' A
}

@test "owners: that a command gave" {
    of BuildKit 'client/client_fileop_test.go: testFileOpCopyUIDCache'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo 123 >/foo && chown 1000:1000 /foo
FROM scratch
COPY --from=0 foo foo
END
    built a A
    sed -i 's/ && chown.*//' context/Dockerfile
    buildkit_instead a A 'that version has not owners in its keys'
    built a B
}

@test "files: of another stage, by the same number" {
    of BuildKit 'client/client_fileop_test.go: testFileOpInputSwap'
    echo foo >context/foo
    echo bar >context/bar
    dockerfile <<'END'
FROM @BASE@ AS base
COPY foo /foo
FROM @BASE@ AS src
COPY bar /bar
FROM base
COPY --from=src /bar /baz
RUN echo =a=
END
    built a -
    sed -i 's/--from=src/--from=base/' context/Dockerfile
    built '! ' -
}

# Stages.

@test "stages: a new one behind one that is known" {
    of buildah 'tests/bud.bats: bud-multistage-partial-cache'
    dockerfile <<'END'
FROM @BASE@ AS builder
RUN echo =a=; touch /tmpfile
END
    built a -
    dockerfile <<'END'
FROM @BASE@ AS builder
RUN echo =a=; touch /tmpfile
FROM @BASE@ AS base
COPY --from=builder /tmpfile /
RUN echo =b=; stat /tmpfile
END
    built b A
    built '' A
}

@test "stages: both sources of the last one change" {
    of buildah 'tests/bud.bats: bud with --layers, multistage, and COPY with --from'
    mkdir context/uuid context/date
    echo 1 >context/uuid/data
    echo 2 >context/date/data
    dockerfile <<'END'
FROM @BASE@ AS uuid
COPY uuid /src
RUN echo =a=
FROM @BASE@ AS date
COPY date /src
RUN echo =b=
FROM @BASE@
COPY --from=uuid /src/data /uuid
COPY --from=date /src/data /date
RUN echo =c=
END
    built 'a b c' A
    built '' A
    echo 3 >context/uuid/data
    echo 4 >context/date/data
    built 'a b c' B
}

@test "stages: the whole of a base twice" {
    of buildah 'tests/bud.bats: bud-caching-from-scratch'
    dockerfile <<'END'
FROM @BASE@ AS build
LABEL case=@N@
FROM scratch
LABEL case=@N@
COPY --from=build / /
COPY --from=build / /
END
    built '' A
    built '' A
    dockerfile <<'END'
FROM @BASE@ AS build
LABEL case=@N@
FROM scratch
LABEL case=@N@
COPY --from=build / /
RUN echo =a=; touch cache-invalidating-difference
COPY --from=build / /
END
    built a B
}

@test "stages: one that the next ones begin with" {
    of kaniko 'golden/testdata/test_issue_mz334: inferred, eliminated'
    dockerfile <<'END'
FROM @BASE@ AS first
RUN echo =a=; touch /blubb
FROM first AS second
RUN echo =b=; touch /bla
FROM second AS third
RUN echo =c=; touch /bli
FROM second AS final
COPY --from=first /blubb /blubb
COPY --from=third /bli /bli
RUN echo =d=; ls -lah /blubb
END
    built 'a b c d' A --to registry
    elsewhere
    built '' - --from registry
}

@test "stages: with a common step that runs once" {
    of buildah 'tests/bud.bats: build test pushing and pulling from remote cache sources'
    echo something >context/somefile
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo hello
RUN echo =b=; echo world
RUN echo =c=; touch hello
ADD somefile somefile
FROM @BASE@
RUN echo =a=; echo hello
COPY --from=0 hello hello
RUN --mount=type=cache,id=@N@,target=/mnt/a echo =d=; echo world >/mnt/a/hello
END
    built 'a b c d' - --to registry
    elsewhere
    built '' - --from registry --to registry
    built '' - --from registry
    built '' - --from registry --to registry
}

@test "stages: triggers" {
    of buildah 'tests/bud.bats: bud-onbuild-layers'
    dockerfile <<'END'
FROM @BASE@ AS base
ONBUILD RUN echo =a=; touch /onbuild1
ONBUILD RUN echo =b=; touch /onbuild2
RUN echo =c=
FROM base
RUN echo =d=
END
    built 'a b c d' A
    built '' A
    sed -i 's/touch .onbuild2/touch \/onbuild3/' context/Dockerfile
    buildah_instead 'a b c d' B 'what a stage has for others counts in it too'
    built 'b d' B
}

@test "stages: one makes again what it made" {
    of BuildKit 'solver/scheduler_test.go: TestSlowCache, TestCacheWithSelector'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; echo same >/one
FROM @BASE@
COPY --from=one /one /
RUN echo =b=
END
    built 'a b' -
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =c=; printf 'same\n' >/one; echo other >/two
FROM @BASE@
COPY --from=one /one /
RUN echo =b=
END
    built c -
}

@test "stages: COPY --link" {
    of buildah 'tests/bud.bats: bud --link cache behavior basic; bud --link multi-stage build cache'
    buildah_cannot 'that version does not know it'
    buildkit_lacks 'it came with Dockerfile 1.4'
    echo 'stage1 content' >context/stage1.txt
    echo 'stage2 content' >context/stage2.txt
    dockerfile <<'END'
FROM @BASE@ AS stage1
ADD --link stage1.txt /stage1.txt
RUN echo =a=; echo complete >/complete.txt
FROM @BASE@ AS stage2
COPY --from=stage1 /stage1.txt /from-stage1.txt
ADD --link stage2.txt /stage2.txt
RUN echo =b=; cat /stage2.txt /from-stage1.txt
END
    built 'a b' A
    built '' A
    echo modified >context/stage2.txt
    built b B
}

@test "stages: COPY --link on top of what changes" {
    of kaniko 'golden/testdata/test_issue_mz1133: salt_one, salt_two, xstage_salt_one, xstage_salt_two'
    buildah_cannot 'that version does not know it'
    buildkit_lacks 'it came with Dockerfile 1.4'
    dockerfile <<'END'
FROM @BASE@ AS builder
RUN echo =a=; echo built >/out
FROM @BASE@
ARG SALT
RUN echo =b=; echo "$SALT" >/salt
COPY --link --from=builder /out /link
END
    built 'a b' A --build-arg SALT=one --to registry
    elsewhere
    built b B --build-arg SALT=two --from registry
}

# Mounts.

@test "mounts: a link that leads elsewhere" {
    of buildah 'tests/bud.bats: bud --layers with --mount type bind should burst cache if symlink is changed'
    echo First >context/samplefile1
    echo Second >context/samplefile2
    ln -s samplefile1 context/tomount
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=bind,source=tomount,target=/mnt/a/file echo =$(cat /mnt/a/file)=
END
    built First -
    built '' -
    ln -sf samplefile2 context/tomount
    buildah_instead '' - 'that version does not look at what mounts show'
    built Second -
}

@test "mounts: a new file in what they show, and another content" {
    of buildah 'tests/bud.bats: bud --layers with --mount type bind should burst cache if content is changed; the same with multiple mounts'
    mkdir context/d
    echo samplefile >context/d/samplefile
    echo Helloworld >context/testfile
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=bind,source=d,target=/mnt/a --mount=type=bind,source=testfile,target=/mnt/b/testfile echo =a=; ls /mnt/a; cat /mnt/b/testfile
END
    built a -
    echo anotherfile >context/d/anotherfile
    buildah_instead '' - 'that version does not look at what mounts show'
    built a -
    echo Helloworld2 >context/testfile
    buildah_instead '' - 'as above'
    built a -
}

@test "mounts: touched only" {
    of buildah 'tests/bud.bats: bud --layers with --mount type bind should preserve cache when file mod time changes but content stays same'
    echo unchanged >context/samplefile
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=bind,source=samplefile,target=/mnt/a/file echo =a=; cat /mnt/a/file
END
    built a -
    built '' -
    touch -d @1577836800 context/samplefile
    built '' -
}

@test "mounts: of a stage, this way and that" {
    of buildah 'tests/bud.bats: bud --layers with --mount type bind should burst cache if content is changed - source is previous stage; build-test do not use mount stage from cache if it was rebuilt'
    for content in 1 2; do
        dockerfile "$content" <<END
FROM @BASE@ AS base
FROM base AS builder
RUN echo =a=; mkdir /build && echo "$content" >/build/foo.txt
FROM base AS prod
RUN --mount=type=bind,source=/build,from=builder,target=/mnt/a echo =b=; cp /mnt/a/foo.txt bar.txt
END
    done
    cp 1 context/Dockerfile
    built 'a b' A
    cp 2 context/Dockerfile
    buildah_instead a A 'that version does not look at what mounts show'
    built 'a b' B
    cp 1 context/Dockerfile
    built '' A
    cp 2 context/Dockerfile
    buildah_instead '' A 'that version does not look at what mounts show'
    built '' B
}

@test "mounts: of an image" {
    of buildah 'tests/bud.bats: build-test use image from cache with --mount and burst when image is changed'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=bind,source=.,target=/mnt/a,from=@BASE@ echo =$(ls /mnt/a/opt/set)=
END
    built /mnt/a/opt/set -
    built '' -
}

@test "mounts: another image behind the same command" {
    of BuildKit 'client/client_mount_test.go: testRunCacheWithMounts'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; touch /apk
FROM @BASE@ AS two
RUN echo =b=; touch /other
FROM @BASE@
COPY --from=two /other /
RUN --mount=from=one,target=/mnt/a,ro echo =$(ls /mnt/a/apk)=
END
    built 'a b /mnt/a/apk' -
    sed -i 's/from=one/from=two/' context/Dockerfile
    built '' -
}

@test "mounts: of a stage that makes the same again" {
    of BuildKit 'frontend/dockerfile/dockerfile_mount_test.go: testMountRWCache'
    echo 0 >context/cachebust
    dockerfile <<'END'
FROM @BASE@ AS build
COPY cachebust /
RUN echo =a=; mkdir out && echo foo >out/foo
FROM @BASE@ AS second
RUN --mount=from=build,src=out,target=/mnt/a,rw echo =b=; touch /mnt/a/bar && head -c 20 /dev/urandom >/unique
FROM scratch
COPY --from=second /unique /unique
END
    built 'a b' A
    echo 1 >context/cachebust
    built a A
}

@test "mounts: other places, and other kinds" {
    of BuildKit 'solver/llbsolver/ops/exec_test.go: TestExecOpCacheMap'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=
RUN --mount=type=tmpfs,target=/mnt/a echo =b=
END
    built 'a b' -
    built '' -
    sed -i s,/mnt/a,/mnt/b, context/Dockerfile
    built b -
    sed -i s/type=tmpfs/type=cache,id=case/ context/Dockerfile
    built b -
}

@test "mounts: another cache in the same place" {
    of BuildKit 'solver/llbsolver/ops/exec_test.go: TestExecOpCacheMap'
    dockerfile <<'END'
FROM @BASE@
RUN --mount=type=cache,id=@N@one,target=/mnt/a echo =a=
END
    built a -
    sed -i "s/${BATS_TEST_NUMBER}one/${BATS_TEST_NUMBER}two/" context/Dockerfile
    buildah_instead a - 'it looks at the words of the mount'
    buildkit_instead a - 'the name is in its keys then'
    built '' -
}

@test "mounts: caches begin anew with --no-cache" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testCacheMountModeNoCache; client/client_mount_test.go: testCacheMountNoCache'
    dockerfile <<'END'
FROM @BASE@
ARG FOO=abc
RUN --mount=type=cache,id=@N@,target=/mnt/a,mode=0773 touch /mnt/a/$FOO; echo =n$(ls /mnt/a | wc -l)=
END
    built n1 -
    departs n2 - 'what commands keep stays; lade prune --filter type=exec.cachemount removes it'
    buildah_instead n2 - 'it leaves them alone'
    buildkit_instead n2 - 'that version leaves them alone'
    built n1 - --no-cache --build-arg FOO=def
    buildah_instead n3 - 'as above'
    buildkit_instead n3 - 'as above'
    departs n3 - 'as above'
    built n2 - --build-arg FOO=ghi
}

@test "limits: are not what a command depends on" {
    of BuildKit 'client/llb/exec_test.go: TestLinuxResourcesNotInCacheKey'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=
END
    built a -
    built '' - --memory 512m
}

@test "platforms: another one" {
    of buildah 'tests/bud.bats: bud multi-platform --layers should not reuse different platform if default platform is being used'
    echo x >context/file
    printf 'FROM scratch\nLABEL case=%s\nCOPY file /\n' "$BATS_TEST_NUMBER" >context/Dockerfile
    built '' A --platform linux/ppc64le
    buildah_instead '' A 'it takes the one for another platform'
    built '' B
}

# Caches that others wrote.

@test "registry: the image is the same" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testImportExportReproducibleIDs; client/client_cache_test.go: testBasicRegistryCacheImportExport'
    echo foo-contents >context/foo
    dockerfile <<'END'
FROM @BASE@
ENV foo=bar
COPY foo /
RUN echo =a=; echo bar >bar
END
    built a A --to registry
    elsewhere
    built '' A --from registry --to registry
}

@test "registry: what stages made that are not in the image" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testCacheImportExport'
    echo foobar >context/foo
    dockerfile <<'END'
FROM @BASE@ AS base
COPY foo const
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM scratch
COPY --from=base const /
COPY --from=base unique /
END
    built a A --to registry
    elsewhere
    built '' A --from registry --to registry
}

@test "registry: as a manifest of an image" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testImageManifestCacheImportExport'
    buildah_cannot 'it has no such option'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@ AS base
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM scratch
COPY --from=base unique /
END
    built a A --to registry,image-manifest=true,oci-mediatypes=true
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY_BASES/lade$BATS_TEST_NUMBER:cache" |
        jq -e '.mediaType == "application/vnd.oci.image.manifest.v1+json"'
    elsewhere
    built '' A --from registry
}

@test "registry: two caches, of which one is not there" {
    of BuildKit 'client/client_cache_test.go: testMultipleRegistryCacheImportExport'
    buildah_cannot 'it has one'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; head -c 20 /dev/urandom >unique
END
    built a A --to registry
    elsewhere
    built '' - --from registry --from registry:notexist
}

@test "registry: several caches, each with a part" {
    of BuildKit 'solver/scheduler_test.go: TestMultipleCacheSources'
    buildah_cannot 'it has one'
    buildkit_lacks 'here it has two machines'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM @BASE@ AS two
RUN echo =b=; head -c 20 /dev/urandom >unique
FROM @BASE@
COPY --from=one unique one
COPY --from=two unique two
END
    built a - --target one --to registry:one
    elsewhere two
    built b - --target two --to registry:two
    elsewhere three
    built '' - --from registry:one --from registry:two
}

@test "registry: a cache is written to several" {
    of buildah 'tests/bud.bats: build test pushing and pulling from multiple remote cache sources'
    buildah_cannot 'it has one'
    buildkit_lacks 'it has one'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; touch hello
FROM @BASE@
RUN echo =b=
COPY --from=0 hello hello
END
    built 'a b' A --to registry:one --to registry:two
    elsewhere two
    built '' A --from registry:one
    elsewhere three
    built '' A --from registry:two
}

@test "registry: with an argument" {
    of buildah 'tests/bud.bats: build test pushing and pulling from remote cache sources - after adding content summary'
    dockerfile <<'END'
FROM @BASE@
ARG VAR=hello
RUN echo =$VAR=
END
    built hello - --to registry
    elsewhere
    buildah_instead hello A 'it does not find in registries what has an argument'
    built '' A --from registry --to registry
    built '' - --from registry
    built other B --from registry --build-arg VAR=other
}

@test "registry: a stage that a mount shows" {
    of buildah 'tests/bud.bats: build test run mounting stage cached from remote cache source'
    echo x >context/testfile
    dockerfile <<'END'
FROM scratch AS stage1
COPY / /
FROM @BASE@
RUN --mount=type=bind,from=stage1,target=/mnt/a echo =a=; echo hi >test
END
    built a - --to registry
    elsewhere
    built '' - --from registry --to registry
}

@test "registry: a cache that is none" {
    of buildah 'tests/bud.bats: bud with --cache-from noop flag'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=
END
    built a - --from registry:invalid
}

@test "registry: one that cannot be written to" {
    of BuildKit 'client/client_cache_test.go: testCacheExportIgnoreError'
    buildah_cannot 'it has no such option'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=
END
    built a - --tries 1 --cache-to type=registry,ref=127.0.0.1:1/myrepo:cache,ignore-error=true
    built '! ' - --tries 1 --cache-to type=registry,ref=127.0.0.1:1/myrepo:cache,ignore-error=false
}

@test "registry: nothing to write" {
    of BuildKit 'client/client_cache_test.go: testRegistryEmptyCacheExport'
    buildah_cannot 'it wants a step'
    printf 'FROM scratch\nLABEL case=%s\n' "$BATS_TEST_NUMBER" >context/Dockerfile
    buildkit_lacks 'it does not export what has no layers'
    built '' A --to registry
    elsewhere
    built '' A --from registry
}

@test "registry: two commands that made the same layer" {
    of BuildKit 'client/client_cache_test.go: testMultipleRecordsWithSameLayersCacheImportExport'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; echo $((1 + 2)) >/result && touch -d '1970-01-01 00:00:00' /result
FROM @BASE@ AS two
RUN echo =b=; echo $((2 + 1)) >/result && touch -d '1970-01-01 00:00:00' /result
FROM one
COPY --from=two /result /two
END
    built 'a b' - --to registry
    elsewhere
    built '' - --from registry --target one
}

@test "registry: mode=max has what the image has not" {
    of BuildKit 'solver/scheduler_test.go: TestCacheExporting'
    buildah_cannot 'it has no such option'
    buildkit_lacks 'it has mode=min'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM @BASE@
COPY --from=one unique one
RUN echo =b=
END
    built 'a b' - --to registry,mode=max
    elsewhere
    sed -i 's/unique one/unique other/' context/Dockerfile
    built b - --from registry
}

@test "registry: mode=min has not" {
    of BuildKit 'solver/scheduler_test.go: TestCacheExportingModeMin'
    dockerfile <<'END'
FROM @BASE@ AS one
RUN echo =a=; head -c 20 /dev/urandom >unique
FROM @BASE@
COPY --from=one unique one
RUN echo =b=
END
    built 'a b' - --to registry
    elsewhere
    sed -i 's/unique one/unique other/' context/Dockerfile
    buildah_instead b - 'all steps of all stages are in its caches'
    built 'a b' - --from registry
}

@test "registry: asked for in another compression" {
    of BuildKit 'client/client_cache_test.go: testUncompressed…, testZstdRegistryCacheImportExport, and …LocalCacheImportExport'
    buildah_cannot 'it has no such option'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; head -c 20 /dev/urandom >unique
END
    built a A --to registry:zstd,compression=zstd,force-compression=true --to local:none,compression=uncompressed,force-compression=true
    elsewhere two
    built '' A --from registry:zstd
    elsewhere three
    built '' A --from local:none
}

@test "inline: the image is the same, compressed or not" {
    of BuildKit 'client/client_cache_test.go: testBasicInlineCacheImportExport'
    buildah_cannot 'it has no such caches'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo foobar >const
RUN echo =b=; head -c 20 /dev/urandom >unique
END
    built 'a b' A --to inline
    elsewhere
    built '' A --from inline --to inline
    built '' B --from inline
}

@test "inline: in another compression" {
    of BuildKit 'client/client_cache_test.go: testBasicInlineCacheImportExport'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo foobar >const
RUN echo =b=; head -c 20 /dev/urandom >unique
END
    built 'a b' A --to inline
    elsewhere two
    departs 'a b' B 'a layer is taken in the form that the image is to have only, so that a cache changes no digest'
    built '' B --from inline --to inline --compression uncompressed
    elsewhere three
    departs 'a b' C 'as above'
    built '' C --from inline
}

@test "local: two commands of one stage" {
    of BuildKit 'client/client_cache_test.go: testBasicLocalCacheImportExport'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came with buildx'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo foobar >const
RUN echo =b=; head -c 20 /dev/urandom >unique
END
    built 'a b' A --to local
    elsewhere
    built '' A --from local
}

@test "local: read and written at once" {
    of BuildKit 'frontend/dockerfile/dockerfile_cache_test.go: testExportCacheLoop'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came with buildx'
    echo hello >context/hello.txt
    dockerfile <<'END'
FROM @BASE@ AS base
RUN echo =a=; echo aa >/foo
WORKDIR /bar
FROM base AS base1
COPY hello.txt .
FROM base AS base2
COPY --from=base1 /bar/hello.txt .
RUN echo =b=
FROM scratch
COPY --from=base2 /foo /f
END
    built 'a b' A --to local
    elsewhere
    built '' A --from local --to local
}

@test "local: a layer that is gone, and is not needed" {
    of BuildKit 'client/client_cache_test.go: testCacheExportCacheDeletedContent'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came with buildx'
    dockerfile <<'END'
FROM @BASE@ AS base
RUN echo =a=; echo abc-def >/foo && echo abc >/detection-file
FROM scratch
COPY --from=base /foo /out
END
    built a A --to local,mode=max
    lose detection-file
    elsewhere
    built '' A --from local --to local:second,mode=max
    elsewhere three
    built '' A --from local:second
}

@test "local: a layer that is gone, and is needed" {
    of BuildKit 'solver/scheduler_test.go: TestCacheLoadError, TestCacheErrNotFound'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came with buildx'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo abc >/detection-file
RUN echo =b=; echo def >/other-file
END
    built 'a b' A --to local
    lose detection-file
    elsewhere
    built a A --from local
}

# lose NAME: take the layer that has a file of this name out of the local cache.
lose() {
    local blob lost=0
    for blob in shared/cache/blobs/sha256/*; do
        if gzip -dc "$blob" 2>/dev/null | tar -t 2>/dev/null | grep -qx "$1"; then
            rm "$blob"
            lost=$((lost + 1))
        fi
    done
    same 'layers lost' "$lost" 1
}

@test "local: what the cache before it left" {
    of BuildKit 'client/client_cache_test.go: testLocalCacheExportReset'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo build1 >/out
END
    built a A --to local
    dockerfile <<'END'
FROM @BASE@
RUN echo =b=; echo build2-different >/out2
END
    built b B --to local,reset=true
    same 'blobs' "$(find shared/cache/blobs/sha256 -type f | wc -l)" "$(blobs_of shared/cache)"
    elsewhere
    built '' B --from local
}

# blobs_of LAYOUT: how many blobs its one manifest leads to, and itself.
blobs_of() {
    local manifest
    manifest=$(jq -r '.manifests[].digest' "$1/index.json" | cut -d : -f 2)
    jq '[.config.digest, .layers[].digest] | unique | length + 1' "$1/blobs/sha256/$manifest"
}

@test "local: caches of all kinds at once" {
    of BuildKit 'client/client_cache_test.go: testMultipleCacheExports'
    buildah_cannot 'it has no such caches'
    buildkit_lacks 'it came after 20.10'
    dockerfile <<'END'
FROM @BASE@
RUN echo =a=; echo foobar >const
RUN echo =b=; head -c 20 /dev/urandom >unique
END
    built 'a b' A --to local:one --to local:two --to registry --to inline:image
    built '' A --to inline:image
    elsewhere two
    built '' B --from registry
    elsewhere three
    built '' B --from local:two
}
