local inside = 0
for row = 0, 159 do
    for column = 0, 159 do
        local cx, cy = column / 64 - 2, row / 64 - 1.25
        local x, y, n = 0.0, 0.0, 0
        while n < 100 and x * x + y * y < 4 do
            x, y, n = x * x - y * y + cx, 2 * x * y + cy, n + 1
        end
        if n == 100 then inside = inside + 1 end
    end
end
print(inside)
