# SPDX-License-Identifier: MulanPSL-2.0
# A session that waits for the kernel: from the boot ROM into its first instruction.

steps = 0
while value("$pc") >> 20 == 0x1C0 and steps < 200:
    gdb.execute("stepi", to_string=True)
    steps += 1
entry = value("$pc")
check("steps through the boot ROM end at the kernel's entry, in RAM", entry >> 20 != 0x1C0, hex(entry), steps)
check("the kernel is told that it is started as by EFI", value("$a0") == 1, hex(value("$a0")))
memory = bytes(gdb.selected_inferior().read_memory(value("$a1") & (1 << 48) - 1, 64))
check("the command line is where a1 says", memory.startswith(b"console=ttyS0 "), memory)
gdb.execute("tbreak *(0x%x + 4)" % entry)
gdb.execute("continue")
check("a breakpoint behind the entry is met", value("$pc") == entry + 4, hex(value("$pc")))
gdb.execute("detach")
