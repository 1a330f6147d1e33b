#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""network.py --in PORT --out PORT [--mib N] [--times N] -- COMMAND...

Runs an emulator whose guest does the step net-bench of scripts/guest-init, with host ports forwarded to its
ports 7003 and 7004, moves N MiB through TCP in each direction, and prints the host's seconds, and those its
processors spent on the emulator, one "NAME SECONDS" a line."""
import argparse
import os
import signal
import socket
import subprocess
import sys
import time

LIMIT = 900.0


def cpu_seconds(pid):
    """What the process has used of the host's processors."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def to_guest(port, size):
    """Sends; the guest closes when it has read everything."""
    block = bytes(1 << 18)
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as link:
        for _ in range(size // len(block)):
            link.sendall(block)
        link.shutdown(socket.SHUT_WR)
        while link.recv(65536):
            pass


def from_guest(port, size):
    """Receives as much as that and closes."""
    got = 0
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as link:
        while got < size:
            data = link.recv(1 << 18)
            if not data:
                raise EOFError(f"the guest closed after {got} bytes")
            got += len(data)


def timed(process, move, port, size):
    """The seconds a transfer takes, and those of processors.  A forwarded port accepts before the guest
    listens again, so a transfer that does not come to be is tried anew."""
    for _ in range(100):
        begin, cpu = time.monotonic(), cpu_seconds(process.pid)
        try:
            move(port, size)
            return time.monotonic() - begin, cpu_seconds(process.pid) - cpu
        except (ConnectionError, EOFError):
            time.sleep(0.3)
    raise TimeoutError(f"the guest does not answer at port {port}")


def wait_for(process, text):
    """Reads the console until text has come."""
    end, seen = time.monotonic() + LIMIT, b""
    os.set_blocking(process.stdout.fileno(), False)
    while text not in seen:
        data = process.stdout.read()
        if data:
            seen += data
        elif time.monotonic() > end or process.poll() is not None:
            raise TimeoutError(f"no {text!r} on the console; last: {seen[-500:]!r}")
        else:
            time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--in", dest="port_in", type=int, required=True)
    parser.add_argument("--out", dest="port_out", type=int, required=True)
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    process = subprocess.Popen(args.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_for(process, b"@@ net-bench begin")
        moves = ("to-guest", to_guest, args.port_in), ("from-guest", from_guest, args.port_out)
        for name, move, port in moves:  # warm up
            timed(process, move, port, 1 << 20)
        for _ in range(args.times):
            for name, move, port in moves:
                seconds, cpu = timed(process, move, port, args.mib << 20)
                print(f"{name} {seconds:.3f}\n{name}-cpu {cpu:.3f}", flush=True)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return 0


sys.exit(main())
