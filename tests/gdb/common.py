# SPDX-License-Identifier: MulanPSL-2.0
# What the sessions have in common; GDB reads it before them.
import gdb

gdb.execute("set pagination off")
gdb.execute("set confirm off")


def run(command):
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return "error: %s" % error


def check(sentence, good, *seen):
    print("%s %s" % ("ok  " if good else "FAIL", sentence))
    if not good:
        print("     seen:", *seen)


def value(expression):
    return int(gdb.parse_and_eval(expression)) & (1 << 64) - 1
