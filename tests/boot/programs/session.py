# SPDX-License-Identifier: MulanPSL-2.0
# What session.sh has python do: dictionaries, strings, long integers, floats, a generator, an exception.
import math


def primes(limit):
    sieve = bytearray([1]) * limit
    for n in range(2, limit):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, limit, n)))
            yield n


words = {}
for n in primes(20000):
    words.setdefault(str(n)[-2:], []).append(n)
print(sum(len(v) for v in words.values()), max(words, key=lambda k: (len(words[k]), k)))
print(pow(3, 5000) % 10**40)
print(f"{sum(math.sin(n) * math.exp(-n / 50) for n in range(500)):.9f}")
try:
    print(words["none"])
except KeyError as error:
    print("no", error)
