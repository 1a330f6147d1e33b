#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# run-cells.sh BIXI GUEST_DIR: shows the hypervisor.  Debian's kernel boots on four cores, gets the hypervisor under
# it, and cells beside it: one that measures its timer, and the same kernel once more.  With a terminal the person is
# left at root's shell; the cells' consoles are beside it if there is tmux, else some of their lines are shown before.
# Without a terminal all is shown and ended, and the status is 0 only if every cell did its work.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bixi=$1 guest=$2 build=$(dirname "$1")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/lib/firmware" "$root/etc/bixi" "$root/cells"
PATH=$guest/../headers/bin:$PATH loongarch64-linux-gnu-strip -g -o "$root/bixi.ko" "$build/driver/bixi.ko"
cp "$build/hypervisor/bixi-hv.bin" "$root/lib/firmware/"
cp "$build/tools-loong64/bixi-cell" "$root/bin/"
cp "$here"/../cells/*.yaml "$root/etc/bixi/"
cp "$build"/cells/*.bin "$guest/vmlinuz" "$guest/initrd" "$root/cells/"
cp "$here/cell-steps" "$root/steps"
# Before the other, which is compressed: the kernel takes an uncompressed archive only at its place.
(cd "$root" && find . | cpio -o -H newc 2> /dev/null) > "$work/initrd"
cat "$guest/initrd" >> "$work/initrd"
rm -rf "$root"

options=(-k "$guest/vmlinuz" -i "$work/initrd" -c 4 -m 2G)
# KVM would take the virtualization extension for itself.
arguments="console=ttyS0 quiet kvm.enable_virt_at_load=0"

# The machine's terminal in one pane, those of the cells in others.  The names of their pseudo-terminals stand in what
# bixi says on standard error.
in_panes() {
    local tmux=(tmux -L "bixi-$$" -f /dev/null)
    cat > "$work/pane" <<'PANE'
until name=$(sed -n "s,.* \(/dev/pts/[0-9]*\).*,\1,p" "$1" 2> /dev/null | sed -n "$2p") && [ -n "$name" ]; do sleep 0.2; done
stty raw -echo
cat < "$name" &
exec cat > "$name"
PANE
    cat > "$work/machine" <<MACHINE
$(printf '%q ' "$bixi" run "${options[@]}" --serial stdio --serial pty --serial pty \
        -a "$arguments bixi.do=cells-start,cells-terminals,cells-hint,shell") 2> $work/messages
echo \$? > $work/status
${tmux[*]} kill-server
MACHINE
    unset TMUX
    "${tmux[@]}" new-session -d -s bixi -x "$(tput cols)" -y "$(tput lines)" "bash $work/machine"
    "${tmux[@]}" set -g mouse on
    "${tmux[@]}" set -g status off
    "${tmux[@]}" set -g pane-border-status top
    "${tmux[@]}" set -g pane-border-format ' #{pane_title} '
    "${tmux[@]}" select-pane -T "root (Ctrl-a x leaves, Ctrl-b o goes to the next pane)"
    "${tmux[@]}" split-window -d -h -l 40% "bash $work/pane $work/messages 1"
    "${tmux[@]}" split-window -d -t 1 "bash $work/pane $work/messages 2"
    "${tmux[@]}" select-pane -d -t 1 -T "cell latency"
    "${tmux[@]}" select-pane -d -t 2 -T "cell linux: a second Debian kernel"
    "${tmux[@]}" select-pane -t 0
    "${tmux[@]}" attach || true # the server's end is no good one to it
    cat "$work/messages" >&2
    return "$(cat "$work/status")"
}

if [ -t 0 ] && [ -t 1 ]; then
    echo "bixi: booting Debian's kernel; its shell takes some ten seconds, Ctrl-a x leaves"
    if [ "${TERM:-dumb}" != dumb ] && command -v tmux > /dev/null; then
        in_panes
    else
        "$bixi" run "${options[@]}" -a "$arguments bixi.do=cells-start,cells-watch,cells-hint,shell"
    fi
    exit
fi
log=$work/log status=0
timeout 600 "$bixi" run "${options[@]}" --stats \
    -a "$arguments bixi.do=show,cells-start,cells-watch,cells-end,poweroff" < /dev/null 2>&1 | tee "$log" || status=$?
if [ "$status" = 0 ] && grep -q '@@ all end' "$log" && ! grep -q '@@ .* FAILED' "$log"; then
    echo "bixi: Debian ran as the root cell, the others did their work beside it, and it powered off on the bare machine"
    exit 0
fi
echo "bixi: the cells did not go well (status $status)" >&2
exit 1
