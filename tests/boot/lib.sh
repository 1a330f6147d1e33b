# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# For the boot tests: running a guest and looking at what its console said.
bixi=${O:-build}/bixi
guest=${GUEST:-build/guest}
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check "SENTENCE" STATUS: one test.
check() {
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
    fi
}

# boot NAME SECONDS TODO [OPTION...]: runs Debian's kernel with init doing TODO; the console is left in
# $work/NAME.log and the exit status in $status.
boot() {
    local name=$1 limit=$2 todo=$3
    shift 3
    timeout $((limit * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" \
        -a "console=ttyS0 quiet bixi.do=$todo $cmdline" "$@" < /dev/null > "$work/$name.log" 2>&1
    status=$?
    [ $status = 0 ] || [ $status = 3 ] || { echo "-- $name ended with $status:"; tail -n 15 "$work/$name.log"; }
}

# said NAME STEP: the guest's init reported "@@ STEP ok".
said() {
    grep -q "@@ $2 ok" "$work/$1.log"
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
