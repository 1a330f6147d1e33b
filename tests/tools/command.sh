#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# bixi-cell as a program: the conformance vectors, the configurations of cells/, messages and exit statuses, the man page,
# and the bare-metal cells on a machine of their own.  Prints "ok" and "not ok" lines.
set -uo pipefail
cd "$(dirname "$0")/../.."
cell=${O:-build}/tools/bixi-cell
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # STATUS SENTENCE
    if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi
}

# expect STATUS PATTERN SENTENCE ARGS...: the exit status, and what it prints on either output.
expect() {
    local status=$1 pattern=$2 sentence=$3 output
    shift 3
    output=$("$cell" "$@" 2>&1)
    if [ $? = "$status" ] && grep -qE -- "$pattern" <<< "$output"; then
        verdict 0 "$sentence"
    else
        verdict 1 "$sentence"
        echo "    bixi-cell $*: $output"
    fi
}

for vector in tests/tools/vectors/*.yaml; do
    read -r _ _ hash < "$vector"
    compiled=$("$cell" config compile "$vector" -o - 2>/dev/null | sha256sum | cut -c1-16)
    [ "$compiled" = "$hash" ]
    verdict $? "$(basename "$vector" .yaml) compiles to Jailhouse's bytes"
done

expect 0 '^0 errors, 0 warnings$' "cells/: system, latency, ipi agree" \
    config check cells/system.yaml cells/latency.yaml cells/ipi.yaml
expect 0 '^0 errors, 0 warnings$' "cells/: system, latency, linux agree" \
    config check cells/system.yaml cells/latency.yaml cells/linux.yaml
expect 1 "linux.yaml:7: CPU 2 is also cell ipi's" "two cells of one CPU are told apart by line" \
    config check cells/ipi.yaml cells/linux.yaml
expect 1 '"line": 7' "findings as JSON have the line" config check --json cells/ipi.yaml cells/linux.yaml
expect 0 'cell latency, 204 bytes' "--dry-run says what would be written" config compile cells/latency.yaml --dry-run
expect 0 '"phys": "auto"' "JSON of a configuration in YAML" config dump --json cells/latency.yaml

"$cell" config compile cells/system.yaml -o "$work/system.cell" &&
    "$cell" config dump "$work/system.cell" -o "$work/again.yaml" &&
    "$cell" config compile "$work/again.yaml" -o "$work/again.cell" && cmp -s "$work/system.cell" "$work/again.cell"
verdict $? "what is dumped compiles to the same"
{ cat "$work/system.cell"; printf '12345678'; } > "$work/trailing.cell"
expect 0 'warning: .*8 bytes follow' "bytes behind a configuration are a warning" config dump "$work/trailing.cell"
head -c 400 "$work/system.cell" > "$work/short.cell"
expect 1 'short.cell: it ends after 400 bytes' "a short file is refused" config dump "$work/short.cell"

printf 'architecture: loongarch64\ncell:\n  name: a\n  colour: blue\n' > "$work/unknown.yaml"
expect 1 'unknown.yaml:4: cell.colour: unexpected key' "an unknown key is named with its line" \
    config compile "$work/unknown.yaml" -o "$work/unknown.cell"
[ ! -e "$work/unknown.cell" ]
verdict $? "nothing is written of a configuration that is refused"
expect 1 'No such file' "a missing file is named" config compile "$work/missing.yaml" --dry-run
expect 1 'cannot be written' "a directory that is not there is named" config compile cells/ipi.yaml -o "$work/no/file"

ln -s /dev/full "$work/full"
expect 1 'full cannot be written: No space left' "a full disk is told" config compile cells/ipi.yaml -o "$work/full"
[ -L "$work/full" ] && [ "$(find "$work" -name 'full*' | wc -l)" = 1 ]
verdict $? "what is no file, as a device, is written to and not replaced"
"$cell" config compile cells/ipi.yaml -o "$work/ipi.cell" && echo kept > "$work/linked" && ln -s linked "$work/link" &&
    "$cell" config compile cells/ipi.yaml -o "$work/link" && [ -L "$work/link" ] && cmp -s "$work/linked" "$work/ipi.cell"
verdict $? "nor is a link, but the file that it names"
for command in help "config check cells/ipi.yaml" "config dump cells/ipi.yaml"; do
    # shellcheck disable=SC2086 # several words
    "$cell" $command > /dev/full 2> "$work/full.err"
    [ $? = 1 ] && grep -q 'standard output cannot be written' "$work/full.err"
    verdict $? "$command says when its output is lost"
done
printf 'architecture: loongarch64\ncell:\n  name: a\n  cpus: [\n' > "$work/syntax.yaml"
for file in syntax.yaml:[0-9] unknown.yaml:4 missing.yaml:0 short.cell:0; do
    "$cell" config check --json cells/ipi.yaml "$work/${file%:*}" > "$work/findings" 2> "$work/findings.err"
    [ $? = 1 ] && [ ! -s "$work/findings.err" ] && python3 - "$work/findings" "$work/${file%:*}" "${file#*:}" <<'PYTHON'
import fnmatch, json, sys
[finding] = json.load(open(sys.argv[1]))
assert finding["file"] == sys.argv[2] and finding["severity"] == "error" and finding["sentence"], finding
assert fnmatch.fnmatch(str(finding["line"]), sys.argv[3]), finding
PYTHON
    verdict $? "what cannot be read is a finding in JSON: ${file%:*}"
done

for mistake in "compile --json" "compile -A x86" "check -o x" "check --dry-run" "create --json" "create --dry-run" "dump --dry-run"; do
    # shellcheck disable=SC2086 # several words
    expect 2 "config ${mistake%% *}: -.* is not for it" "config ${mistake%% *} without need for an option: $mistake" \
        config $mistake cells/ipi.yaml
done
expect 2 'give a command' "no command"
expect 2 'dance is not a command' "an unknown command" dance
expect 2 'config: give compile' "config without a word" config
expect 2 'is no option' "an unknown option" list --colour
expect 2 'give one cell' "start of nothing" start
expect 2 'give one YAML file' "compile to nowhere" config compile cells/ipi.yaml
expect 2 'no input' "the hypervisor's console takes no input" console -a
expect 0 'bixi-cell enable' "help lists the commands" help
expect 0 '^bixi-cell [0-9]' "version" version
if [ ! -e /dev/bixi ]; then
    for command in "enable cells/system.yaml" disable "create cells/ipi.yaml" "load ipi cells/ipi.yaml" "start ipi" \
        "shutdown ipi" "restart ipi" "destroy ipi" "console ipi" "fault ipi" stats; do
        # shellcheck disable=SC2086 # several words
        expect 1 'there is no /dev/bixi: load the driver' "${command%% *} says that there is no driver" $command
    done
    expect 1 'there is no driver' "list says that there is no driver" list
fi

man --warnings -E UTF-8 -l -Tutf8 -Z docs/bixi-cell.1 2>&1 >/dev/null | head -n 5 > "$work/man" || true
if command -v man > /dev/null; then
    [ ! -s "$work/man" ]
    verdict $? "the man page has no warnings"
fi
# completes WORDS EXPECTED: what the shell offers for the last of the words.
completes() {
    local offered
    offered=$(cell=$(realpath "$cell") completion=$PWD/docs/completion-cell.bash work=$work bash -c '. "$completion"; cd "$work" || exit
        COMP_WORDS=("$cell" $1)
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _bixi_cell; printf "%s\n" "${COMPREPLY[@]}"' - "$1" | LC_ALL=C sort | tr '\n' ' ')
    [ "$offered" = "$2 " ]
    verdict $? "the shell completes \"$1\": $offered"
}
completes "sh" "shutdown"
completes "con" "config console"
completes "config c" "check compile create"
completes "config compile --" "--dry-run"
completes "config dump -" "--json -A -o"
completes "config check -A a" "arm arm64"
completes "stats -" "--json -i"
completes "load a ipi" "ipi.cell"
completes "disable " ""
missing=$("$cell" help | sed -nE 's/^  bixi-cell ([a-z]+) .*/\1/p' | while read -r command; do
    grep -q "^\.BI* .*$command" docs/bixi-cell.1 || echo "$command"
done)
[ -z "$missing" ]
verdict $? "the man page names all commands $missing"

# wait_for FILE PATTERN COUNT: until so many lines are there, a minute at most.
wait_for() {
    for _ in $(seq 300); do
        [ "$(grep -cE "$2" "$1")" -ge "$3" ] && return 0
        sleep 0.2
    done
    return 1
}

# A cell that is alone on a machine prints to its UART.
alone() { # NAME CPUS PATTERN
    local pid status
    "${O:-build}/bixi" run -k "${O:-build}/cells/$1.elf" -c "$2" -m 256M < /dev/null > "$work/$1.log" 2>&1 &
    pid=$!
    wait_for "$work/$1.log" "$3" 2
    status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    verdict $status "cell $1 does its work on a machine of its own"
    [ $status = 0 ] || head -n 10 "$work/$1.log"
}
alone latency 1 '^latency: [0-9]+ interrupts, late by'
alone ipi 2 '^ipi: [1-9][0-9]* rounds in all, [1-9]'
