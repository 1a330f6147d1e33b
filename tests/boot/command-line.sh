#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The command line's mistakes and bad files: status 2 and one sentence that names the thing.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
head -c 100000 /dev/urandom > "$work/random"
head -c 50000 "$guest/vmlinuz" > "$work/truncated"
: > "$work/empty"

mistake command
mistake frobnicate frobnicate
mistake kernel run
mistake --frob run -k x --frob
mistake "-c 0" run -k x -c 0
mistake "-c 65" run -k x -c 65
mistake "-c 1x" run -k x -c 1x
mistake "-m 1" run -k x -m 1
mistake "-m 99999999999G" run -k x -m 99999999999G
mistake "-m" run -k x -m
mistake "--cpu" run -k x --cpu i486
mistake "lvz=maybe" run -k x --cpu la464,lvz=maybe
mistake "--cpu la464,lvz=on,lvz=on" run -k x --cpu la464,lvz=on,lvz=on
mistake "--cpu la664" run -k x --cpu la664,lvz=off -q /bin/true
mistake "-M" run -k x -M pc
mistake "--rng=bus=isa" run -k x --rng=bus=isa
mistake "bus=mmio" run -k x --rng=bus=mmio -q /bin/true
mistake "--trace" run -k x --trace nothing
mistake "jit, interp and check" run -k x --engine fast
BIXI_ENGINE=fast mistake "BIXI_ENGINE fast" run -k x
mistake "avx512vl, avx512bw" run -k x --engine jit --host-features sse9
mistake "avx512vl, avx512bw" run -k x --engine jit --host-features clmul,
mistake "strict or compare" run -k x --engine jit --llsc maybe
mistake "hexadecimal" run -k x --engine jit --jit-dump 9000,start
mistake "16 addresses" run -k x --engine jit --jit-dump 1,2,3,4,5,6,7,8,9,a,b,c,d,e,f,10,11
mistake "--jit-dump" run -k x --jit-dump
for option in "--host-features none" "--llsc strict" --jit-stats "--jit-dump 1000" --perf-map; do
    # shellcheck disable=SC2086 # an option and its value
    mistake "${option%% *}: the reference engine" run -k x --engine interp $option
    # shellcheck disable=SC2086
    mistake "${option%% *}: QEMU" run -k x $option -q /bin/true
done
mistake "--engine: QEMU" run -k x --engine jit -q /bin/true
mistake "carrier-pigeon" run -k "$guest/vmlinuz" --serial carrier-pigeon
mistake "$work/none" run -k "$work/none"
mistake "$work/empty" run -k "$work/empty"
mistake "$work/random" run -k "$work/random"
mistake "$work/truncated" run -k "$work/truncated"
mistake "$work" run -k "$work"
mistake "$work/none" run -k "$guest/vmlinuz" -i "$work/none"
mistake "$work/none" run -k "$guest/vmlinuz" --disk "$work/none"
mistake "$work" run -k "$guest/vmlinuz" --disk "$work"
mistake "$work/none" disasm "$work/none"
mistake "disasm" disasm

"$bixi" help > "$work/out" && grep -q disasm "$work/out"
check "bixi help lists the commands" $?
"$bixi" run -h > "$work/out" && grep -q -- --deterministic "$work/out"
check "bixi run -h lists the options" $?
"$bixi" version > "$work/out" && grep -qE '^bixi [0-9]' "$work/out"
check "bixi version prints the version" $?
"$bixi" disasm "$work/random" > "$work/out"
check "bixi disasm prints random bytes without failing" $?

# A trace in each of its forms names what the guest's firmware-less start is sure to do.
cmdline=
boot text 300 poweroff --trace "exception,csr,$work/trace"
[ $status = 0 ] && grep -q ' exception ' "$work/trace" && grep -q ' csr ' "$work/trace"
check "--trace writes text" $?
boot json 300 poweroff --trace "interrupt,device,$work/trace.json"
[ $status = 0 ] && python3 -c '
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
assert any(e["cat"] == "interrupt" for e in events) and any(e["cat"] == "device" for e in events)' "$work/trace.json"
check "--trace writes JSON that parses" $?
boot stats 300 poweroff --stats
grep -qE '^bixi: instructions +[0-9]{9,}' "$work/stats.log"
check "--stats prints the instructions" $?

# The translator's options, where the host has what it needs.
if [[ $("$bixi" run -k "$work/none" --engine jit 2>&1) != *x86-64-v3* ]]; then
    boot jit 300 poweroff --engine jit --host-features none --llsc strict --jit-stats --perf-map \
        --jit-dump 9000000000201000,1c000000
    [ $status = 0 ] && grep -qE '^bixi: blocks translated +[0-9]{4,}' "$work/jit.log" &&
        grep -qE '^bixi: host instructions per guest instruction \(static\): [0-9.]+$' "$work/jit.log" &&
        grep -qE '^bixi: translating took [0-9.]+ s, [0-9.]+ % of the run$' "$work/jit.log"
    check "--jit-stats tells how much was translated" $?
    grep -qE '^bixi: block at 1c000000, executed 1 times$' "$work/jit.log" &&
        grep -qE '^ +1c000000: [0-9a-f]{8} .*\| [0-9a-f]+: [a-z]+' "$work/jit.log"
    check "--jit-dump shows guest and host code of a block" $?
    timeout $((120 * ${TIME_SCALE:-1})) "$bixi" run -k "${O:-build}/tests/guest/instructions.elf" --engine check \
        < /dev/null > "$work/check.log" 2>&1
    [ $? = 0 ] && grep -qE '^bixi: check: [0-9]{4,} blocks with [0-9]{5,} of [0-9]{5,} instructions compared$' "$work/check.log"
    check "--engine check finds no difference between the engines" $?
fi

# A processor without virtualization: the guest's kernel says so; QEMU's are without anyway.
cmdline=loglevel=7
boot without-lvz 300 poweroff --cpu la464,lvz=off
[ $status = 0 ] && grep -q 'kvm.*Hardware virtualization not available' "$work/without-lvz.log"
check "--cpu la464,lvz=off has no virtualization, as KVM finds" $?
cmdline=
"$bixi" run -k "$guest/vmlinuz" --cpu la464,lvz=off -q /bin/echo > "$work/out" 2> /dev/null
grep -q -- '-cpu la464 ' "$work/out"
check "-q leaves lvz= out" $?

# A hypervisor's entries and exits, told in three ways that agree.
hypervisor=${O:-build}/tests/gdb/hypervisor.elf
for form in vmexit vmexit.json; do
    timeout $((60 * ${TIME_SCALE:-1})) "$bixi" run -k "$hypervisor" --deterministic --serial null --stats \
        --trace "vmexit,$work/$form" < /dev/null > "$work/$form.log" 2>&1
    check "a hypervisor with one guest runs to its end ($form)" $?
done
sed 's/^.*cpu0 vmexit //' "$work/vmexit" > "$work/vmexit.told"
[ "$(head -n 3 "$work/vmexit.told")" = "enter pc=0x8000 gid=1
TLBR pc=0x8000 gpa=0x8000 gid=1
enter pc=0x8000 gid=1" ] && [ "$(tail -n 1 "$work/vmexit.told")" = "HVC pc=0x9000000000008064 insn=0x2b8013 gid=1" ]
check "--trace vmexit names entries and exits, with the guest's pc and address" $?
counted() { sed -n "s/^bixi: $1 *\([0-9]*\)\$/\1/p" "$work/vmexit.log"; }
[ "$(counted 'guest entries')" = "$(grep -c '^enter' "$work/vmexit.told")" ] &&
    [ "$(counted 'exits: HVC')" = 2 ] && [ "$(counted 'exits: refill')" = "$(grep -c '^TLBR' "$work/vmexit.told")" ] &&
    [ "$(counted 'stage-2 misses')" = "$(grep -c '^TLBR' "$work/vmexit.told")" ] && [ -z "$(counted 'exits: GSPR')" ]
check "--stats counts what the trace lists" $?
python3 - "$work/vmexit.json" "$work/vmexit" << 'END'
import json, sys
slices = json.load(open(sys.argv[1]))["traceEvents"]
lines = open(sys.argv[2]).read().splitlines()
assert len(slices) == len(lines), (len(slices), len(lines))
for slice, line, following in zip(slices, lines, slices[1:] + [None]):
    start = float(line.split()[0]) * 1e6
    assert slice["ph"] == "X" and slice["tid"] == 1 and abs(slice["ts"] - start) < 0.0005, (slice, line)
    assert slice["name"].startswith("guest(GID 1)" if " enter " in line else "root("), (slice, line)
    assert not following or abs(slice["ts"] + slice["dur"] - following["ts"]) < 0.0005, (slice, following)
END
check "in JSON the same are slices of guest and root time without a gap" $?

# Serial ports to files, and the same machine on QEMU.
boot file 300 show,poweroff --serial "file:$work/console"
[ $status = 0 ] && grep -q 'userland begin' "$work/console"
check "--serial file:PATH leaves the console in the file" $?
boot qemu 300 show,poweroff -q "$(scripts/setup-tools.sh qemu-path)"
[ $status = 0 ] && grep -q 'PCI functions: [1-9]' "$work/qemu.log"
check "-q runs the same machine on QEMU, with PCI through its firmware" $?

# On a terminal: the guest's prompt, the escape keys.
tests/boot/terminal.py "$bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" -a "console=ttyS0 quiet"
check "on a terminal a person reaches the guest's shell, and Ctrl-a h and Ctrl-a x work" $?

# The virtio console is a device of its own.
boot hvc 300 console,poweroff --console "file:$work/hvc"
[ $status = 0 ] && grep -q 'written to hvc0' "$work/hvc"
check "--console file:PATH is the guest's /dev/hvc0" $?

# A guest that is nonsense ends in a guest-visible way, within the time given: no crash of the host.
cmdline=
timeout $((90 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/random" -m 512M -a "console=ttyS0 panic=-1" --no-reboot \
    < /dev/null > "$work/log" 2>&1
[ $? = 3 ] && grep -q 'not syncing' "$work/log"
check "a random initrd makes the guest panic, not the host" $?
finish
