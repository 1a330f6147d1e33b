#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""monitor-terminal.py COMMAND...: runs bixi on a terminal of its own and goes between the guest's shell and the
monitor with Ctrl-a c, as a person would.  Exits 0 if all of it worked and bixi left with status 0."""
import os
import pty
import select
import sys
import time

SCALE = int(os.environ.get("TIME_SCALE", "1"))


class Terminal:
    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.seen = b""

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.seen += os.read(self.fd, 4096)
            return True
        return False

    def wait(self, text, seconds=60):
        """Reads until text has come and forgets what came up to its end."""
        end = time.monotonic() + seconds * SCALE
        while text not in self.seen:
            left = end - time.monotonic()
            if left <= 0:
                sys.exit(f"no {text!r} in {seconds} s; last: {self.seen[-300:]!r}")
            try:
                self.read(left)
            except OSError:
                sys.exit(f"bixi ended before {text!r}; last: {self.seen[-300:]!r}")
        self.seen = self.seen.partition(text)[2]

    def type(self, keys):
        os.write(self.fd, keys)

    def status(self):
        end = time.monotonic() + 60 * SCALE
        while time.monotonic() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            try:
                self.read(0.1)
            except OSError:
                time.sleep(0.1)
        os.kill(self.pid, 9)
        sys.exit("quit did not end it")


def main():
    terminal = Terminal(sys.argv[1:])
    terminal.wait(b"bixi# ", 300)
    terminal.type(b"\x01c")
    terminal.wait(b"type 'help' for more information")
    terminal.wait(b"(bixi) ")
    # Completion, and editing in the middle: "inxfo st" becomes "info status".
    terminal.type(b"inxfo st\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x7f\x05at\t\r")
    terminal.wait(b"VM status: running\r\n")
    terminal.wait(b"(bixi) ")
    terminal.type(b"stop\r")
    terminal.wait(b"(bixi) ")
    # What is typed for a guest that stands still does not keep us from the monitor.
    terminal.type(b"\x01c" + b"echo $((6 * 7))" + b" 1234567" * 10 + b"\r" + b"\x01c")
    terminal.wait(b"(bixi) ")
    terminal.type(b"\x1b[A\x1b[A\r")  # "info status" from the history
    terminal.wait(b"VM status: paused\r\n")
    terminal.type(b"c\r\x01c")
    # The guest's terminal takes its time, but loses nothing.
    terminal.wait(b"42 1234567" + b" 1234567" * 9)
    terminal.type(b"\x01cquit\r")
    status = terminal.status()
    print(f"left with {status}")
    sys.exit(status)


main()
