# SPDX-License-Identifier: MulanPSL-2.0
"""For the tests of monitor and QMP: starting bixi, watching its console, and a raw QMP connection."""
import json
import os
import socket
import subprocess
import time

SCALE = int(os.environ.get("TIME_SCALE", "1"))


class Machine:
    """A running bixi whose console goes to a file and which has a monitor and QMP on Unix sockets."""

    def __init__(self, bixi, guest, work, todo, *options, monitor=True):
        os.makedirs(work, exist_ok=True)
        self.console_path = f"{work}/console"
        self.qmp_path = f"{work}/qmp"
        self.monitor_path = f"{work}/monitor"
        self.process = subprocess.Popen(
            [bixi, "run", "-k", f"{guest}/vmlinuz", "-i", f"{guest}/initrd", "-m", "512M",
             "-a", f"console=ttyS0 quiet bixi.do={todo}", "--serial", f"file:{self.console_path}",
             "--qmp", f"unix:{self.qmp_path}", "--monitor", f"unix:{self.monitor_path}", *options],
            stdin=subprocess.DEVNULL)

    def console(self):
        try:
            with open(self.console_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_console(self, text, seconds=300, times=1):
        end = time.monotonic() + seconds * SCALE
        while self.console().count(text) < times:
            if self.process.poll() is not None:
                raise AssertionError(f"bixi ended with {self.process.returncode} before {text!r}")
            if time.monotonic() > end:
                raise AssertionError(f"no {text!r} in {seconds} s; last: {self.console()[-300:]!r}")
            time.sleep(0.1)

    def ticks(self):
        """The guest's uptimes, as its "tick" step says them."""
        lines = [line.split() for line in self.console().split("\n")[:-1] if line.startswith("@@ tick ")]
        return [float(words[3]) for words in lines if len(words) == 4]

    def status(self, seconds=60):
        """The exit status."""
        return self.process.wait(seconds * SCALE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def connect(path, seconds=60):
    end = time.monotonic() + seconds * SCALE
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            connection.settimeout(seconds * SCALE)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Raw:
    """QMP without a library: what is sent is sent as it is."""

    def __init__(self, path):
        self.connection = connect(path)
        self.lines = self.connection.makefile("rb")
        self.greeting = self.read()

    def read(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def send(self, text):
        self.connection.sendall(text.encode() + b"\n")

    def ask(self, text):
        """The answer to a message, events left out."""
        self.send(text)
        while True:
            message = self.read()
            if message is None or "event" not in message:
                return message

    def close(self):
        self.lines.close()
        self.connection.close()
