#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""stamp.py [--timeout SECONDS] -- COMMAND...

Runs an emulator command whose console shows lines "@@ NAME begin" and "@@ NAME end" and prints the host
seconds between them, one "NAME SECONDS" a line; also when the kernel handed over to userland, the whole
run's time and the process's largest memory in MiB."""
import os
import re
import resource
import select
import signal
import subprocess
import sys
import time


def main():
    args = sys.argv[1:]
    limit = 900.0
    if args[0] == "--timeout":
        limit = float(args[1])
        args = args[2:]
    if args[0] == "--":
        args = args[1:]
    start = time.monotonic()
    process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    fd = process.stdout.fileno()
    pending, begun, result, tail, failed = b"", {}, {}, [], False
    while True:
        ready, _, _ = select.select([fd], [], [], 1.0)
        now = time.monotonic() - start
        if now > limit:
            failed = True
            tail.append(f"stopped after {limit} s")
            os.killpg(process.pid, signal.SIGKILL)
            break
        if not ready:
            continue
        data = os.read(fd, 65536)
        if not data:
            break
        pending += data
        while b"\n" in pending:
            line, pending = pending.split(b"\n", 1)
            text = line.decode(errors="replace").strip()
            tail.append(text)
            match = re.search(r"@@ (\S+) (begin|end|FAILED.*)", text)
            if not match:
                continue
            name, what = match.groups()
            if name == "userland":
                result["boot"] = now
            elif what == "begin":
                begun[name] = now
            elif what == "end" and name in begun:
                result[name] = now - begun[name]
            elif what.startswith("FAILED"):
                failed = True
    process.wait()
    result["total"] = time.monotonic() - start
    result["peak-mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    for name, seconds in result.items():
        print(f"{name} {seconds:.3f}")
    if failed:
        print("\n".join(tail[-30:]), file=sys.stderr)
    return 1 if failed else 0


sys.exit(main())
