#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""wire.py SOCKET LOG: the other end of a UART of the machine: keeps what is sent, and answers each line "listening"
by one of its own."""
import socket
import sys
import time


def main():
    wire, seen = socket.socket(socket.AF_UNIX), b""
    while True:
        try:
            wire.connect(sys.argv[1])
            break
        except OSError:
            time.sleep(0.1)
    with open(sys.argv[2], "wb", buffering=0) as log:
        while data := wire.recv(4096):
            log.write(data)
            seen += data
            *lines, seen = seen.split(b"\n")
            for line in lines:
                if line.strip() == b"listening":
                    wire.sendall(b"hello from the wire\n")


main()
