-- SPDX-License-Identifier: MulanPSL-2.0
-- Loops that LuaJIT traces, with side exits, and what its interpreter keeps.
local bit, ffi = require("bit"), require("ffi")
local function sieve(n)
	local composite, count = {}, 0
	for i = 2, n do
		if not composite[i] then
			count = count + 1
			for j = i * i, n, i do composite[j] = true end
		end
	end
	return count
end
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
local function crc(s)
	local c = bit.bnot(0)
	for i = 1, #s do
		c = bit.bxor(c, s:byte(i))
		for _ = 1, 8 do c = bit.bxor(bit.rshift(c, 1), bit.band(0xedb88320, -bit.band(c, 1))) end
	end
	return bit.tohex(bit.bnot(c))
end
local function mandel(n)
	local inside = 0
	for y = 0, n - 1 do
		for x = 0, n - 1 do
			local cr, ci, zr, zi, i = 2 * x / n - 1.5, 2 * y / n - 1, 0, 0, 0
			while i < 50 and zr * zr + zi * zi < 4 do zr, zi, i = zr * zr - zi * zi + cr, 2 * zr * zi + ci, i + 1 end
			if i == 50 then inside = inside + 1 end
		end
	end
	return inside
end
local function closures()
	local list, s = {}, 0
	for i = 1, 100 do list[i] = function(x) return x * i % 1009 end end
	for r = 1, 2000 do for i = 1, 100 do s = s + list[i](r) end end
	return s
end
local function strings()
	local t = {}
	for i = 1, 20000 do t[i] = string.format("%d:%s:%g", i, ("x"):rep(i % 5), i / 3) end
	local s = table.concat(t, ",")
	local n = 0
	for word in s:gmatch("%d+:x*:") do n = n + #word end
	return #s, n, (s:gsub("x+", "-")):len(), crc(s:sub(1, 50000))
end
local function structs()
	ffi.cdef "typedef struct { int32_t a; double b; uint64_t c; uint8_t d[8]; } rec;"
	local r = ffi.new("rec[?]", 1000)
	for round = 1, 200 do
		for i = 0, 999 do
			r[i].a = r[i].a + i; r[i].b = r[i].b + i / 3; r[i].c = r[i].c * 31 + i; r[i].d[i % 8] = r[i].d[i % 8] + 1
		end
	end
	local a, b, c, d = 0, 0, 0ULL, 0
	for i = 0, 999 do a = a + r[i].a; b = b + r[i].b; c = bit.bxor(c, r[i].c); d = d + r[i].d[i % 8] end
	return a, string.format("%.6f", b), tostring(c), d
end
local function coroutines()
	local s = 0
	for v in coroutine.wrap(function() for i = 1, 50000 do coroutine.yield(i) end end) do s = s + v end
	return s
end
local function errors()
	local n = 0
	for i = 1, 20000 do
		local ok, e = pcall(function() if i % 3 == 0 then error("x" .. i, 0) end return i end)
		n = n + (ok and 1 or #e)
	end
	return n
end
local function sorting()
	local t = {}
	for i = 1, 100000 do t[i] = (i * 48271) % 65521 end
	table.sort(t)
	return t[1], t[50000], t[100000]
end
-- The same trace with an integer, a float and a string: side exits and more traces.
local function mixed()
	local n, values = 0, { 1, 2.5, "3", 4, "5.5" }
	for i = 1, 300000 do
		local v = values[i % 5 + 1]
		n = n + (type(v) == "string" and #v or v)
	end
	return n
end
for _, test in ipairs { { "sieve", sieve, 1000000 }, { "fib", fib, 27 }, { "mandel", mandel, 200 }, { "closures", closures },
	{ "strings", strings }, { "structs", structs }, { "coroutines", coroutines }, { "errors", errors }, { "sorting", sorting },
	{ "mixed", mixed } } do
	print(test[1], test[2](test[3]))
end
