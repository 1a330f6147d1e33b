#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""qmp-session.py BIXI GUEST WORK WHAT [OPTION...]: a session with QEMU's own Python library (qemu.qmp, on
PYTHONPATH).  WHAT: "control" stops, continues, resets and quits a machine whose guest says the time; "button"
presses the power button of one that waits for it.  Prints a line for each thing that went as it should."""
import asyncio
import sys
import time

import qmp as helper
from qemu.qmp import QMPClient, EventListener, ExecuteError


def ok(sentence):
    print(f"ok   {sentence}", flush=True)


async def expect_event(listener, name, **data):
    event = await asyncio.wait_for(listener.get(), 60 * helper.SCALE)
    assert event["event"] == name, event
    for key, value in data.items():
        assert event["data"][key] == value, event
    assert abs(event["timestamp"]["seconds"] - time.time()) < 600, event


async def connect(machine):
    client = QMPClient("bixi")
    for _ in range(600):
        try:
            await client.connect(machine.qmp_path)
            return client
        except Exception:
            if machine.process.poll() is not None:
                raise
            client = QMPClient("bixi")
            await asyncio.sleep(0.1)
    raise AssertionError("nobody listens for QMP")


async def hang_up(client):
    """The other end has ended, or is about to, which the library makes an error."""
    try:
        await client.disconnect()
    except (EOFError, ConnectionError):
        pass


async def stop_and_cont(machine, client, events):
    answer = await client.execute("query-status")
    assert answer == {"status": "running", "running": True}, answer
    await client.execute("stop")
    await expect_event(events, "STOP")
    answer = await client.execute("query-status")
    assert answer == {"status": "paused", "running": False}, answer
    await asyncio.sleep(0.5)  # what was on its way
    before = machine.console()
    await asyncio.sleep(3)
    assert machine.console() == before, "the guest went on"
    ok("a machine that was stopped says nothing")
    last, count = machine.ticks()[-1], len(machine.ticks())
    await client.execute("cont")
    await expect_event(events, "RESUME")
    for _ in range(600 * helper.SCALE):
        if len(machine.ticks()) > count:
            break
        await asyncio.sleep(0.1)
    gap = machine.ticks()[count] - last
    assert gap < 2, f"the guest's clock went on by {gap} s"
    ok("it goes on, and its clock stood still meanwhile")


async def human(client, line, **arguments):
    return await client.execute("human-monitor-command", {"command-line": line, **arguments})


async def look_around(client, cpus):
    answer = await client.execute("query-cpus-fast")
    assert [cpu["cpu-index"] for cpu in answer] == list(range(cpus)), answer
    assert all(cpu["thread-id"] > 0 for cpu in answer), answer
    names = {row["name"] for row in await client.execute("query-commands")}
    assert {"stop", "cont", "quit", "query-status", "system_powerdown", "system_reset"} <= names, names
    text = await human(client, "info registers")
    assert "EENTRY" in text and "\r\n" in text, text
    # The kernel's exception entry lies in its direct-map window: both looks show the same code.
    address = next(words[i + 1] for words in [text.split()] for i, word in enumerate(words) if word == "EENTRY")
    code = await human(client, f"x/4i 0x{address}")
    assert len(code.splitlines()) == 4 and "csrwr" in code, code
    physical = int(address, 16) & 0xffffffffffff
    virtual_words = (await human(client, f"x/4xw 0x{address}")).split()[1:]
    physical_words = (await human(client, f"xp/4xw {physical:#x}")).split()[1:]
    assert virtual_words == physical_words and len(virtual_words) == 4, (virtual_words, physical_words)
    assert f"gpa: {physical:#x}" in await human(client, f"gva2gpa 0x{address}")
    assert "entries are valid" in await human(client, "info tlb", **{"cpu-index": cpus - 1})
    assert " lcr " in await human(client, "info devices uart0")
    assert "PCH-PIC:" in await human(client, "info irq")
    try:
        await client.execute("no-such-command")
        raise AssertionError("no-such-command was executed")
    except ExecuteError as error:
        assert error.error_class == "CommandNotFound", error
    ok("queries and human-monitor-command show cores, registers, code, memory, TLB, devices")


async def control(machine, cpus):
    client = await connect(machine)
    ok("QEMU's library connects and negotiates")
    events = EventListener()
    client.register_listener(events)
    machine.wait_console("@@ tick 5 ")
    await look_around(client, cpus)
    await stop_and_cont(machine, client, events)
    await client.disconnect()

    client = await connect(machine)
    events = EventListener()
    client.register_listener(events)
    ok("another client comes after the first")
    await client.execute("system_reset")
    await expect_event(events, "RESET", guest=False, reason="host-qmp-system-reset")
    machine.wait_console("userland begin", times=2)
    ok("system_reset starts the guest again")
    await client.execute("quit")
    await expect_event(events, "SHUTDOWN", guest=False, reason="host-qmp-quit")
    await hang_up(client)
    assert machine.status() == 0, machine.status()
    ok("quit leaves with status 0, the SHUTDOWN event before")


async def button(machine):
    client = await connect(machine)
    events = EventListener()
    client.register_listener(events)
    machine.wait_console("@@ power-button begin")
    await client.execute("system_powerdown")
    await expect_event(events, "POWERDOWN")
    await expect_event(events, "SHUTDOWN", guest=True, reason="guest-shutdown")
    await hang_up(client)
    assert machine.status() == 0, machine.status()
    assert "@@ power-button-event ok" in machine.console(), machine.console()[-300:]
    ok("system_powerdown is the kernel's power button, and the guest powers off")


def main():
    bixi, guest, work, what, *options = sys.argv[1:]
    todo = {"control": "tick", "button": "button,poweroff"}[what]
    cpus = int(options[options.index("-c") + 1]) if "-c" in options else 1
    machine = helper.Machine(bixi, guest, work, todo, *options)
    try:
        asyncio.run(control(machine, cpus) if what == "control" else button(machine))
    finally:
        machine.kill()


main()
