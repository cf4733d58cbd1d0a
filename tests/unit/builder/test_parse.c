/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/dockerfile.h"
#include "base/mem.h"
#include "builder/parse.h"
#include "parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>
#include <time.h>

/*
 * An instruction as one line: its name in lower case, "--flag=value" for each flag, "json" for the JSON form,
 * and its arguments in angle brackets; ENV and LABEL as key=<value> or, in the old form, key <value>;
 * here-documents as {name:content}, with "-" before the name for <<- and "!" when the content is not
 * expanded.
 */
static void show_words(struct buf *out, const struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_printf(out, " <%s>", list->item[i].text);
}

static void show_pairs(struct buf *out, const struct instr *instr)
{
    for (size_t i = 0; i < instr->pair.count; i++) {
        const struct pair *pair = &instr->pair.item[i];
        buf_printf(out, " %s", pair->key.text);
        if (pair->value.text)
            buf_printf(out, "%s<%s>", pair->legacy ? " " : "=", pair->value.text);
    }
}

static void show_health(struct buf *out, const struct instr_health *h)
{
    for (size_t i = 0; i < h->test.count; i++)
        buf_printf(out, " <%s>", h->test.item[i]);
    buf_printf(out, " %" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64, h->interval_ns / 1000000,
               h->timeout_ns / 1000000, h->start_period_ns / 1000000, h->start_interval_ns / 1000000,
               h->retries);
}

static void show_heredocs(struct buf *out, const struct instr *instr)
{
    for (size_t i = 0; i < instr->heredoc.count; i++) {
        const struct heredoc *doc = &instr->heredoc.item[i];
        buf_printf(out, " {%s%s%s:%s}", doc->chomp ? "-" : "", doc->expand ? "" : "!", doc->name,
                   doc->content);
    }
}

static void show_instr(struct buf *out, const struct instr *instr)
{
    for (const char *c = instr_name(instr->kind); *c; c++)
        buf_byte(out, str_lower(*c));
    for (size_t i = 0; i < instr->flag.count; i++) {
        const struct flag *flag = &instr->flag.item[i];
        buf_printf(out, " --%s%s%s", flag->name.text, flag->value.text ? "=" : "",
                   flag->value.text ? flag->value.text : "");
    }
    if (instr->json)
        buf_str(out, " json");
    if (instr->kind == INSTR_HEALTHCHECK)
        show_health(out, &instr->health);
    else
        show_words(out, &instr->arg);
    show_pairs(out, instr);
    if (instr->onbuild.text)
        buf_printf(out, " <%s>", instr->onbuild.text);
    if (instr->onbuild.trigger) {
        buf_str(out, " (");
        show_instr(out, instr->onbuild.trigger);
        buf_str(out, ")");
    } else {
        show_heredocs(out, instr);
    }
}

static char *show(const struct dockerfile *file, size_t first)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_str(&out, "");
    for (size_t i = first; i < file->count; i++) {
        show_instr(&out, &file->item[i]);
        buf_byte(&out, '\n');
    }
    return buf_take(&out);
}

/* The text and what it means; printing it and reading it again must mean the same. */
static void check(const char *text, const char *want, size_t first)
{
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, text);
    AUTO(err_free) struct err *e = diag_error(&p.diag);
    if (e)
        fail_msg("%s\n%s", text, err_message(e));
    AUTO(mem_free) char *got = show(&p.file, first);
    if (!str_eq(got, want))
        fail_msg("%s\ngot %s\nexpected %s", text, got, want);
    AUTO_VALUE(buf_wipe) struct buf printed = BUF(BUF_NO_LIMIT);
    dockerfile_print(&p.file, &printed);
    AUTO_VALUE(parsed_wipe) struct parsed again = {0};
    parse(&again, buf_text(&printed));
    AUTO(mem_free) char *second = show(&again.file, first);
    assert_string_equal(second, got);
    AUTO_VALUE(buf_wipe) struct buf reprinted = BUF(BUF_NO_LIMIT);
    dockerfile_print(&again.file, &reprinted);
    assert_string_equal(buf_text(&reprinted), buf_text(&printed));
}

/* Behind "FROM a" unless the row begins with "#" or has a FROM or ARG of its own. */
static void check_in_stage(const char *text, const char *want)
{
    AUTO(mem_free) char *whole = mem_printf("FROM a\n%s", text);
    check(whole, want, 1);
}

struct row {
    const char *text, *want;
};

/* Whole files in the manner of BuildKit's parser/testfiles. */
static const struct row files[] = {
    /* JSON lists and blanks in COPY and ADD; a label in the old form, with tabs */
    {"FROM\tdebian:12\nLABEL\tmaintainer\tA B <a@example.org>\nCOPY\t.\t/go/src\nADD\t\t.\t/\nADD\t\tnull /\n"
     "COPY\tnullary /tmp\nADD\t\t[ \"rc\", \"/tmp\" ]\nCOPY\t[ \"two words\", \"/tmp\" ]\n"
     "ADD\t\t[ \"two words\", \"/tmp/two words\" ]\n",
     "from <debian:12>\nlabel maintainer <A B <a@example.org>>\ncopy <.> </go/src>\nadd <.> </>\nadd <null> "
     "</>\n"
     "copy <nullary> </tmp>\nadd json <rc> </tmp>\ncopy json <two words> </tmp>\n"
     "add json <two words> </tmp/two words>\n"},
    /* several ARGs, before FROM and after */
    {"ARG one two=2\nFROM a\nARG three=\"3 4\" five\n",
     "arg one two=<2>\nfrom <a>\narg three=<\"3 4\"> five\n"},
    /* an escape directive, comments, a long RUN with empty lines in it */
    {"#escape=\\\nFROM me/base:14\n\nLABEL maintainer me@example.org\n\n# RUNNING -v /a:/a\n\nENV GOPATH "
     "/go\n"
     "ENTRYPOINT [\"/bin/serve\"]\nRUN apt update \\\n\t&& awk '/^ii/ {print $2}' > /tmp/x \\\n    && rm -rf "
     "/tmp \\\n\n"
     "\t&& go get x \\\n\n\t&& rm /tmp/x.* $(diff a b | awk '{print}')\n",
     "from <me/base:14>\nlabel maintainer <me@example.org>\nenv GOPATH </go>\nentrypoint json </bin/serve>\n"
     "run <apt update \t&& awk '/^ii/ {print $2}' > /tmp/x     && rm -rf /tmp \t&& go get x \t&& rm /tmp/x.* "
     "$(diff a b | awk '{print}')>\n"},
    {"FROM a\nCMD []\nENTRYPOINT [\"/bin/c\", \"agent\", \"-dir=/c\"]\nEXPOSE 8500 8600 84\n",
     "from <a>\ncmd json\nentrypoint json </bin/c> <agent> <-dir=/c>\nexpose <84> <8500> <8600>\n"},
    {"FROM a:3\n\nRUN do it \\", "from <a:3>\nrun <do it>\n"},
    {"FROM a\nRUN echo hi\\\n  world\\\n  goodday  \\\n  moon\\\n  li\\\nght\nRUN echo hi  \\\n  world\n"
     "RUN echo hi \\\nbye\\\nfrog\nRUN echo hi  \\  \nworld\nRUN echo hey \\\n \\\n world \\\n\\\n "
     "go\\\n\\\nod\n"
     "RUN good\\\nbye\\\nfrog\nRUN echo hi \\\n# no\n\n# no, between empty lines\n\nmore of it\n",
     "from <a>\nrun <echo hi  world  goodday    moon  light>\nrun <echo hi    world>\nrun <echo hi byefrog>\n"
     "run <echo hi  world>\nrun <echo hey   world  good>\nrun <goodbyefrog>\nrun <echo hi more of it>\n"},
    /* shell code, URLs and JSON volumes are left alone */
    {"FROM a/b\nENV HOME_DIR /opt/n\nRUN sed -i 's/u/u m/' /etc/l\nRUN ( egrep -i  \"^${G}\" /etc/group || "
     "add $G )\n"
     "ADD http://h.example/f.tar.gz?r=http%3A%2F%2Fw&ts=1 /tmp/\nRUN sed -i.bak 's/.*\\=w\\-d//g' /etc/e\n"
     "RUN export D=\"R $(echo $H/s)\"; sed -i \"s,R.*,$D,\" /etc/s\nRUN echo \"T \\\"${Z}\\\"\" >> /c && "
     "\\\n  more\n"
     "ADD n.init /etc/sv/run\nEXPOSE 80\nVOLUME [\"/o/v\", \"/o/e\"]\nCMD [\"/bin/s\"]\n",
     "from <a/b>\nenv HOME_DIR </opt/n>\nrun <sed -i 's/u/u m/' /etc/l>\n"
     "run <( egrep -i  \"^${G}\" /etc/group || add $G )>\nadd "
     "<http://h.example/f.tar.gz?r=http%3A%2F%2Fw&ts=1> </tmp/>\n"
     "run <sed -i.bak 's/.*\\=w\\-d//g' /etc/e>\nrun <export D=\"R $(echo $H/s)\"; sed -i \"s,R.*,$D,\" "
     "/etc/s>\n"
     "run <echo \"T \\\"${Z}\\\"\" >> /c &&   more>\nadd <n.init> </etc/sv/run>\nexpose <80>\nvolume json "
     "</o/v> </o/e>\n"
     "cmd json </bin/s>\n"},
    {"# How to\n#\n# # a `b` c\n\nFROM\ta\nLABEL\tmaintainer\tA (@b)\nRUN\tapt install -y \\\n\tx=1.1.0* "
     "\\\n\t--no\n"
     "ENV\tPATH\t/go/bin:$PATH\nENV\tX\t\\\n\tl/386 l/arm \\\n\td/amd64\nRUN\tmkdir -p /r \\\n\t&& (c /r && "
     "git x)\n"
     "RUN\t{ \\\n\t\techo '[d]'; \\\n\t\techo 'k=$A'; \\\n\t} > ~/.c\nVOLUME\t/var/l\nWORKDIR\t/go/s\n"
     "# Wrap\nENTRYPOINT\t[\"h/d\"]\nCOPY\t.\t/go/s\n",
     "from <a>\nlabel maintainer <A (@b)>\nrun <apt install -y \tx=1.1.0* \t--no>\nenv PATH </go/bin:$PATH>\n"
     "env X <l/386 l/arm \td/amd64>\nrun <mkdir -p /r \t&& (c /r && git x)>\n"
     "run <{ \t\techo '[d]'; \t\techo 'k=$A'; \t} > ~/.c>\nvolume </var/l>\nworkdir </go/s>\n"
     "entrypoint json <h/d>\ncopy <.> </go/s>\n"},
    /* ENV in all its forms */
    {"FROM a\nENV k value\nENV k=value\nENV k=value l=other\nENV k=\"one two\"\nENV k=one\\ two\n"
     "ENV k=\"it's a'b c'd\"\nENV k='say\"a b\"now'\nENV k=a\\ b l=c\\ d\nENV k=\"a\\\"b\"\nENV k=\"a\\'b\"\n"
     "ENV k='a\\'b'\nENV k='a\\'b''\nENV k='a\\\"b'\nENV k=\"''\"\n"
     "ENV k=v \\\n    l=w \\\n    m=\"x \\\n  y\" \\\n    n=\"a\\n\\\"b\\\"\" \\\n\to=\"a\\\\nb\" \\\n",
     "from <a>\nenv k <value>\nenv k=<value>\nenv k=<value> l=<other>\nenv k=<\"one two\">\nenv k=<one\\ "
     "two>\n"
     "env k=<\"it's a'b c'd\">\nenv k=<'say\"a b\"now'>\nenv k=<a\\ b> l=<c\\ d>\nenv k=<\"a\\\"b\">\n"
     "env k=<\"a\\'b\">\nenv k=<'a\\'b'>\nenv k=<'a\\'b''>\nenv k=<'a\\\"b'>\nenv k=<\"''\">\n"
     "env k=<v> l=<w> m=<\"x   y\"> n=<\"a\\n\\\"b\\\"\"> o=<\"a\\\\nb\">\n"},
    /* the escape directive: after a comment it is none; before FROM without an empty line; below syntax */
    {"# A comment comes first.\n# escape = `\n\nFROM a\nENV K \\\n\\v", "from <a>\nenv K <\\v>\n"},
    {"# escape = `\n# more\nFROM a\nENV K `\n\\v\n", "from <a>\nenv K <\\v>\n"},
    {"# syntax = docker/dockerfile\n# escape = `\n\nFROM `\n    a\n", "from <a>\n"},
    {"#escape = `\n\nFROM a\nLABEL maintainer me\nENV K `\n\\v",
     "from <a>\nlabel maintainer <me>\nenv K <\\v>\n"},
    /* stray escapes */
    {"FROM a\nLABEL maintainer E \\\\H <e@h>\\\"\nRUN apt \\up && \\\n  apt \\\"in z -y\nADD \\c\\\\\" /.z\n"
     "RUN a \\\n\nb \\\n\nc\nCMD [ \"\\/usr\\\\\\\"/bin\", \"-f\" ]\n",
     "from <a>\nlabel maintainer <E \\\\H <e@h>\\\">\nrun <apt \\up &&   apt \\\"in z -y>\nadd <\\c\\\\\"> "
     "</.z>\n"
     "run <a b c>\ncmd json </usr\\\"/bin> <-f>\n"},
    {"FROM a\nCOPY f /t/\nCOPY -- f /t/\nCOPY --from=b --link=true f /t/\nCOPY --link=true -- f /t/\n",
     "from <a>\ncopy <f> </t/>\ncopy <f> </t/>\ncopy --from=b --link=true <f> </t/>\n"
     "copy --link=true <f> </t/>\n"},
    {"FROM a\nADD c.sh m.sh /app/\nCMD /app/m.sh\nHEALTHCHECK --interval=5s --timeout=3s --retries=3 \\\n"
     "  CMD /app/c.sh --quiet\nHEALTHCHECK   CMD   a b\nHEALTHCHECK --timeout=3s CMD [\"f\"]\n"
     "HEALTHCHECK --start-period=0s --start-interval=2s --interval=1m30s --timeout=0s --retries=0 CMD "
     "[\"f\"]\n"
     "HEALTHCHECK NONE\nhealthcheck none\n",
     "from <a>\nadd <c.sh> <m.sh> </app/>\ncmd </app/m.sh>\n"
     "healthcheck --interval=5s --timeout=3s --retries=3 <CMD-SHELL> </app/c.sh --quiet> 5000/3000/0/0/3\n"
     "healthcheck <CMD-SHELL> <a b> 0/0/0/0/0\nhealthcheck --timeout=3s json <CMD> <f> 0/3000/0/0/0\n"
     "healthcheck --start-period=0s --start-interval=2s --interval=1m30s --timeout=0s --retries=0 json <CMD> "
     "<f> "
     "90000/0/0/2000/0\nhealthcheck <NONE> 0/0/0/0/0\nhealthcheck <NONE> 0/0/0/0/0\n"},
    {"FROM a\nRUN get -y\nVOLUME /o/shared\nCMD /bin/i --p /v.pid -c /o/c\nEXPOSE 8083\nEXPOSE 8086\n",
     "from <a>\nrun <get -y>\nvolume </o/shared>\ncmd </bin/i --p /v.pid -c /o/c>\nexpose <8083>\nexpose "
     "<8086>\n"},
    /* what only looks like JSON is shell */
    {"FROM a\nCMD \"[\\\"echo\\\", \\\"quoted\\\"]\"\n",
     "from <a>\ncmd <\"[\\\"echo\\\", \\\"quoted\\\"]\">\n"},
    {"FROM a\nCMD '[\"echo\", \"in a string\"]'\n", "from <a>\ncmd <'[\"echo\", \"in a string\"]'>\n"},
    {"FROM a\nCMD ['echo','single']\n", "from <a>\ncmd <['echo','single']>\n"},
    {"FROM a\nCMD [\"echo\", \"no bracket\"\n", "from <a>\ncmd <[\"echo\", \"no bracket\">\n"},
    {"FROM a\nCMD [\"echo\", \"no quote!]\n", "from <a>\ncmd <[\"echo\", \"no quote!]>\n"},
    {"FROM a\nLABEL maintainer J \"j@x\"\nENV AT 2014-06-01\nEXPOSE 6379\nENTRYPOINT [ \"/bin/r\" ]\n",
     "from <a>\nlabel maintainer <J \"j@x\">\nenv AT <2014-06-01>\nexpose <6379>\nentrypoint json "
     "</bin/r>\n"},
    /* one of each, with comments that end in an escape */
    {"FROM b:2014\n\nLABEL maintainer d <d@d.io>\n\nONBUILD RUN [\"echo\", \"t\"]\nONBUILD RUN echo "
     "t\nONBUILD COPY . /\n\n"
     "# RUN \\\n# break \\\nRUN [\"ls\", \"-la\"]\nRUN [\"echo\", \"'1'\"]\nRUN echo \"1\"\nRUN echo '1' && "
     "\\\n    echo \"4\"\n"
     "RUN    sh -c 'echo r:p \\\n        > /p'\n# ENV \\\nENV S 1 D 3\nENV S \"1 D 3\"\n# CMD \\\nCMD "
     "[\"echo\", \"t\"]\n"
     "CMD echo 't' | wc -\nEXPOSE 9000 5000 6000\nUSER docker\nUSER docker:root\nVOLUME [\"/t\", "
     "\"/u\"]\nVOLUME /v\n"
     "WORKDIR /t\nADD . /\nCOPY . copy\n",
     "from <b:2014>\nlabel maintainer <d <d@d.io>>\nonbuild <RUN [\"echo\", \"t\"]> (run json <echo> <t>)\n"
     "onbuild <RUN echo t> (run <echo t>)\nonbuild <COPY . /> (copy <.> </>)\nrun json <ls> <-la>\nrun json "
     "<echo> <'1'>\n"
     "run <echo \"1\">\nrun <echo '1' &&     echo \"4\">\nrun <sh -c 'echo r:p         > /p'>\nenv S <1 D "
     "3>\n"
     "env S <\"1 D 3\">\ncmd json <echo> <t>\ncmd <echo 't' | wc ->\nexpose <5000> <6000> <9000>\nuser "
     "<docker>\n"
     "user <docker:root>\nvolume json </t> </u>\nvolume </v>\nworkdir </t>\nadd <.> </>\ncopy <.> <copy>\n"},
    {"FROM a\nADD .muttrc /\nADD crontab /etc/crontab\nRUN echo \"export T=s-256\" >/.zshenv\nCMD setsid c; "
     "tmux -2\n",
     "from <a>\nadd <.muttrc> </>\nadd <crontab> </etc/crontab>\nrun <echo \"export T=s-256\" >/.zshenv>\n"
     "cmd <setsid c; tmux -2>\n"},
    {"FROM a\n\nVOLUME /o/v /o/e /usr/s\n", "from <a>\nvolume </o/v> </o/e> </usr/s>\n"},
    {"FROM a\nADD ./m.ini /etc/m.ini\nCMD /sbin/m\n",
     "from <a>\nadd <./m.ini> </etc/m.ini>\ncmd </sbin/m>\n"},
    {"FROM a\nADD etc /etc/n\nRUN /sbin/n -qt\nCMD [\"/sbin/n\"]\nVOLUME /www\n",
     "from <a>\nadd <etc> </etc/n>\nrun </sbin/n -qt>\ncmd json </sbin/n>\nvolume </www>\n"},
    {"FROM a\nRUN curl http://h/c.tar.gz | tar vxz -C /s\nCMD cd /s && ./run -port 27 +ip 0.0.0.0 +m c_2 "
     "-auto\n",
     "from <a>\nrun <curl http://h/c.tar.gz | tar vxz -C /s>\ncmd <cd /s && ./run -port 27 +ip 0.0.0.0 +m "
     "c_2 -auto>\n"},
    /* an escaped escape at the end does not continue */
    {"# see elsewhere\n\nFROM h\n\nENV A p\nENV B x\\\\y\nENV C t\\\\u\\\\\nENV D apart\nENV E "
     "a\\\n\\\nb\nENV F a\\\n \\\nb\n"
     "ENV G a \\\n\\\nb\n",
     "from <h>\nenv A <p>\nenv B <x\\\\y>\nenv C <t\\\\u\\\\>\nenv D <apart>\nenv E <ab>\nenv F <a b>\nenv G "
     "<a b>\n"},
    {"FROM a\nADD .w /.w\nCMD zsh -c w\n", "from <a>\nadd <.w> </.w>\ncmd <zsh -c w>\n"},
    {"FROM a\nADD c /.z\nCMD [ \"/bin/z\", \"-f\", \"-r\" ]\n",
     "from <a>\nadd <c> </.z>\ncmd json </bin/z> <-f> <-r>\n"},
};

static void whole_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        check(files[i].text, files[i].want, 0);
}

static const struct row instructions[] = {
    /* JSON */
    {"CMD []", "cmd json\n"},
    {"CMD [\"\"]", "cmd json <>\n"},
    {"CMD [\"a\"]", "cmd json <a>\n"},
    {"CMD [\"a\",\"b\"]", "cmd json <a> <b>\n"},
    {"CMD [ \"a\", \"b\" ]", "cmd json <a> <b>\n"},
    {"CMD [\t\"a\",\t\"b\"\t]", "cmd json <a> <b>\n"},
    {"CMD\t[\t\"a\",\t\"b\"\t]\t", "cmd json <a> <b>\n"},
    {"CMD [\"ab 1\", \"♥\", \"\\\" \\\\ \\/ \\u00e9 \\ud83d\\ude80 \\ud83d\"]",
     "cmd json <ab 1> <♥> <\" \\ / é 🚀 �>\n"},
    {"CMD [\"a\"] b", "cmd <[\"a\"] b>\n"},
    {"CMD [\"a\",]", "cmd <[\"a\",]>\n"},
    {"CMD [\"a\\x\"]", "cmd <[\"a\\x\"]>\n"},
    {"CMD", "cmd\n"},
    {"ENTRYPOINT", "entrypoint\n"},
    {"RUN", "run\n"},
    {"SHELL [\"/bin/bash\", \"-c\"]", "shell json </bin/bash> <-c>\n"},
    {"VOLUME [\" /a \"]", "volume json </a>\n"},
    {"COPY [\"a b\", \"c\", \"/d\"]", "copy json <a b> <c> </d>\n"},
    {"COPY [ab] /d", "copy <[ab]> </d>\n"},
    /* words */
    {"ARG foo", "arg foo\n"},
    {"ARG foo bar", "arg foo bar\n"},
    {"ARG foo\\ bar", "arg foo\\ bar\n"},
    {"ARG foo=bar", "arg foo=<bar>\n"},
    {"ARG foo bar 'a b'", "arg foo bar 'a b'\n"},
    {"ARG foo bar \"a b\"", "arg foo bar \"a b\"\n"},
    {"ARG àöû", "arg àöû\n"},
    {"ARG föo bàr \"âb xÿ\"", "arg föo bàr \"âb xÿ\"\n"},
    {"ARG a= b=\"\" c=x=y", "arg a=<> b=<\"\"> c=<x=y>\n"},
    {"LABEL a b", "label a <b>\n"},
    {"LABEL a=b c=d", "label a=<b> c=<d>\n"},
    {"LABEL \"a b\"=c", "label \"a b\"=<c>\n"},
    /* flags: quotes and escapes go, "--" ends them */
    {"COPY --chown=1:2 --chmod=0755 a /b", "copy --chown=1:2 --chmod=0755 <a> </b>\n"},
    {"COPY --exclude=*.o --exclude=x a /b", "copy --exclude=*.o --exclude=x <a> </b>\n"},
    {"COPY --from=\"b c\" --chown=a\\ b --parents a /b", "copy --from=b c --chown=a b --parents <a> </b>\n"},
    {"COPY --link --parents=FALSE a /b", "copy --link --parents=FALSE <a> </b>\n"},
    {"COPY --chown= a /b", "copy --chown= <a> </b>\n"},
    {"ADD --keep-git-dir --checksum=sha256:1 --unpack=false a /b",
     "add --keep-git-dir --checksum=sha256:1 --unpack=false <a> </b>\n"},
    {"COPY -- --link /b", "copy <--link> </b>\n"},
    {"COPY -a /b", "copy <-a> </b>\n"},
    {"CMD -- --a", "cmd <--a>\n"},
    {"RUN --mount=type=cache,target=/x --mount=type=tmpfs,target=/y --network=none --security=sandbox a --b",
     "run --mount=type=cache,target=/x --mount=type=tmpfs,target=/y --network=none --security=sandbox <a "
     "--b>\n"},
    {"RUN --device=vendor.com/d=x,required a", "run --device=vendor.com/d=x,required <a>\n"},
    {"ARG --x y", "arg --x y\n"},
    {"FROM --platform=$BUILDPLATFORM a AS B.c-d_9", "from --platform=$BUILDPLATFORM <a> <AS> <B.c-d_9>\n"},
    {"HEALTHCHECK --interval=1.5s --retries=+2 CMD x",
     "healthcheck --interval=1.5s --retries=+2 <CMD-SHELL> <x> 1500/0/0/0/2\n"},
    /* ports, users, signals */
    {"EXPOSE 80/tcp 9000-9003/udp $P 127.0.0.1:80:81",
     "expose <$P> <127.0.0.1:80:81> <80/tcp> <9000-9003/udp>\n"},
    {"STOPSIGNAL SIGTERM", "stopsignal <SIGTERM>\n"},
    {"STOPSIGNAL $S x", "stopsignal <$S x>\n"},
    {"WORKDIR /a b", "workdir </a b>\n"},
    {"MAINTAINER A B <a@b>", "maintainer <A B <a@b>>\n"},
    /* ONBUILD keeps its text as it is */
    {"ONBUILD   run  x \\\n  y", "onbuild <run  x   y> (run <x   y>)\n"},
    {"ONBUILD COPY --from=b a /c", "onbuild <COPY --from=b a /c> (copy --from=b <a> </c>)\n"},
    {"ONBUILD FOO x", "onbuild <FOO x>\n"},
    {"ONBUILD COPY x", "onbuild <COPY x>\n"},
    {"ONBUILD RUN <<E\nx\nE\nUSER a", "onbuild <RUN <<E\nx\nE> (run <<<E> {E:x\n})\nuser <a>\n"},
};

static void single_instructions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(instructions); i++)
        check_in_stage(instructions[i].text, instructions[i].want);
}

/* In the manner of BuildKit's parser_heredoc_test and parse_heredoc_test. */
static const struct row heredocs[] = {
    {"USER <<NO\n# NO", "user <<<NO>\n"},
    {"RUN <<NONE\nNONE", "run <<<NONE> {NONE:}\n"},
    {"RUN 3<<FD\nFD", "run <3<<FD> {FD:}\n"},
    {"RUN \"<<QUOTED\"", "run <\"<<QUOTED\">\n"},
    {"RUN '<<QUOTED'", "run <'<<QUOTED'>\n"},
    {"RUN <<TABS\n\ta\n\tb\nTABS", "run <<<TABS> {TABS:\ta\n\tb\n}\n"},
    {"RUN <<-TABS\n\ta\n\tb\nTABS", "run <<<-TABS> {-TABS:\ta\n\tb\n}\n"},
    {"RUN <<-TABS\n\ta\n\tb\n\tTABS", "run <<<-TABS> {-TABS:\ta\n\tb\n}\n"},
    {"RUN <<-V\n\tsay $N\nV", "run <<<-V> {-V:\tsay $N\n}\n"},
    {"RUN <<-'V'\n\tsay $N\nV", "run <<<-'V'> {-!V:\tsay $N\n}\n"},
    {"RUN <<COPY\necho a\necho b\nCOPY", "run <<<COPY> {COPY:echo a\necho b\n}\n"},
    {"RUN <<C\n# kept\necho b # kept\nC", "run <<<C> {C:# kept\necho b # kept\n}\n"},
    {"RUN --mount=type=cache,target=/f <<M\necho\nM", "run --mount=type=cache,target=/f <<<M> {M:echo\n}\n"},
    {"COPY <<A <<B /d\n1\nA\n2\nB", "copy <<<A> <<<B> </d> {A:1\n} {B:2\n}\n"},
    {"COPY <<E /q\n\"a\"\n'b'\nE", "copy <<<E> </q> {E:\"a\"\n'b'\n}\n"},
    {"COPY <<X <<Y /d\nY\nX\nX\nY", "copy <<<X> <<<Y> </d> {X:Y\n} {Y:X\n}\n"},
    {"RUN <<P python3\nprint('a')\nP", "run <<<P python3> {P:print('a')\n}\n"},
    {"COPY <<a.txt /d\nhi\na.txt", "copy <<<a.txt> </d> {a.txt:hi\n}\n"},
    {"RUN <<en'd'\necho\nend", "run <<<en'd'> {!end:echo\n}\n"},
    {"RUN <<en\\'d\necho\nen'd", "run <<<en\\'d> {en'd:echo\n}\n"},
    {"RUN <<'e'n\\'d\necho\nen'd", "run <<<'e'n\\'d> {!en'd:echo\n}\n"},
    {"RUN <<'the end'\necho\nthe end", "run <<<'the end'> {!the end:echo\n}\n"},
    {"RUN <<$E\n$E", "run <<<$E> {$E:}\n"},
    {"RUN <<  E\nE", "run <<<  E> {E:}\n"},
    {"RUN <<  E  > f\nE", "run <<<  E  > f> {E:}\n"},
    {"RUN [\"<<E\"]", "run json <<<E>\n"},
    {"RUN [\"<<'E'\"]", "run json <<<'E'>\n"},
    {"RUN <<'E' | python\nx\nE", "run <<<'E' | python> {!E:x\n}\n"},
    {"RUN << -E\n-E", "run <<< -E> {-E:}\n"},
    {"RUN <<- E", "run <<<- E>\n"},
    {"RUN <<\"E\"\nE", "run <<<\"E\"> {!E:}\n"},
    {"RUN <<E\"F\"\nEF", "run <<<E\"F\"> {!EF:}\n"},
    {"RUN a <<<E", "run <a <<<E>\n"},
    {"RUN a < E", "run <a < E>\n"},
    {"RUN echo $((1<<2))", "run <echo $((1<<2))>\n"},
    {"RUN 'it <<E", "run <'it <<E>\n"},
    {"ADD <<E /d\nx\nE", "add <<<E> </d> {E:x\n}\n"},
};

static void here_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heredocs); i++)
        check_in_stage(heredocs[i].text, heredocs[i].want);
}

static void heredoc_words(void **state)
{
    (void)state;
    static const char *const yes[] = {"<<EOF",      "<<'EOF'",   "<<\"EOF\"", "<<-EOF",  "<<-'EOF'",
                                      "<<-\"EOF\"", "<<EO\"F\"", "<< EOF",    "<<- EOF", "12<<EOF"};
    static const char *const no[] = {"",         "EOF",    "<<",      "<<-",    "<EOF",    "<<<EOF",
                                     "<<EOF sh", "<<'EOF", "<<\"EOF", "<<EOF'", "<<EOF\"", "x<<EOF"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        struct heredoc doc;
        assert_true(heredoc_parse(yes[i], &doc));
        assert_string_equal(doc.name, "EOF");
        mem_free(doc.name);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        struct heredoc doc;
        assert_false(heredoc_parse(no[i], &doc));
    }
    struct heredoc doc = {.content = mem_strdup("\ta\n\t\tb\n c\t\n\n\t"), .chomp = true};
    AUTO(mem_free) char *text = heredoc_text(&doc);
    assert_string_equal(text, "a\nb\n c\t\n\n");
    mem_free(doc.content);
}

static void copy_sources(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sources, *inlines, *dest;
    } rows[] = {
        {"COPY /f /b", "/f", "", "/b"},
        {"COPY <<E /b\nE", "", "E+=", "/b"},
        {"COPY <<E /b\nT\nE", "", "E+=T\n", "/b"},
        {"COPY <<-E /b\n\tT\nE", "", "E+=T\n", "/b"},
        {"COPY <<'E' /b\nT\nE", "", "E-=T\n", "/b"},
        {"COPY <<E <<F /b\none\nE\ntwo\nF", "", "E+=one\n,F+=two\n", "/b"},
        {"COPY <<E f g /b\nin\nE", "f,g", "E+=in\n", "/b"},
        {"COPY <<E /b\n\"T\"\nE", "", "E+=\"T\"\n", "/b"},
        {"COPY << E /b\nT\nE", "<<,E", "", "/b"},
        {"COPY [\"<<E\", \"/b\"]", "", "E+=", "/b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *whole = mem_printf("FROM a\n%s\n", rows[i].text);
        AUTO_VALUE(parsed_wipe) struct parsed p = {0};
        parse(&p, whole);
        assert_int_equal(p.diag.mistakes, 0);
        const struct instr_copy *copy = &p.file.item[1].copy;
        AUTO_VALUE(strlist_wipe) struct strlist sources = {0};
        for (size_t j = 0; j < copy->source.count; j++)
            strlist_add(&sources, copy->source.item[j].text);
        AUTO_VALUE(strlist_wipe) struct strlist inlines = {0};
        for (size_t j = 0; j < copy->inline_count; j++)
            strlist_add_take(&inlines, mem_printf("%s%s=%s", copy->inline_file[j].name,
                                                  copy->inline_file[j].expand ? "+" : "-",
                                                  copy->inline_file[j].content));
        AUTO(mem_free) char *source = strlist_join(&sources, ",");
        AUTO(mem_free) char *in = strlist_join(&inlines, ",");
        assert_string_equal(source, rows[i].sources);
        assert_string_equal(in, rows[i].inlines);
        assert_string_equal(copy->dest.text, rows[i].dest);
    }
}

static void typed_flags(void **state)
{
    (void)state;
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, "FROM --platform=linux/arm64 a AS Name\n"
              "COPY --from=Name --chown=a:b --chmod=u+x --link --parents --exclude=x --exclude=y s /d\n"
              "ADD --keep-git-dir=false --unpack --checksum=sha256:0 s /d\nADD s /d\n");
    assert_int_equal(p.diag.mistakes, 0);
    assert_string_equal(p.file.item[0].from.image.text, "a");
    assert_string_equal(p.file.item[0].from.platform.text, "linux/arm64");
    assert_string_equal(p.file.item[0].from.name.text, "name");
    const struct instr_copy *copy = &p.file.item[1].copy;
    assert_string_equal(copy->from.text, "Name");
    assert_string_equal(copy->chown.text, "a:b");
    assert_string_equal(copy->chmod.text, "u+x");
    assert_true(copy->link && copy->parents);
    assert_int_equal(copy->exclude.count, 2);
    copy = &p.file.item[2].copy;
    assert_int_equal(copy->keep_git_dir, FLAG_FALSE);
    assert_int_equal(copy->unpack, FLAG_TRUE);
    assert_string_equal(copy->checksum.text, "sha256:0");
    assert_null(copy->from.text);
    copy = &p.file.item[3].copy;
    assert_true(copy->keep_git_dir == FLAG_NOT_GIVEN && copy->unpack == FLAG_NOT_GIVEN && !copy->link);
}

static void places(void **state)
{
    (void)state;
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(
        &p,
        "# ESCAPE=\\\n\n\nFROM  --platform=p  img AS x\n\n# c\nENV A \\\n/go\n\nRUN a \\\n\n b \\\n\n\n c\n\n"
        "COPY <<E \\\n  /d\nx\nE\nENV k=v l=\"a \\\n b\"\n");
    static const unsigned lines[][2] = {{4, 4}, {7, 8}, {10, 15}, {17, 20}, {21, 22}};
    assert_int_equal(p.file.count, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(p.file.item[i].at.line, lines[i][0]);
        assert_int_equal(p.file.item[i].end_line, lines[i][1]);
    }
    const struct instr *from = &p.file.item[0];
    const struct span image = {4, 21, 4, 24};
    const struct span platform = {4, 18, 4, 19};
    const struct span name = {4, 28, 4, 29};
    assert_memory_equal(&from->from.image.at, &image, sizeof image);
    assert_memory_equal(&from->from.platform.at, &platform, sizeof platform);
    assert_memory_equal(&from->from.name.at, &name, sizeof name);
    const struct span dest = {18, 3, 18, 5};
    assert_memory_equal(&p.file.item[3].copy.dest.at, &dest, sizeof dest);
    const struct span value = {21, 7, 21, 8};
    assert_memory_equal(&p.file.item[4].pair.item[0].value.at, &value, sizeof value);
    assert_string_equal(p.file.item[1].comment, "c");
    assert_string_equal(p.file.item[1].text, "ENV A /go");
}

static void triggers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"RUN echo hi", "run <echo hi>"},
        {"COPY <<E /d\nx\nE", "copy <<<E> </d> {E:x\n}"},
        {"copy a b", "copy <a> <b>"},
        {"", NULL},
        {"RUN a\nRUN b", NULL},
        {"FROM a", NULL},
        {"MAINTAINER a", NULL},
        {"ONBUILD RUN a", NULL},
        {"COPY a", NULL},
        {"NOPE a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct instr instr = {0};
        AUTO(err_free) struct err *e = dockerfile_parse_trigger(&instr, rows[i].text);
        assert_int_equal(e == NULL, rows[i].want != NULL);
        if (e) {
            assert_int_equal(err_kind_of(e), ERR_INPUT);
            continue;
        }
        AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
        show_instr(&out, &instr);
        assert_string_equal(buf_text(&out), rows[i].want);
        instr_wipe(&instr);
    }
}

static unsigned next(uint32_t *random, size_t below)
{
    *random = *random * 1664525 + 1013904223;
    return below ? (unsigned)((*random >> 8) % below) : 0;
}

static void mutate(struct buf *text, uint32_t *random)
{
    static const char *const pieces[] = {
        "\\\n", "\\", "`", "\n", " ",    "\"",    "'",    "<<E",      "<<-'E'", "\nE\n",    "#",    "--x=y ",
        "--",   "[",  "]", "=",  "RUN ", "COPY ", "ENV ", "ONBUILD ", "\xff",   "\xc2\xa0", "\r\n", "\0"};
    for (unsigned i = next(random, 4); i > 0; i--) {
        size_t at = next(random, text->len + 1);
        const char *piece = pieces[next(random, ARRAY_LEN(pieces))];
        size_t cut = next(random, 3) == 0 ? next(random, 9) : 0;
        if (cut > text->len - at)
            cut = text->len - at;
        struct buf out = BUF(BUF_NO_LIMIT);
        buf_add(&out, text->data, at);
        buf_add(&out, piece, *piece ? strlen(piece) : 1);
        buf_add(&out, text->data + at + cut, text->len - at - cut);
        buf_wipe(text);
        *text = out;
    }
}

/* Whatever comes in: no crash, a mistake or something that prints and reads back. */
static void random_files(void **state)
{
    (void)state;
    uint32_t random = 4711;
    clock_t end = clock() + CLOCKS_PER_SEC;
    for (unsigned round = 0; round < 20000 && clock() < end; round++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
        if (round % 2) {
            buf_str(&text, files[next(&random, ARRAY_LEN(files))].text);
        } else {
            bool doc = round % 4 == 0;
            buf_printf(&text, "FROM a\n%s\n",
                       doc ? heredocs[next(&random, ARRAY_LEN(heredocs))].text
                           : instructions[next(&random, ARRAY_LEN(instructions))].text);
        }
        mutate(&text, &random);
        AUTO_VALUE(parsed_wipe) struct parsed p = {0};
        diag_init(&p.diag, "Dockerfile", text.data, text.len);
        dockerfile_parse(&p.file, text.data, text.len, &p.diag);
        AUTO(err_free) struct err *e = diag_error(&p.diag);
        if (e)
            continue;
        AUTO_VALUE(buf_wipe) struct buf first = BUF(BUF_NO_LIMIT);
        dockerfile_print(&p.file, &first);
        AUTO_VALUE(parsed_wipe) struct parsed again = {0};
        parse(&again, buf_text(&first));
        AUTO_VALUE(buf_wipe) struct buf second = BUF(BUF_NO_LIMIT);
        dockerfile_print(&again.file, &second);
        assert_int_equal(again.diag.mistakes, 0);
        assert_string_equal(buf_text(&second), buf_text(&first));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files),    cmocka_unit_test(single_instructions),
        cmocka_unit_test(here_documents), cmocka_unit_test(heredoc_words),
        cmocka_unit_test(copy_sources),   cmocka_unit_test(typed_flags),
        cmocka_unit_test(places),         cmocka_unit_test(triggers),
        cmocka_unit_test(random_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
