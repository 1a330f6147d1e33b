# SPDX-License-Identifier: MulanPSL-2.0
# The watchpoints first: Linux's ptrace no longer watches once a register of another watch- or breakpoint of the
# process was written as unused.
set startup-with-shell off
set width 0
file /tmp/loop
starti
watch stored
rwatch loaded
continue
continue
continue
continue
delete
hbreak last
continue
printf "at %d\n", (long)$pc - (long)&last
stepi
printf "at %d\n", (long)$pc - (long)&last
stepi
printf "at %d\n", (long)$pc - (long)&last
continue
