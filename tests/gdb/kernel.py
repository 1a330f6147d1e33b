# SPDX-License-Identifier: MulanPSL-2.0
# A session with Debian's kernel, which runs when GDB comes: code, data and page tables that we did not write.

# It may have come in a program.
check("the core is in mapped mode", value("$crmd") & 0x18 == 0x10, hex(value("$crmd")))
handler = value("$eentry")
check("the kernel's exception entry is disassembled", "csrwr" in run("x/4i 0x%x" % handler),
      run("x/4i 0x%x" % handler))

# The timer's interrupt ends any sleep, at its vector: the 64 + 11th of EENTRY, by ECFG.VS.
size = 4 << (value("$ecfg") >> 16 & 7)
vector = handler + (64 + 11) * size
run("hbreak *0x%x" % vector)
run("continue")
check("a hardware breakpoint at the timer's vector is met", value("$pc") == vector, hex(value("$pc")))
check("the core is in mapped mode in the kernel there", value("$crmd") & 0x1B == 0x10, hex(value("$crmd")))
check("the timer's interrupt is pending", value("$estat") >> 11 & 1 == 1, hex(value("$estat")))
era = value("$era")
run("stepi")
check("a step in the vector goes on in it", value("$pc") == vector + 4, hex(value("$pc")))
run("delete")
run("break *0x%x" % era)
run("continue")
check("a breakpoint where it returns to is met", value("$pc") == era, hex(value("$pc")))
run("delete")

# What the kernel has in memory: by its direct map, and the same by physical address.
inferior = gdb.selected_inferior()
found = inferior.search_memory(0x9000000000200000, 0x4000000, b"Linux version ")
check("the kernel's banner is found in memory", found is not None)
banner = bytes(inferior.read_memory(found, 40))
print("     " + banner.decode(errors="replace"))
run("maintenance packet Qqemu.PhyMemMode:1")
run("maintenance flush dcache")
check("and at its physical address",
      bytes(inferior.read_memory(found & (1 << 48) - 1, 40)) == banner)
run("maintenance packet Qqemu.PhyMemMode:0")

# A program's system call: at the kernel's entry the program's memory is there, by its page table.
run("break *0x%x" % (handler + 11 * size))
run("continue")
check("a breakpoint at the system call's vector is met", value("$pc") == handler + 11 * size, hex(value("$pc")))
check("it comes from a program", value("$prmd") & 3 == 3 and value("$era") >> 48 == 0, hex(value("$era")))
check("the program's instruction is read through its page table", "syscall" in run("x/i $era"), run("x/i $era"))
run("stepi")
run("delete")
check("two cores are two threads", run("info threads").count("Thread ") == 2, run("info threads"))
run("delete")
check("kill is answered", "killed" in run("kill"))
