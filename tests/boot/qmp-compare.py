#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""qmp-compare.py BIXI GUEST WORK QEMU: asks bixi and QEMU the same over QMP.  What bixi answers must have the
shape of QEMU's answer (its members, their types; bixi may have fewer), errors must be the same word for word.
Prints a line for each thing compared; exits 0 if all agree."""
import subprocess
import sys

import qmp as helper

DISK = 16 << 20

QUERIES = ["query-status", "query-cpus-fast", "query-version", "query-name", "query-uuid", "query-kvm",
           "query-target", "query-chardev", "query-block", "query-commands", "stop", "cont"]

MISTAKES = [
    '{"execute": "nonsense", "id": {"a": [1, null]}}',
    '{"execute": "query-status", "arguments": {"x": 1}}',
    '{"execute": "human-monitor-command"}',
    '{"execute": "human-monitor-command", "arguments": {"command-line": 5}}',
    '{"execute": "human-monitor-command", "arguments": {"command-line": "info status", "cpu-index": "x"}}',
    '{"execute": "human-monitor-command", "arguments": {"command-line": "info status", "cpu-index": 77}}',
    '{"execute": "qmp_capabilities"}',
    '{"execute": 5}',
    '{"id": 5}',
    '{"execute": "query-status", "foo": 5}',
    '{"execute": "query-status", "arguments": 5}',
    '[1]',
    '17',
]


def differs(ours, theirs, where):
    """None if @ours has the shape of @theirs, else what differs."""
    if type(ours) is not type(theirs):
        return f"{where} is {ours!r}, QEMU's is {theirs!r}"
    if isinstance(ours, dict):
        for name, value in ours.items():
            if name not in theirs:
                return f"QEMU's {where} has no member {name}"
            found = differs(value, theirs[name], f"{where}.{name}")
            if found:
                return found
    if isinstance(ours, list) and ours and theirs:
        return differs(ours[0], theirs[0], f"{where}[0]")
    return None


def report(sentence, difference):
    print(f"{'FAIL' if difference else 'ok  '} {sentence}" + (f": {difference}" if difference else ""))
    return not difference


def compare(ours, theirs):
    good = report("the greeting has QEMU's members", differs(ours.greeting, theirs.greeting, "greeting"))
    early = '{"execute": "query-status", "id": "early"}'
    answer, wanted = ours.ask(early), theirs.ask(early)
    good &= report("a command before the negotiation is refused as by QEMU",
                   None if answer == wanted else f"{answer} and {wanted}")
    for qmp in (ours, theirs):
        assert qmp.ask('{"execute": "qmp_capabilities"}') == {"return": {}}
    for query in QUERIES:
        text = f'{{"execute": "{query}", "id": "{query}"}}'
        answer, wanted = ours.ask(text), theirs.ask(text)
        if query == "query-block":
            for message in (answer, wanted):
                message["return"] = [disk for disk in message["return"] if disk["device"] == "disk0"]
            if answer["return"][0]["inserted"]["image"]["virtual-size"] != DISK:
                good &= report("the disk's size", str(answer))
        good &= report(f"{query} answers in QEMU's form", differs(answer, wanted, "answer"))
    for mistake in MISTAKES:
        answer, wanted = ours.ask(mistake), theirs.ask(mistake)
        good &= report(f"{mistake} is refused as by QEMU", None if answer == wanted else f"{answer} and {wanted}")
    text = '{"execute": "human-monitor-command", "arguments": {"command-line": "info status"}}'
    answer, wanted = ours.ask(text), theirs.ask(text)
    good &= report("\"info status\" is QEMU's sentence", None if answer == wanted else f"{answer} and {wanted}")
    return good


def main():
    bixi, guest, work, qemu = sys.argv[1:]
    for name in ("bixi", "qemu"):
        with open(f"{work}.{name}", "wb") as file:
            file.truncate(DISK)
    machine = helper.Machine(bixi, guest, work, "tick", "-c", "2", "--disk", f"{work}.bixi")
    theirs = subprocess.Popen([qemu, "-M", "virt", "-smp", "2", "-m", "512M", "-display", "none", "-S", "-nodefaults",
                               "-serial", "null", "-drive", f"file={work}.qemu,format=raw,if=none,id=disk0",
                               "-device", "virtio-blk-pci,drive=disk0",
                               "-qmp", f"unix:{work}/qemu,server=on,wait=off"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        good = compare(helper.Raw(machine.qmp_path), helper.Raw(f"{work}/qemu"))
    finally:
        machine.kill()
        theirs.kill()
        theirs.wait()
    sys.exit(0 if good else 1)


main()
