#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""efi-shell.py END LINE... -- COMMAND...: runs bixi with EDK2 and a disk that it finds nothing to start on,
goes through its menus to the UEFI shell, types the lines there and, when END has come, kills the machine
(or, if END is "exit N", waits for it to leave with status N).  Prints what the console said; exits 0 if all
of it worked."""
import os
import re
import select
import signal
import subprocess
import sys
import time

DOWN = "\x1b[B"
SCALE = int(os.environ.get("TIME_SCALE", "1"))
# What is waited for, and what is typed then.  The menus: language, devices, boot manager; in that, the disk
# and the shell.
MENUS = [
    ("enter the Boot Manager Menu.", "\r"),
    ("Select Entry", DOWN),
    ("Device Manager", DOWN),
    ("take you", "\r"),
    ("Select Entry", DOWN),
    ("EFI Internal Shell", "\r"),
    ("to skip startup.nsh", "\x1b"),
]
CONTROL = re.compile(rb"\x1b\[[0-9;=]*[A-Za-z]")


class Console:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.raw = b""

    def read(self, seconds):
        """What has come next; None at the end."""
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], seconds)[0]:
            return b""
        return os.read(fd, 4096) or None

    def wait_for(self, text, seconds):
        """Reads until text has come, and forgets what came up to it."""
        end = time.monotonic() + seconds * SCALE
        while True:
            said = CONTROL.sub(b"", self.raw)
            at = said.find(text.encode())
            if at >= 0:
                self.raw = said[at + len(text):]
                return
            chunk = self.read(max(0, end - time.monotonic()))
            if not chunk:
                sys.exit(f"\nno {text!r} in {seconds} s; last: {said[-300:]!r}")
            sys.stdout.write(CONTROL.sub(b"", chunk).decode("latin1").replace("\r", ""))
            self.raw += chunk

    def type(self, text):
        """As fast as a person: the serial port holds 16 characters."""
        step = len(text) if text == DOWN else 1
        for i in range(0, len(text), step):
            self.process.stdin.write(text[i:i + step].encode())
            time.sleep(0.03)


def main():
    split = sys.argv.index("--")
    end, lines, command = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    console = Console(command)
    try:
        for text, answer in MENUS:
            console.wait_for(text, 120)
            console.type(answer)
        for line in lines:
            console.wait_for("Shell> ", 60)
            console.type(line + "\r")
        if end.startswith("exit "):
            while console.read(60 * SCALE):
                pass
            return console.process.wait(60 * SCALE) != int(end[5:])
        console.wait_for(end, 120)
    finally:
        if console.process.poll() is None:
            console.process.send_signal(signal.SIGKILL)
        console.process.wait()
    return 0


sys.exit(main())
