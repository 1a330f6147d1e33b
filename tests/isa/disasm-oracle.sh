#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# "bixi disasm" against GNU objdump, operand by operand: all code of libc, libcrypto, libx264 and
# libavcodec, and random words of every row of the tables.
# Environment: TOOLS, a directory tree with loongarch64 binutils; LIBS, a directory with the four
# libraries; O, the build directory (build); SEED; WORDS, how many random words (2000000).
set -uo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit
O=${O:-build} SEED=${SEED:-$(date +%s)} WORDS=${WORDS:-2000000}
: "${TOOLS:?names no directory}" "${LIBS:?names no directory}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# Words that binutils does not know and prints as .word: gtlbclr, gtlbsrch, gtlbrd, gtlbwr, gtlbfill, which
# the LVZ manual has and Linux's KVM encodes by hand.
unknown='06482001|06482801|06482c01|06483001|06483401'

objdump() {
    "$TOOLS/lib64/ld-linux-x86-64.so.2" --library-path "$TOOLS/usr/lib/x86_64-linux-gnu" \
        "$TOOLS/usr/bin/loongarch64-linux-gnu-objdump" "$@"
}

# Both write "address: word mnemonic operands [# target]"; brings objdump's to our form: no symbol after a
# target, no trailing blanks.
instructions() {
    sed -nE 's/^ *([0-9a-f]+):\t([0-9a-f]+) ?\t/\1\t\2\t/; T; s/# ([0-9a-f]+) <.*>$/# 0x\1/; s/[[:space:]]+$//; p' |
        grep -vP "^[0-9a-f]+\t($unknown)\t"
}

compare() { # NAME THEIRS OURS
    local name=$1 count
    instructions < "$2" > "$work/theirs"
    instructions < "$3" > "$work/ours"
    count=$(wc -l < "$work/ours")
    if [ "$count" -gt 1000 ] && cmp -s "$work/theirs" "$work/ours"; then
        echo "ok $name: $count instructions are as objdump prints them"
        passed=$((passed + 1))
    else
        echo "not ok $name: $count instructions, objdump's < and ours > differ"
        diff "$work/theirs" "$work/ours" | head -n 40
        failed=$((failed + 1))
    fi
}

for library in libc libcrypto libx264 libavcodec; do
    file=$(find "$LIBS" -name "$library.so.*" | head -n 1)
    objdump -d "$file" > "$work/objdump"
    "$O/bixi" disasm "$file" > "$work/bixi"
    compare "$library" "$work/objdump" "$work/bixi"
done

echo "seed $SEED, $WORDS words"
"$O/tests/isa/words" "$SEED" "$WORDS" > "$work/words"
objdump -z -D -b binary -m loongarch64 "$work/words" > "$work/objdump"
"$O/bixi" disasm "$work/words" > "$work/bixi"
compare "random words" "$work/objdump" "$work/bixi"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
