# SPDX-License-Identifier: MulanPSL-2.0
# A session of GDB with tests/gdb/hypervisor.S: root and its guest, their registers and both stages of translation.
PHYSICAL = (1 << 48) - 1
GPA_CODE = 0x8000
WINDOW = 0x9000000000000000
GVA_DATA = 0x12005000
SECOND = 0x99AABBCCDDEEFF00  # the data page's second double word


def symbol(label):
    return value("(long)&%s" % label)


def in_guest(label):
    """Where @label is once the guest is mapped."""
    return WINDOW + GPA_CODE + symbol(label) - symbol("guest_start")


def go_to(address):
    run("tbreak *0x%x" % address)
    run("continue")
    return value("$pc") == address


def step():
    """One instruction by the stub: GDB's own stepi looks for the next one where it thinks that it is."""
    run("maintenance packet s")
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


def mapped(paging):
    return paging & 0x18 == 0x10


# Root, before the entry.
check("root is at its ertn", go_to(symbol("enter")))
check("root's registers for guests are there by name", value("$gstat") == 0x10082, hex(value("$gstat")))
check("the guest's registers are as after a reset", value("$gcsr_crmd") == 8 and not mapped(value("$gcsr_crmd")),
      hex(value("$gcsr_crmd")))
check("the core is in root mode", "[guest" not in run("info threads"), run("info threads"))

# A step goes into the guest; its first instruction needs stage 2.
step()
check("a step over ertn ends in the guest", value("$pc") == GPA_CODE, hex(value("$pc")))
check("info threads says which guest", "core 0 [guest 1]" in run("info threads"), run("info threads"))
check("monitor info cpus says it, too", "guest 1" in run("monitor info cpus"), run("monitor info cpus"))
check("GSTAT.VM shows the mode", value("$gstat") & 1 == 1, hex(value("$gstat")))
check("root's file and the guest's are two", mapped(value("$crmd")) and value("$gcsr_crmd") == 8,
      run("p/x $crmd"), run("p/x $gcsr_crmd"))
check("memory is read through stage 2, with nothing in the TLB", value("*(long *)0x9008") == SECOND,
      run("x/gx 0x9008"))
check("in direct mode the upper bits do not count", value("*(long *)0x9000000000009008") == SECOND)
check("what stage 2 does not map cannot be read", "Cannot access" in run("x/gx 0xd000"), run("x/gx 0xd000"))
answer = run("monitor gva2gpa 0x9008")
check("gva2gpa tells guest physical from physical",
      "gpa: 0x9008" in answer and "hpa: 0x%x" % (symbol("data") + 8 & PHYSICAL) in answer, answer)
check("monitor x/i disassembles the guest's code", "li.w" in run("monitor x/i $pc"), run("monitor x/i $pc"))
step()
check("a step that misses in stage 2 ends at root's refill handler",
      value("$pc") == symbol("refill_entry") & PHYSICAL, hex(value("$pc")))
check("TLBRERA has the guest's pc, TLBRBADV the address", value("$tlbrera") == GPA_CODE | 1 and
      value("$tlbrbadv") == GPA_CODE, run("p/x $tlbrera"), run("p/x $tlbrbadv"))
check("TLBRPRMD.PGM says where it came from", value("$tlbrprmd") & 8 == 8, run("p/x $tlbrprmd"))
check("the core is in root mode then", "[runs]" in run("info threads"), run("info threads"))
check("the guest's next instruction is reached", go_to(GPA_CODE + 4))
tlb = run("monitor info tlb")
check("info tlb shows the stage-2 entry and whose it is", "stage 2 of guest 1" in tlb, tlb)

# The guest in mapped mode: stage 1 by its own tables, stage 2 by root's.
check("a breakpoint is met in the guest's mapped code", go_to(in_guest("guest_load")), hex(value("$pc")))
check("the guest is mapped now", mapped(value("$gcsr_crmd")), run("p/x $gcsr_crmd"))
check("memory is read by the guest's page table, with nothing in the TLB",
      value("*(long *)0x%x" % (GVA_DATA + 8)) == SECOND, run("x/gx 0x%x" % (GVA_DATA + 8)))
check("what stage 1 does not map cannot be read", "Cannot access" in run("x/gx 0x12006000"))
answer = run("monitor gva2gpa 0x12005008")
check("gva2gpa goes through both stages",
      "gpa: 0x9008" in answer and "hpa: 0x%x" % (symbol("data") + 8 & PHYSICAL) in answer, answer)
go_to(in_guest("guest_loaded"))
check("the guest has loaded what GDB read", value("$a0") == SECOND, run("p/x $a0"))
check("its refill is in its own registers", value("$gcsr_tlbrbadv") == GVA_DATA + 8 and
      value("$gcsr_pgdl") == 0xA000, run("p/x $gcsr_tlbrbadv"), run("p/x $gcsr_pgdl"))
tlb = run("monitor info tlb")
check("info tlb shows the stage-1 entry and whose it is", "stage 1 of guest 1" in tlb, tlb)
run("set var *(long *)0x%x = 0x1234" % GVA_DATA)
check("memory is written through both stages", value("*(long *)0x%x" % GVA_DATA) == 0x1234)

# A call to root.
go_to(in_guest("guest_call"))
step()
check("a step over hvcl ends at root's entry", value("$pc") == symbol("general_entry"), hex(value("$pc")))
check("ESTAT says HVC, BADI which", value("$estat") >> 16 & 0x3F == 0x17 and value("$badi") == 0x2B8012,
      run("p/x $estat"), run("p/x $badi"))
check("ERA is the call, PVM set", value("$era") == in_guest("guest_call") and value("$gstat") & 2 == 2,
      run("p/x $era"), run("p/x $gstat"))
check("what was written through both stages is at the physical page", value("*(long *)&data") == 0x1234)

# The guest's registers are read and written in root mode, as gcsrwr does.
run("set $gcsr_save3 = 0xdeadbeef")
run("set $gcsr_asid = 0xffffffff")
run("set $gcsr_badi = 0x12345678")
gdb.execute("maintenance flush register-cache", to_string=True)
check("only a guest register's writable bits are written", value("$gcsr_asid") == 0xA03FF, run("p/x $gcsr_asid"))
check("root's own is another", value("$asid") & 0x3FF == 0, run("p/x $asid"))
check("root may write what the guest may not", value("$gcsr_badi") == 0x12345678, run("p/x $gcsr_badi"))
run("set $gcsr_asid = 0")
group = run("info registers gcsr")
check("info registers gcsr lists them", "gcsr_crmd" in group and "gcsr_tlbrentry" in group, group[:300])
check("and none that a guest has not", "gcsr_gstat" not in group and "gcsr_merrctl" not in group, group)
listing = run("monitor info registers gcsr")
check("the monitor lists them", "PGDL      000000000000a000" in listing and "GSTAT" not in listing, listing)
check("and addresses may hold them", "there is no memory" not in run("monitor xp $gcsr_pgdl") and
      "is not an address" not in run("monitor xp $gcsr_pgdl"), run("monitor xp $gcsr_pgdl"))

# Back in the guest.
go_to(in_guest("guest_store"))
check("the guest reads what GDB wrote", value("$a1") == 0xDEADBEEF, run("p/x $a1"))
run("watch *(long *)0x%x" % (GVA_DATA + 16))
run("continue")
check("a watchpoint in the guest stops after the store", value("$pc") == in_guest("guest_stored") and
      value("*(long *)0x%x" % (GVA_DATA + 16)) == SECOND, hex(value("$pc")))
run("delete")
check("detach is answered", "detached" in run("detach"))
