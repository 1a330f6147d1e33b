d = {}
for i in range(200000):
    d[i * 7919 % 65536] = d.get(i % 4096, 0) + i
print(sum(sorted(d.values())[:100]))
