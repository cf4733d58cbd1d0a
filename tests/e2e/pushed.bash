# What tests that push have in common: images to push, and what then stands in a registry. Load it after lib.
# shellcheck shell=bash disable=SC2154

# context TEXT: a context whose image has two layers that follow from TEXT.
context() {
    mkdir -p context
    echo "first $1" >context/first
    rm -rf context/many
    "$support/maketree" context/many --files 20 --bytes 60000 --seed "$(cksum <<<"$1" | cut -d ' ' -f 1)"
    printf '%s\n' 'FROM scratch' 'COPY first /' 'COPY many /many' 'CMD ["/first"]' >context/Dockerfile
}

digest_of() { sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
digest_at() { skopeo inspect --raw --tls-verify=false "docker://$1" | digest_of; }

# whole REF: every blob of the image, or of all images of an index, reads back with its digest.
whole() {
    rm -rf whole
    skopeo copy -q --all --src-tls-verify=false "docker://$1" oci:whole:1
    "$support/sound" whole --complete
}
