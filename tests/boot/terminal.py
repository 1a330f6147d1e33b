#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""terminal.py COMMAND...: runs bixi on a terminal of its own as a person would: waits for the guest's
prompt, types a command, asks for the escape keys and leaves with Ctrl-a x.  Exits 0 if all of it worked."""
import os
import pty
import select
import sys
import time


def wait_for(fd, text, seconds):
    """Reads until text has come; False if it does not come in time."""
    seen, end = b"", time.monotonic() + seconds
    while text not in seen:
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            print(f"no {text!r} in {seconds} s; last: {seen[-300:]!r}")
            return False
        try:
            seen += os.read(fd, 4096)
        except OSError:
            print(f"the program ended before {text!r}; last: {seen[-300:]!r}")
            return False
    return True


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    scale = int(os.environ.get("TIME_SCALE", "1"))
    good = wait_for(fd, b"bixi# ", 300 * scale)
    if good:
        os.write(fd, b"echo the answer is $((6 * 7))\r")
        good = wait_for(fd, b"the answer is 42", 60 * scale)
    if good:
        os.write(fd, b"\x01h")
        good = wait_for(fd, b"Ctrl-a x", 60 * scale)
    os.write(fd, b"\x01x")
    end = time.monotonic() + 60 * scale
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            print(f"left with {code}")
            return 0 if good and code == 0 else 1
        if select.select([fd], [], [], 0.1)[0]:
            try:
                os.read(fd, 4096)
            except OSError:
                pass
    print("Ctrl-a x did not end it")
    os.kill(pid, 9)
    return 1


sys.exit(main())
