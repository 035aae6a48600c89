# Sourced by the other scripts: `check NAME COMMAND...` runs a command and goes on if it fails,
# `finish` ends with status 1 if one has, and names it.
failed=()

check() {
    local name=$1
    shift
    printf '\n=== %s ===\n' "$name"
    "$@" || failed+=("$name")
}

finish() {
    if ((${#failed[@]})); then
        printf '\nFAILED:\n'
        printf '  %s\n' "${failed[@]}"
        exit 1
    fi
    printf '\nAll checks passed.\n'
}
