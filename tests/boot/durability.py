#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""durability.py BIXI ELF FILE ROUNDS SEED

Starts BIXI with the guest ELF (tests/guest/disk_writer.c), which writes numbered records to FILE, flushes and
says which number is safe, kills it by SIGKILL at a random moment, and looks whether FILE has every record that
was said to be safe.  ROUNDS times; prints what was wrong, and at the end how many flushes there were."""
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import time

RECORD, SECTOR, SLOTS = 4096, 512, 256


def run_round(bixi, elf, path):
    """Runs the guest for a moment; returns the last number it said is safe, or None."""
    with open(path, "wb") as disk:
        disk.truncate(SLOTS * RECORD)
    command = [bixi, "run", "-k", elf, "-m", "256M", "--disk", path + ",bus=mmio"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    fd = process.stdout.fileno()
    said, kill_at, limit = b"", None, time.monotonic() + 60
    while True:
        now = time.monotonic()
        if now > limit or (kill_at and now >= kill_at):
            break
        if select.select([fd], [], [], (kill_at or limit) - now)[0]:
            data = os.read(fd, 65536)
            if not data:
                break
            said += data
        if kill_at is None and re.search(rb"flushed \d+\r?\n", said):
            kill_at = now + random.uniform(0, 0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    said += process.stdout.read()
    flushed = re.findall(rb"flushed (\d+)\r?\n", said)
    if not flushed:
        print(said.decode(errors="replace"))
        return None
    return int(flushed[-1])


def lost(path, safe):
    """Sentences about records up to number @safe that the file has not."""
    with open(path, "rb") as disk:
        data = disk.read()
    for number in range(max(1, safe - SLOTS + 1), safe + 1):
        begin = number % SLOTS * RECORD
        for sector in range(begin, begin + RECORD, SECTOR):
            words = set(struct.unpack("<64Q", data[sector:sector + SECTOR]))
            # A later write to the same place may have got through, in part or in whole.
            if any(word < number or word % SLOTS != number % SLOTS for word in words):
                yield f"record {number} of {safe} is lost: at byte {sector} there is {sorted(words)[:3]}"


def main():
    bixi, elf, path, rounds, seed = sys.argv[1:4] + [int(value) for value in sys.argv[4:6]]
    random.seed(seed)
    total, bad = 0, 0
    for index in range(rounds):
        safe = run_round(bixi, elf, path)
        if safe is None:
            print(f"round {index}: the guest never said that something is safe")
            bad += 1
            continue
        total += safe
        for sentence in list(lost(path, safe))[:5]:
            print(f"round {index}: {sentence}")
            bad += 1
    print(f"{rounds} rounds, {total} records flushed, {bad} errors")
    return bad > 0


sys.exit(main())
