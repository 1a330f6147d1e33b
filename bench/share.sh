#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The shared folder (virtio-9p) beside QEMU's: large files in large and small pieces, many small files.  The folder
# is in memory (/dev/shm).  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
wanted share || exit 0
folder=$(mktemp -d /dev/shm/bixi-share.XXXXXX)
trap 'rm -rf "$folder"' EXIT

# What the guest does: a large file in large and small pieces, and 2,000 small files.
cat > "$folder/guest.sh" <<'GUEST'
t() { # t NAME COMMAND...
    name=$1; shift
    echo "@@ $name begin"; "$@" > /dev/null 2> /tmp/err; status=$?; echo "@@ $name end"
    [ $status = 0 ] || { echo "@@ $name FAILED $status"; head -n 3 /tmp/err; }
}
each() { # each WHAT: for 2,000 files
    i=0
    while [ $i -lt 2000 ]; do eval "$1"; i=$((i + 1)); done
}
cd /share
mkdir many
t write-1M dd if=/dev/zero of=large bs=1M count=512
t read-1M dd if=large of=/dev/null bs=1M
t write-4K dd if=/dev/zero of=small bs=4k count=8192
t read-4K dd if=small of=/dev/null bs=4k
t create each 'echo $i > many/$i'
t open-read each 'read x < many/$i'
t stat ls -l many
t test each '[ -f many/$i ]'
t unlink rm -r many
rm large small
GUEST

append="console=ttyS0 quiet bixi.do=share,poweroff"
for run in $(seq "$runs"); do
    echo "shared folder, run $run of $runs"
    measure share bixi "$run" 1 "${bixi[@]}" -k build/guest/vmlinuz -i build/guest/initrd -m 1G -a "$append" \
        --share "$folder,guest"
    measure share qemu "$run" 1 "${qemu[@]}" -m 1G -bios "$(scripts/setup-tools.sh firmware)" \
        -kernel build/guest/vmlinuz -initrd build/guest/initrd -append "$append" \
        -fsdev "local,id=share,path=$folder,security_model=none" -device virtio-9p-pci,fsdev=share,mount_tag=guest
done
