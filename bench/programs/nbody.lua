-- Five bodies attract each other: x, y, z, vx, vy, vz, mass.
local sqrt = math.sqrt
local bodies = {}
for i = 1, 5 do bodies[i] = { i * 1.1, i * 0.7, i * 0.3, 0.01 * i, 0.02 * i, 0.03 * i, 1 / i } end
for _ = 1, 40000 do
    for i = 1, 5 do
        local p = bodies[i]
        for j = i + 1, 5 do
            local q = bodies[j]
            local dx, dy, dz = p[1] - q[1], p[2] - q[2], p[3] - q[3]
            local d = dx * dx + dy * dy + dz * dz + 0.01
            local m = 0.001 / (d * sqrt(d))
            p[4] = p[4] - dx * q[7] * m
            p[5] = p[5] - dy * q[7] * m
            p[6] = p[6] - dz * q[7] * m
            q[4] = q[4] + dx * p[7] * m
            q[5] = q[5] + dy * p[7] * m
            q[6] = q[6] + dz * p[7] * m
        end
    end
    for i = 1, 5 do
        local p = bodies[i]
        p[1] = p[1] + 0.001 * p[4]
        p[2] = p[2] + 0.001 * p[5]
        p[3] = p[3] + 0.001 * p[6]
    end
end
print(bodies[1][1])
