# SPDX-License-Identifier: MulanPSL-2.0
# A session of GDB with tests/gdb/target.S on a machine of two cores, as GDB's own Python runs it:
#   gdb -nx -batch -ex "target remote :PORT" -x common.py -x session.py target.elf
# Prints a line a check and leaves the machine detached, so that the guest ends by itself.
import re

last_stop = None


def stopped(event):
    global last_stop
    last_stop = event


gdb.events.stop.connect(stopped)


def where():
    """The label that pc is at, with its offset."""
    out = run("info symbol $pc")
    return out.split(" in section")[0].strip()


def at(sentence, label):
    check(sentence, where() == label, where(), run("info threads"))


def met(kind):
    """Whether the last stop was at one break- or watchpoint, and of this kind."""
    return isinstance(last_stop, gdb.BreakpointEvent) and last_stop.breakpoint.type == kind


def stop_at(label):
    run("tbreak *&%s" % label)
    return run("continue")


# The threads are the machine's cores, and it stands before its first instruction.
threads = run("info threads")
check("two cores are two threads", threads.count("Thread") == 2 and '"core 1"' in threads, threads)
check("-D waits in the boot ROM", value("$pc") == 0x1C000000, hex(value("$pc")))
check("the core is in direct mode", value("$crmd") & 0x18 == 8, hex(value("$crmd")))

# Breakpoints: in the ROM, in physical addresses before translation is on, and in mapped code.
run("stepi")
check("stepi in the ROM goes to the next instruction", value("$pc") == 0x1C000004, hex(value("$pc")))
run("tbreak *0x1000000")
run("continue")
check("a breakpoint is met before translation is on", value("$pc") == 0x1000000, hex(value("$pc")))
stop_at("mapped_start")
at("a breakpoint is met in mapped code", "mapped_start")
check("translation is on there", value("$crmd") & 0x18 == 0x10, hex(value("$crmd")))
run("hbreak straight")
run("continue")
at("a hardware breakpoint is met", "straight")
check("GDB knows which breakpoint it was", met(gdb.BP_HARDWARE_BREAKPOINT), last_stop)
check("what is not mapped cannot be read", "Cannot access" in run("x/gx 0x7654321000"))
check("what only the page table maps can be read",
      value("*(long *)0x12005008") == 0x99AABBCCDDEEFF00, hex(value("*(long *)0x12005008")))
check("breakpoints are not in the guest's memory", value("*(unsigned *)&straight") == 0x03800404 or
      value("*(unsigned *)&straight") & 0xFFC00000 == 0x02800000, hex(value("*(unsigned *)&straight")))
run("delete")

# Ten instructions, one of them a jump: each step is where the program goes.
expected = [4, 8, 12, 16, 24, 28, 32, 36, 40]
seen = []
for i in range(9):
    run("stepi")
    seen.append(value("$pc") - value("(long)&straight"))
check("nine steps go through ten instructions with a jump", seen == expected, seen)
check("they computed what they say", value("$a6") == 6 << 4 | 1, hex(value("$a6")))

# Watchpoints: each of five stores, then a load, an atomic and a conditional store.
run("watch *(int *)&counter")
for i in range(1, 6):
    run("continue")
    check("store %d to the watched variable stops after it" % i,
          met(gdb.BP_HARDWARE_WATCHPOINT) and value("*(int *)&counter") == 3 * i and where() == "stored",
          last_stop, value("*(int *)&counter"), where())
run("delete")
run("rwatch *(int *)&counter")
run("continue")
check("a load of a variable under rwatch stops", met(gdb.BP_READ_WATCHPOINT), last_stop)
at("it stops after the load", "loaded")
run("delete")
run("watch *(int *)&counter")
run("continue")
check("an atomic operation on a watched variable stops", value("*(int *)&counter") == 115, last_stop)
at("it stops after the operation", "added")
run("continue")
check("a conditional store to a watched variable stops", value("*(int *)&counter") == 116, last_stop)
run("delete")
stop_at("conditional")
check("the LL/SC loop under a debugger ends", value("*(int *)&counter") == 116, value("*(int *)&counter"))

# Exceptions: a TLB refill and a system call.
stop_at("mapped_load")
run("tbreak *0x%x" % (value("(long)&refill_entry") & (1 << 48) - 1))
run("tbreak *&mapped_loaded")
run("continue")
check("a breakpoint at the refill handler's physical address is met",
      value("$pc") == value("(long)&refill_entry") & (1 << 48) - 1, hex(value("$pc")))
check("TLBRERA says which instruction missed", value("$tlbrera") == value("(long)&mapped_load") | 1,
      run("p/x $tlbrera"))
run("continue")
at("the load is executed again", "mapped_loaded")
check("and has its value", value("$a0") == 0x99AABBCCDDEEFF00, hex(value("$a0")))
stop_at("system_call")
run("maintenance packet s")
run("flushregs")
run("maintenance flush register-cache")
at("a step over a system call ends at the exception's entry", "general_entry")
check("ESTAT says which exception it is", value("$estat") >> 16 & 0x3F == 0xB, hex(value("$estat")))
check("ERA is the system call", value("$era") == value("(long)&system_call"), hex(value("$era")))
stop_at("system_called")
at("the handler returns behind the system call", "system_called")

# FP, vector and control registers.
stop_at("vectors_set")
check("LSX registers are read", value("$vr0.v16_int8[15]") == 0x11, run("p/x $vr0"))
check("LASX registers are read whole", value("$xr1.v16_int16[15]") == 0x22, run("p/x $xr1"))
check("FP registers are read", "99aabbccddeeff00" in run("p/x $f2.d") or
      "99aabbccddeeff00" in run("p/x $vr2"), run("p/x $f2"), run("p/x $vr2"))
run("set $xr1.v4_int64[3] = 0x1234567")
check("LASX registers are written", value("$xr1.v4_int64[3]") == 0x1234567, run("p/x $xr1"))
run("set $f4.d = 1.5")
check("an FP register is the low part of a vector register", "1.5" in run("p $vr4.v2_double[0]"), run("p $vr4"))
run("set $fcc5 = 1")
check("condition flags are written", value("$fcc5") == 1)
run("set $fcsr = 0x300")
check("FCSR is written", value("$fcsr") == 0x300, run("p $fcsr"))
run("set $fcsr = 0")
run("set $a0 = 0x123456789abcdef0")
check("general registers are written", value("$r4") == 0x123456789ABCDEF0, run("p/x $a0"))
run("set $r0 = 5")
gdb.execute("maintenance flush register-cache", to_string=True)
check("r0 stays 0", value("$r0") == 0, run("p $r0"))
run("set $save3 = 0xdeadbeef")
check("a CSR is written", value("$save3") == 0xDEADBEEF, run("p/x $save3"))
run("set $prmd = 0xffffffff")
gdb.execute("maintenance flush register-cache", to_string=True)
check("only a CSR's writable bits are", value("$prmd") == 0xF, run("p/x $prmd"))
check("a CSR without such bits is not", "error" in run("set $cpuid = 4"))

# The guest's own watchpoint, and the debugger's on the same double word.
run("awatch *(long *)&guest_watched")
run("tbreak *&guest_stored")
run("continue")
at("the guest's own watchpoint comes before the debugger's", "guest_stored")
check("the store was not made", value("*(long *)&guest_watched") == 1)
run("delete")
check("the guest sees its watchpoint's hit", value("$mwps") & 1 == 1, run("p/x $mwps"))

# Sleeping: a step of IDLE ends behind it, the core asleep.
stop_at("sleep")
run("maintenance packet s")
gdb.execute("maintenance flush register-cache", to_string=True)
at("a step of idle ends behind it", "slept")
check("the core is shown as idle", "core 0 [idle]" in run("info threads"), run("info threads"))
run("delete")

# Memory by physical address, and devices.
run("maintenance packet Qqemu.PhyMemMode:1")
check("memory is read by physical address", value("*(unsigned *)0x1001000") == value("*(unsigned *)0x1001000"))
physical = value("*(long *)0x1000000")
run("maintenance packet Qqemu.PhyMemMode:0")
gdb.execute("maintenance flush dcache", to_string=True)
check("physical addresses are no virtual ones", "Cannot access" in run("x/gx 0x1000000"))
check("both name the same memory", physical == value("*(long *)&start"), hex(physical))
check("a device is not read", "Cannot access" in run("x/gx 0x900000001fe001e0"))
run("set var *(long *)&limit = 1000000000")
check("memory is written", value("*(long *)&limit") == 1000000000)

# Two cores.
stop_at("both")
out = run("watch *(long *)&turns if *(long *)&turns == 50")
out = run("continue")
check("a conditional watchpoint stops where its condition holds", value("*(long *)&turns") == 50, out)
run("delete")
run("break second_store thread 2")
out = run("continue")
check("a breakpoint of one thread is met by that core",
      gdb.selected_thread().num == 2 and value("$cpuid") == 1, run("info threads"))
at("at its address", "second_store")
run("delete")
run("set scheduler-locking on")
turns, second = value("*(long *)&turns"), value("*(long *)&second_turns")
for i in range(10):
    run("stepi")
check("with scheduler-locking the other core stands still", value("*(long *)&turns") == turns)
check("and this one goes on", value("*(long *)&second_turns") - second in (2, 3), second, value("*(long *)&second_turns"))
run("thread 1")
check("the other core's registers are its own", value("$cpuid") == 0)
run("set scheduler-locking off")
run("maintenance packet Qqemu.sstep=7")
pcs = set()
for i in range(20):
    run("stepi")
    pcs.add(where().split(" ")[0])
check("steps without scheduler-locking stay in the code that is stepped through", pcs <= {"turn", "both"}, pcs)

# The monitor's commands.
check("monitor info registers shows a CSR", "crmd" in run("monitor info registers").lower())
check("monitor info tlb shows the page that was mapped", "12004000" in run("monitor info tlb").lower() or
      "12005000" in run("monitor info tlb").lower(), run("monitor info tlb")[:500])
check("monitor info irq answers", len(run("monitor info irq")) > 0)
check("monitor info devices names registers", "extioi" in run("monitor info devices").lower(),
      run("monitor info devices")[:300])
check("monitor with nonsense answers with a sentence", "not a command" in run("monitor frobnicate"),
      run("monitor frobnicate"))

# Detach: the machine goes on, to its end.
run("set var *(long *)&limit = 0")
check("detach is answered", "detached" in run("detach"))
