#!/usr/bin/env bats
# Short forms of what script/soak does with registries: chance finds what nobody thought of. $SEED makes other chances.

load lib

@test "pushes of two platforms through a registry of which a twentieth of all requests fails" {
    run "$root/tests/registry/pushes" "$LADE_BIN" 40 "${SEED:-1}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "pushes that are killed anywhere, to a registry that keeps what has arrived" {
    run "$root/tests/registry/kills" "$LADE_BIN" sessions 8 60 12 "${SEED:-1}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "pushes that are killed anywhere, to a registry that drops what was cut" {
    run "$root/tests/registry/kills" "$LADE_BIN" plain 6 60 12 "${SEED:-1}"
    echo "$output"
    [ "$status" -eq 0 ]
}
