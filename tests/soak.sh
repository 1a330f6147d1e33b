#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# make soak: the long tests, one line a part, then "N passed, N failed".  Hours; logs are in build/soak.
#   soak.sh [PART...]   only these parts: tsan asan clang inputs jit engines debian kvm kvm-selftests driver
#                       hypervisor hostile
#                       fuzz; the longest come first
# Environment: COUNT, inputs an instruction (20000); FUZZ_SECONDS, a fuzzer (60); HOSTILE_RUNS, seeds a way (20).
set -uo pipefail
cd "$(dirname "$0")/.."
logs=build/soak
mkdir -p "$logs"
jobs=$(nproc)
passed=0 failed=0
wanted=("$@")
[ $# = 0 ] && wanted=(tsan asan clang inputs jit engines debian kvm kvm-selftests driver hypervisor hostile fuzz)

# A finding ends the program that has it, with a status that nothing else uses.
export ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
export TSAN_OPTIONS=exitcode=99:halt_on_error=0:suppressions=$PWD/tests/tsan.supp

# step "SENTENCE" LOG COMMAND...: one test; the log's last lines are shown if it fails.
step() {
    local sentence=$1 log=$logs/$2.log begin=$SECONDS
    shift 2
    if "$@" > "$log" 2>&1 < /dev/null && ! grep -aqE 'runtime error:|(Address|Thread|Leak)Sanitizer' "$log"; then
        passed=$((passed + 1))
        echo "ok   $sentence ($((SECONDS - begin)) s)"
        return 0
    fi
    failed=$((failed + 1))
    echo "FAIL $sentence ($((SECONDS - begin)) s): $log"
    grep -aE '^(not ok|FAIL)|runtime error|SUMMARY|: error' "$log" | head -n 10 | sed 's/^/    /'
    tail -n 3 "$log" | sed 's/^/    | /'
    return 1
}

# Both compilers that can be had beside the default one; warnings are errors.
part_clang() {
    local cc
    for cc in clang-14 clang-19; do
        command -v "$cc" > /dev/null || { echo "-    $cc is not installed"; continue; }
        step "$cc compiles everything without a warning" "$cc" make -s -j"$jobs" O="build/$cc" CC="$cc" all
    done
}

part_inputs() {
    local count=${COUNT:-20000}
    make -s -j"$jobs" all build/tests/isa/{isa-test,runner} > "$logs/inputs-build.log" 2>&1
    step "every user-level instruction agrees with QEMU on $count random inputs" inputs \
        tests/isa/run.sh --count "$count" --seed "${SEED:-$(date +%s)}"
}

part_jit() {
    make -s -j"$jobs" all build/tests/jit/jit-test > "$logs/jit-build.log" 2>&1
    step "the translator agrees with the reference engine on 500 inputs a row and 5000 programs" jit \
        tests/jit/run.sh --count 500 --programs 5000 --threads 50
}

# KVM's outer and inner kernel, one core, in lock step.
check_kvm() {
    local console=$logs/check-kvm-console.log
    scripts/make-kvm-guest.sh build/guest build/kvm || return
    timeout 6000 build/bixi run -k build/guest/vmlinuz -i build/kvm/initrd --disk build/kvm/kvm.img,ro -m 2G \
        -a "console=ttyS0 quiet bixi.do=kvm-boot:1:512,kvm-kernel,poweroff" --engine check > "$console" 2>&1 || return
    grep -a '^@@ kvm-boot:1:512 ok' "$console"
}

# make test runs the default engine.  In lock step everything is some 40 times slower.
part_engines() {
    make -s -j"$jobs" all > "$logs/engines-build.log" 2>&1
    step "all tests pass with the reference engine" interp env BIXI_ENGINE=interp make -s test
    step "Debian boots with both engines in lock step" check timeout 3000 build/bixi run -k build/guest/vmlinuz \
        -i build/guest/initrd -a "console=ttyS0 bixi.do=poweroff" --engine check
    step "so does a session of gcc, python and openssl" check-session \
        env BIXI_ENGINE=check CORES=1 TIME_SCALE=3 tests/boot/programs.sh session
    step "and the bare-metal suites, those in guest mode included" check-guest \
        env BIXI_ENGINE=check TIME_SCALE=5 tests/run.sh guest
    step "and a KVM guest" check-kvm check_kvm
}

part_debian() {
    make -s -j"$jobs" all > "$logs/debian-build.log" 2>&1
    step "a whole Debian starts by GRUB, takes ssh, and apt installs a package" debian make -s run DEMO=debian
}

part_kvm() {
    make -s -j"$jobs" all > "$logs/kvm-build.log" 2>&1
    step "KVM guests of all sizes boot, ten times in a row, and stand stress" kvm tests/boot/kvm.sh long
}

part_kvm-selftests() {
    make -s -j"$jobs" all > "$logs/kvm-selftests-build.log" 2>&1
    step "KVM's own selftests pass, all of them and for long" kvm-selftests tests/boot/kvm-selftests.sh long
}

# Debian with four cores, a disk and a console under TSan.
tsan_boot() {
    local disk=$logs/disk.img status
    truncate -s 64M "$disk"
    timeout 3000 build/tsan/bixi run -k build/guest/vmlinuz -i build/guest/initrd -c 4 --console null --disk "$disk" \
        -a "console=ttyS0 bixi.do=show,disk-write,poweroff"
    status=$?
    rm -f "$disk"
    return $status
}

part_tsan() {
    # gcc's TSan does not follow fences, and warns; they are not what orders data here, indices are.
    local make=(make -s -j"$jobs" O=build/tsan SANITIZE=thread CFLAGS=-Wno-tsan) test
    local threads=(reserve jit_cache machine eventloop chardev block virtio nbd net 9p_device snapshot)
    step "the build with ThreadSanitizer" tsan-build "${make[@]}" all "${threads[@]/#/build/tsan/tests/unit/test_}" \
        build/tsan/tests/guest/smp.elf build/tsan/tests/hostile/hostile.elf || return
    for test in "${threads[@]}"; do
        step "unit test $test has no data race" "tsan-$test" timeout 900 "build/tsan/tests/unit/test_$test"
    done
    step "four cores increment without a data race" tsan-smp timeout 3000 \
        build/tsan/bixi run -k build/tsan/tests/guest/smp.elf -c 4
    step "Debian boots with four cores without a data race" tsan-boot tsan_boot
    step "a hostile guest causes no data race" tsan-hostile \
        env O=build/tsan RUNS=2 SECONDS_EACH=20 tests/hostile/run.sh
}

# The whole suite.  Sanitized code is many times slower: TIME_SCALE stretches the suites' limits.
part_asan() {
    step "make test passes under AddressSanitizer and UndefinedBehaviorSanitizer" asan \
        env TIME_SCALE=10 make O=build/asan SANITIZE=address,undefined test
}

# Enabled and disabled a thousand times each on 1, 2 and 4 CPUs under load.
part_driver() {
    make -s -j"$jobs" all > "$logs/driver-build.log" 2>&1
    step "the hypervisor is enabled and disabled a thousand times under load" driver env TIME_SCALE=10 tests/boot/driver.sh long
}

# Hostile cells with every address, each way, more seeds; cells' lives; all engines.
part_hypervisor() {
    make -s -j"$jobs" all > "$logs/hypervisor-build.log" 2>&1
    step "cells harm nobody but themselves" containment env TIME_SCALE=4 tests/boot/containment.sh long
    step "the latency cell keeps its deadlines beside storms and a Linux that works" deadlines \
        env TIME_SCALE=4 tests/boot/deadlines.sh long
    step "cells are created, run and destroyed 200 times" lives env TIME_SCALE=4 tests/boot/endurance.sh lives
    step "cells work with the reference engine" cells-interp \
        env BIXI_ENGINE=interp TIME_SCALE=10 tests/run.sh cells containment
}

part_hostile() {
    make -s -j"$jobs" O=build/asan SANITIZE=address,undefined all build/asan/tests/hostile/hostile.elf \
        > "$logs/hostile-build.log" 2>&1
    step "the machine outlives hostile guests" hostile \
        env O=build/asan RUNS="${HOSTILE_RUNS:-20}" SECONDS_EACH=6 tests/hostile/run.sh
}

part_fuzz() {
    step "no fuzzer has a finding" fuzz tests/fuzz/run.sh
}

scripts/fetch-guest.sh build/guest > "$logs/guest.log" 2>&1
scripts/setup-tools.sh > "$logs/tools.log" 2>&1
for part in "${wanted[@]}"; do
    "part_$part"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
