# SPDX-License-Identifier: MulanPSL-2.0
# A session that only looks: break- and watchpoints, steps, registers, memory.  The guest executes what it
# would have executed without.

for command in ["break mapped_start", "hbreak straight",
                "watch *(int *)&counter", "awatch *(long *)&guest_watched", "rwatch *(long *)&limit",
                "break general_entry", "break turn"]:
    gdb.execute(command)
for i in range(30):
    gdb.execute("continue")
    gdb.execute("stepi 7")
    gdb.execute("maintenance packet s")
    gdb.execute("maintenance flush register-cache")
    gdb.execute("info registers csr", to_string=True)
    gdb.execute("x/8i $pc", to_string=True)
gdb.execute("delete")
gdb.execute("tbreak second_store")
gdb.execute("continue")
gdb.execute("stepi 20")
gdb.execute("detach")
