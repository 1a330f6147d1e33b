#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""transfer.py send PORT FILE: sends the file to the port of this host and waits until the peer closes.
transfer.py receive PORT: prints the SHA-256 of what comes from the port.
transfer.py echo PORT1 PORT2: takes what is sent to the first and sends it to who connects to the second.

A forwarded port accepts before the guest listens: what fails is tried again."""
import hashlib
import os
import socket
import sys
import time

LIMIT = 120 * int(os.environ.get("TIME_SCALE", "1"))


def send(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        while link.recv(65536):
            pass


def receive(port):
    digest, size = hashlib.sha256(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as link:
        while data := link.recv(1 << 18):
            digest.update(data)
            size += len(data)
    if not size:
        raise EOFError("nothing came")
    return digest.hexdigest()


def echo(first, second):
    def serve(port, action):
        with socket.create_server(("", port)) as server:
            server.settimeout(LIMIT)
            link, _ = server.accept()
            with link:
                link.settimeout(LIMIT)
                return action(link)

    def take(link):
        taken = b""
        while data := link.recv(1 << 18):
            taken += data
        return taken

    data = serve(first, take)
    serve(second, lambda link: link.sendall(data))


def insist(action):
    end = time.monotonic() + LIMIT
    while True:
        try:
            return action()
        except (OSError, EOFError) as error:
            if time.monotonic() > end:
                sys.exit(f"transfer.py: {error}")
            time.sleep(0.3)


def main():
    what, port = sys.argv[1], int(sys.argv[2])
    if what == "send":
        data = open(sys.argv[3], "rb").read()
        insist(lambda: send(port, data))
    elif what == "receive":
        print(insist(lambda: receive(port)))
    else:
        echo(port, int(sys.argv[3]))


main()
