#!/bin/sh
# SPDX-License-Identifier: MulanPSL-2.0
# Fixed-work workloads made only of Debian programs. Run as PID 1's child in the guest, or natively.
# Each prints "@@ NAME begin" and "@@ NAME end"; whoever reads the console stamps the times.
W=${W:-/tmp/w}; mkdir -p "$W"; cd "$W" || exit 1
ONLY=${ONLY:-all}
t() { # t NAME COMMAND...
	n=$1; shift
	case ",$ONLY," in *,all,*|*,$n,*) ;; *) return;; esac
	echo "@@ $n begin"; "$@" >/dev/null 2>"$W/err.$n"; r=$?; echo "@@ $n end"
	[ $r = 0 ] || { echo "@@ $n FAILED $r"; head -3 "$W/err.$n"; }
}
# inputs, made deterministically
i=0; : > text; while [ $i -lt 40 ]; do cat /bench/seed.txt >> text; i=$((i+1)); done
cat > fib.lua <<'L'
local function f(n) if n<2 then return n end return f(n-1)+f(n-2) end print(f(31))
L
cat > nbody.lua <<'L'
local sqrt=math.sqrt local b={} for i=1,5 do b[i]={i*1.1,i*0.7,i*0.3,0.01*i,0.02*i,0.03*i,1/i} end
for s=1,40000 do for i=1,5 do local p=b[i] for j=i+1,5 do local q=b[j]
local dx,dy,dz=p[1]-q[1],p[2]-q[2],p[3]-q[3] local d=dx*dx+dy*dy+dz*dz+0.01 local m=0.001/(d*sqrt(d))
p[4]=p[4]-dx*q[7]*m p[5]=p[5]-dy*q[7]*m p[6]=p[6]-dz*q[7]*m q[4]=q[4]+dx*p[7]*m q[5]=q[5]+dy*p[7]*m q[6]=q[6]+dz*p[7]*m end end
for i=1,5 do local p=b[i] p[1]=p[1]+0.001*p[4] p[2]=p[2]+0.001*p[5] p[3]=p[3]+0.001*p[6] end end print(b[1][1])
L
cat > p.py <<'L'
d={}
for i in range(200000): d[i*7919%65536]=d.get(i%4096,0)+i
print(sum(sorted(d.values())[:100]))
L
t zstd      /usr/bin/zstd -q -9 -c text
t sha256    sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do /usr/bin/sha256sum text text text text; done'
t lua-fib   /usr/bin/lua5.4 fib.lua
t lua-nbody /usr/bin/lua5.4 nbody.lua
t python    /usr/bin/python3 p.py
t gcc       /usr/bin/gcc -O2 -c -o x.o /bench/prog.c
t matrixfp  /usr/bin/stress-ng -q --matrix 1 --matrix-size 128 --matrix-method prod --matrix-ops 20
t syscall   /usr/bin/dd if=/dev/zero of=/dev/null bs=1 count=300000
t fork      sh -c 'i=0; while [ $i -lt 300 ]; do /usr/bin/true; i=$((i+1)); done'
echo "@@ all end"
