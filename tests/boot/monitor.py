#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""monitor.py SOCKET COMMAND...: types commands at the monitor on a Unix socket, one after the other, and prints
what it answers.  Exits 0 if each was answered by a new prompt (or, the last one, by the end of bixi)."""
import os
import re
import socket
import sys
import time

PROMPT = b"(bixi) "


def connect(path, seconds):
    end = time.monotonic() + seconds
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def answer(connection, echoed):
    """What stands between the command's echo and the next prompt; None if the connection ends first."""
    seen = b""
    while True:
        after = seen.partition(echoed)[2] if echoed else seen
        if after.endswith(PROMPT):
            return after[: -len(PROMPT)]
        data = connection.recv(65536)
        if not data:
            return None
        seen = re.sub(rb"\x1b\[[0-9;]*[A-Za-z]", b"", seen + data)


def main():
    scale = int(os.environ.get("TIME_SCALE", "1"))
    connection = connect(sys.argv[1], 60 * scale)
    connection.settimeout(300 * scale)
    answer(connection, b"")
    for index, command in enumerate(sys.argv[2:]):
        connection.sendall(command.encode() + b"\r")
        text = answer(connection, command.encode())
        if text is None:
            sys.exit(0 if index + 3 == len(sys.argv) else 1)
        sys.stdout.write(text.decode(errors="replace"))


main()
