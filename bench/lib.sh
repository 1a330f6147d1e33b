# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by the suites' scripts, in the tree's top directory: what is measured with what, and where results go.
O=${O:-build} runs=${RUNS:-5} only=${ONLY:-all} clock=${CLOCK:-wall}
results=$O/bench-results
image=build/bench
mkdir -p "$results"

# The two machines, to be followed by what is to run.  QEMU's direct start has no PCI and panics in Debian's
# i8042 driver unless that is left out; a disk needs PCI, and that EDK2.
bixi=("$O/bixi" run)
qemu=(scripts/setup-tools.sh qemu -M virt -cpu max -nographic -no-reboot)
qemu_direct="initcall_blacklist=i8042_init"

# bixi_takes OPTION [VALUE]: whether this bixi has the option and can do it here; else it names it in a complaint.
bixi_takes() {
    complaint=$("${bixi[@]}" "$@" -k /nonexistent 2>&1) || true
    [[ $complaint != *"$1"* ]]
}
if [ -n "${ENGINE:-}" ]; then
    bixi_takes --engine "$ENGINE" || { echo "bench: ENGINE=$ENGINE: $complaint" >&2; exit 2; }
    bixi+=(--engine "$ENGINE")
fi
bixi_takes --jit-stats && bixi+=(--jit-stats)

# wanted NAME...: whether ONLY asks for one of these, or for everything.
wanted() {
    local name
    for name in all "$@"; do
        case ,$only, in *,"$name",*) return 0 ;; esac
    done
    return 1
}

# record SUITE MACHINE RUN [SCALE]: adds lines "NAME VALUE" (NAME may be KIND/NAME) to the suite's results,
# seconds divided by SCALE.
record() {
    awk -v OFS='\t' -v suite="$1" -v machine="$2" -v run="$3" -v scale="${4:-1}" '{
        kind = $1 ~ "/" ? substr($1, 1, index($1, "/") - 1) : "-"
        print suite, kind, substr($1, index($1, "/") + 1), machine, run, $2 / scale
    }' >> "$results/$1.tsv"
}

stamp() { bench/stamp.py --timeout 3600 --clock "$clock" -- "$@" > "$results/last"; }

# measure SUITE MACHINE RUN SCALE COMMAND...: runs the command under stamp.py and records its workloads' seconds,
# divided by SCALE, and what memory it took at most.
measure() {
    local suite=$1 machine=$2 run=$3 scale=$4
    shift 4
    stamp "$@" || failed "$suite on $machine"
    grep -vE '^(boot|total|peak-mib|host-per-guest|all) ' "$results/last" |
        record "$suite" "$machine" "$run" "$scale" || true
    [ "$machine" = native ] || grep -E '^(peak-mib|host-per-guest) ' "$results/last" | record "$suite" "$machine" "$run"
}

# failed WHAT: says so; the bench goes on, and ends with an error.
failed() {
    echo "bench: $1 did not get through all of its work" >&2
    touch "$results/failed"
}

# make_initrd DIR FILE: the guest's initrd with bench/init and what is in DIR.
make_initrd() {
    mkdir -p "$1/bench"
    install -m 755 bench/init "$1/bench/init"
    (cd "$1" && find . | cpio -o -H newc 2> /dev/null) > "$2"
    cat build/guest/initrd >> "$2"
}
append="console=ttyS0 quiet panic=1 rdinit=/bench/init only=$only"
