#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""inputs.py DIR: writes what the workloads read, the same in each run: text for the compressor and the hashes
(seed.txt), a program for the compiler (prog.c), a moving picture for the encoder (video.y4m)."""
import os
import random
import sys

FUNCTION = """int f{n}(int a, const char *s)
{{
    int r = a * {a};
    double d = a;
    char b[64];

    for (int i = 0; i < a % {b} + 3; i++) {{
        switch ((r ^ i) & 7) {{
        case 0: r += i * {c}; break;
        case 1: r ^= r << 3; break;
        case 2: d *= 1.5; break;
        case 3: r -= strlen(s); break;
        default: r = r >> 1 | i;
        }}
    }}
    snprintf(b, 64, "%d%f%s", r, d, s);
    return r + b[3]{call};
}}
"""


def text(rng):
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(30000)]
    return "".join(word + (" " if (i + 1) % 11 else "\n") for i, word in enumerate(words))


def program():
    functions = [FUNCTION.format(n=n, a=n * 7 + 3, b=n % 13 + 2, c=n * 31 + 1,
                                 call=f" + f{n - 1}(a - 1, s)" if n else "") for n in range(36)]
    return "#include <stdio.h>\n#include <string.h>\n" + "".join(functions) + 'int main() { return f35(3, "x"); }\n'


def video(rng, width=352, height=288, frames=3):
    """A noisy picture that moves by a few pixels a frame, before a still one."""
    noise = bytes(rng.getrandbits(5) for _ in range(width + height))
    parts = [f"YUV4MPEG2 W{width} H{height} F25:1 Ip C420jpeg\n".encode()]
    for frame in range(frames):
        rows = bytearray()
        for y in range(height):
            moved = [(x + 3 * frame, y + frame) if 80 < x < 270 and 60 < y < 220 else (x, y) for x in range(width)]
            rows += bytes(((u * v >> 5) + u + noise[(u * 7 + v) % len(noise)]) & 255 for u, v in moved)
        parts += [b"FRAME\n", bytes(rows), bytes([120]) * (width * height // 4), bytes([130]) * (width * height // 4)]
    return b"".join(parts)


def main():
    rng = random.Random(12345)
    for name, data in (("seed.txt", text(rng).encode()), ("prog.c", program().encode()), ("video.y4m", video(rng))):
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(data)


main()
