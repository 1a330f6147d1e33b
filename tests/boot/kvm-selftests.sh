#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# KVM's own selftests in Debian's kernel (scripts/build-kvm-selftests.sh): one check a program, which leaves
# with 0, or with 4 if it cannot run there, which is said and not counted.
#   kvm-selftests.sh [long] [NAME...]   only these programs; long: more of everything, an hour
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
scripts/build-kvm-selftests.sh "$guest" || exit
length=short
[ "${1:-}" = long ] && { length=long; shift; }
wanted=" $* "

# The programs of the next boot: lines of NAME|SECONDS|ARGUMENTS.
list=
run() { # NAME SECONDS [ARGUMENT...]
    local name=$1 limit=$(($2 * ${TIME_SCALE:-1}))
    shift 2
    [ "$wanted" = "  " ] || [[ $wanted == *" $name "* ]] || return 0
    list+="$name|$limit|$*"$'\n'
}
short() { [ $length = long ] || run "$@"; }
long() { [ $length = short ] || run "$@"; }

# selftests NAME SECONDS [OPTION...]: boots a guest that runs the list, and looks at how each program ended.
selftests() {
    local boot=$1 limit=$2 number=0 name arguments result
    shift 2
    [ -n "$list" ] || return 0
    mkdir -p "$work/$boot.root/kvm"
    cp "$guest"/kvm-selftests/bin/* "$work/$boot.root/kvm"
    echo -n "$list" > "$work/$boot.root/list"
    initrd_with "$boot" <<'GUEST'
[ -c /dev/kvm ] && echo "@@ kvm ok"
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
number=0
while IFS='|' read -r name limit arguments; do
    number=$((number + 1))
    begin=$(cut -d. -f1 /proc/uptime)
    timeout -s KILL "$limit" "/kvm/$name" $arguments < /dev/null > /tmp/log 2>&1
    status=$?
    killall -q -9 "$name" # what it forked
    tail -n 90 /tmp/log | sed "s/^/@$number /"
    echo "@@ $number status $status seconds $(($(cut -d. -f1 /proc/uptime) - begin)) of $limit"
done < /list
if dmesg | grep -qE 'WARNING:|BUG:|Oops|lockup|stall'; then dmesg | tail -n 60 | sed 's/^/@dmesg /'; else echo "@@ kernel ok"; fi
GUEST
    timeout $((limit * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/$boot.initrd" \
        -a "console=ttyS0 quiet rdinit=/test.sh" -m 2G "$@" < /dev/null 2>&1 | tr -d '\r' > "$work/$boot.log"
    check "$boot: a guest runs KVM's selftests and powers off" ${PIPESTATUS[0]}
    said "$boot" kvm
    check "$boot: the guest's kernel has initialised KVM" $?
    while IFS='|' read -r name limit arguments; do
        number=$((number + 1))
        result=$(grep -a "^@@ $number status " "$work/$boot.log")
        [ "$name" != kvm_cpucfg ] || words "$boot" $number
        if [[ $result == *" status 4 "* ]]; then
            echo "skip $boot: $name $arguments: $(grep -ai "^@$number .*skip" "$work/$boot.log" | tail -n 1)"
            continue
        fi
        [[ $result == *" status 0 "* ]]
        check "$boot: $name${arguments:+ $arguments}: ${result#@@ * }" $?
        [[ $result == *" status 0 "* ]] || grep -a "^@$number " "$work/$boot.log" | tail -n 30 | sed 's/^/    /'
    done <<< "${list%$'\n'}"
    said "$boot" kernel
    check "$boot: the guest's kernel has nothing to complain of" $?
    grep -a "^@dmesg " "$work/$boot.log" | sed 's/^/    /'
    list=
}

# words BOOT NUMBER: each line of kvm_cpucfg is a check of its own.
words() {
    local verdict sentence
    while read -r _ verdict sentence; do
        [ "$verdict" = ok ]
        check "$1: $sentence" $?
    done < <(grep -aE "^@$2 (ok|FAIL) " "$work/$1.log")
}

# What differs between the models: page walks, dirty bits, counters.
for model in la464 la664; do
    run kvm_cpucfg 60
    run pmu_test 60
    run arch_timer 120 -n 2 -m 0
    run kvm_page_table_test 120 -v 2 -b 32M
    run dirty_log_perf_test 120 -v 2 -b 16M
    selftests $model 600 --cpu $model -c 2
done

run kvm_cpucfg 60
run pmu_test 60
run guest_print_test 60
run kvm_binary_stats_test 60
run kvm_create_max_vcpus 120
run steal_time 120
run coalesced_io_test 120
short arch_timer 120
short demand_paging_test 120 -v 2 -b 16M
short demand_paging_test 120 -v 2 -b 8M -u MISSING
short dirty_log_test 120 -i 3
short dirty_log_perf_test 120 -v 2 -b 16M
short kvm_page_table_test 120 -v 2 -b 32M
short kvm_page_table_test 120 -v 2 -b 64M -s anonymous_thp
short memslot_modification_stress_test 120 -v 2 -b 16M
short memslot_perf_test 120 -s 64 -l 1 -t 100 -f 0 -e 0
short memslot_perf_test 120 -s 64 -l 1 -t 100 -f 2 -e 2
long set_memory_region_test 1200
long hardware_disable_test 3600
long arch_timer 300 -i 50
long arch_timer 300 -n 8 -i 20 -p 3
long demand_paging_test 300 -v 4 -b 128M
long demand_paging_test 300 -v 4 -b 32M -u MISSING
long demand_paging_test 300 -v 4 -b 32M -u MINOR -s shmem
long dirty_log_test 600
long dirty_log_perf_test 300 -v 4 -b 128M -i 4
long dirty_log_perf_test 300 -v 4 -b 128M -i 4 -s anonymous_thp
long dirty_log_perf_test 300 -v 4 -b 32M -i 4 -a -e -x 4
long kvm_page_table_test 300 -v 4 -b 128M
long kvm_page_table_test 300 -v 4 -b 512M -s anonymous_thp
long memslot_modification_stress_test 300 -v 4 -b 64M -i 200
long memslot_perf_test 600 -s 512 -l 5 -t 300 -d
cores=2 limit=1200
[ $length = short ] || cores=4 limit=7200
selftests max $limit -c $cores
finish
