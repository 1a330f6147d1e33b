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

# mistake WORD ARGUMENT...: bixi says one line on standard error that holds WORD, and leaves with 2.
mistake() {
    local word=$1 refused
    shift
    timeout $((60 * ${TIME_SCALE:-1})) "$bixi" "$@" > "$work/out" 2> "$work/err" < /dev/null
    [ $? = 2 ] && [ "$(wc -l < "$work/err")" = 1 ] && grep -qF -- "$word" "$work/err"
    refused=$? # before anything below sets it
    check "\"bixi $*\" is refused with one sentence naming $word: $(head -c 150 "$work/err")" $refused
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

# initrd_with NAME: makes $work/NAME.initrd, the guest's initrd with the commands on standard input as /test.sh,
# which "rdinit=/test.sh" starts in place of init; a disk's modules are loaded before them.
initrd_with() {
    mkdir -p "$work/$1.root"
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin'
        echo 'export PATH=/bin HOME=/'
        echo 'mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2> /dev/null; mount -t tmpfs tmp /tmp'
        echo 'for m in $(cat /modules/order); do case $m in crc*|mbcache|jbd2|ext4|virtio_blk) insmod /modules/$m.ko 2> /dev/null ;; esac; done'
        cat
        echo 'poweroff -f'
    } > "$work/$1.root/test.sh"
    chmod +x "$work/$1.root/test.sh"
    # Before the other, which is compressed: the kernel takes an uncompressed archive only at its place.
    (cd "$work/$1.root" && find . | cpio -o -H newc 2> /dev/null) > "$work/$1.initrd"
    cat "$guest/initrd" >> "$work/$1.initrd"
}

# await FILE TEXT SECONDS: until TEXT stands in FILE.
await() {
    local left=$(($3 * ${TIME_SCALE:-1} * 5))
    until grep -aq -- "$2" "$1" 2> /dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.2
    done
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
