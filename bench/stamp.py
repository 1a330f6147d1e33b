#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""stamp.py [--timeout SECONDS] [--clock wall|cpu] -- COMMAND...

Runs an emulator command whose console shows lines "@@ NAME begin" and "@@ NAME end" and prints the host
seconds between them, one "NAME SECONDS" a line; also when the kernel handed over to userland, the whole
run's time, the process's largest memory in MiB, and what bixi's --jit-stats says of its code's size.
A workload that fails, or a command that does, is told on stderr and has no time.  --clock cpu gives the
seconds that the host's processors worked for the process instead of those that passed."""
import argparse
import os
import re
import resource
import select
import signal
import subprocess
import sys
import time


class Console:
    """What the console's lines said, and when."""

    def __init__(self):
        self.begun, self.result, self.tail, self.failed = {}, {}, [], False

    def line(self, text, now):
        self.tail = [*self.tail[-29:], text]
        match = re.search(r"host instructions per guest instruction \(static\): ([\d.]+)", text)
        if match:
            self.result["host-per-guest"] = float(match.group(1))
        match = re.search(r"@@ (\S+) (begin|end|FAILED.*)", text)
        if not match:
            return
        name, what = match.groups()
        if name == "userland":
            self.result["boot"] = now
        elif what == "begin":
            self.begun[name] = now
        elif what == "end" and name in self.begun:
            # Lines that came in one piece, as where the host had no time for this program, tell nothing.
            if now > self.begun[name]:
                self.result[name] = now - self.begun[name]
        elif what.startswith("FAILED"):
            self.failed = True
            self.result.pop(name, None)


def cpu_clock(pid):
    """The clock of a process's processor time; clock_getcpuclockid(3) of the C library."""
    return ~pid << 3 | 2


def follow(process, console, limit, clock):
    """Reads the console to its end, or until the limit in real seconds has passed."""
    fd, pending, end = process.stdout.fileno(), b"", time.monotonic() + limit
    start = time.clock_gettime(clock)
    while True:
        ready, _, _ = select.select([fd], [], [], 1.0)
        if time.monotonic() > end:
            console.failed = True
            console.line(f"stopped after {limit} s", 0)
            os.killpg(process.pid, signal.SIGKILL)
            return
        if not ready:
            continue
        now = time.clock_gettime(clock) - start
        data = os.read(fd, 65536)
        if not data:
            return
        pending += data
        *lines, pending = pending.split(b"\n")
        for line in lines:
            console.line(line.decode(errors="replace").strip(), now)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    console, start = Console(), time.monotonic()
    process = subprocess.Popen(args.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    follow(process, console, args.timeout, cpu_clock(process.pid) if args.clock == "cpu" else time.CLOCK_MONOTONIC)
    console.failed |= process.wait() != 0
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not console.failed:
        console.result["total"] = usage.ru_utime + usage.ru_stime if args.clock == "cpu" else time.monotonic() - start
    for name, value in {**console.result, "peak-mib": usage.ru_maxrss / 1024}.items():
        print(f"{name} {value:.6f}")
    if console.failed:
        print("\n".join(console.tail), file=sys.stderr)
    return 1 if console.failed else 0


sys.exit(main())
