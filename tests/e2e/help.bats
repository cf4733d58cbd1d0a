#!/usr/bin/env bats
# The help, the manual pages and the program say the same.

load lib

setup() { fresh; }

commands() {
    lade --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p'
}

# The options with their letters and values, one a line: "-f --file FILE".
options_of_page() {
    sed -nE 's/^\.It (Fl .*)/\1/p' "$root/man/lade-$1.1" | sed -E 's/Fl /-/g; s/Ar //g; s/Cm //g; s/ , / /g; s/No = Ns/=/g; s/ Ns//g' |
        tr -s ' ' | LC_ALL=C sort
}
options_of_help() {
    lade "$1" --help | sed -nE 's/^  (-[a-zA-Z], |    )(--[a-z-]+)( [^ ]+)?(  .*|$)/\1\2\3/p' | sed -E 's/,//; s/^ +//' |
        LC_ALL=C sort
}

@test "every command has a manual page with exactly the options that its help shows" {
    local name
    for name in $(commands); do
        options_of_help "$name" >help
        options_of_page "$name" >manual
        [ -s help ]
        diff -u help manual || { echo "lade $name"; return 1; }
    done
}

@test "the manual page of lade names every command" {
    mandoc -T ascii "$root/man/lade.1" | col -b >page
    local name
    for name in $(commands); do
        grep -qE "\b$name\b" page || { echo "$name"; return 1; }
    done
}

@test "every command's usage line stands in its page" {
    local name
    for name in $(commands); do
        lade "$name" --help | head -n 1 | sed -E 's/^Usage: //; s/\[OPTION\]\.\.\. ?//; s/\.\.\.//g' >help
        mandoc -T ascii "$root/man/lade-$name.1" | col -b |
            sed -nE '/^SYNOPSIS/,/^DESCRIPTION/s/^ +(lade .*)/\1/p' | sed -E 's/\[OPTION( \.\.\.)?\] ?//; s/ ?\.\.\.//g' >manual
        diff -u help manual || { echo "lade $name"; return 1; }
    done
}

@test "lade help NAME is lade NAME --help; both go to standard output" {
    local name
    for name in $(commands); do
        same "the two helps of $name" "$(lade help "$name" 2>/dev/null)" "$(lade "$name" --help 2>/dev/null)"
    done
}

@test "the version is one line, and the changelog knows it" {
    [[ $(lade --version) =~ ^lade\ ([0-9]+\.[0-9]+\.[0-9]+)$ ]]
    grep -q "^## ${BASH_REMATCH[1]}\b" "$root/CHANGELOG.md"
}

@test "what nobody knows ends with 2 and a hint" {
    fails 2 "unknown command" -- lade bild
    [[ $stderr == *"build"* ]]
    fails 2 "--tga" -- lade build --tga x .
}
