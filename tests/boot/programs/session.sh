# SPDX-License-Identifier: MulanPSL-2.0
# A session of gcc, python and openssl, in the directory of its files; what it prints is session.sh.expected.
here=$(cd "$(dirname "$0")" && pwd)
cd /tmp || exit 1
export PATH=/usr/bin:/bin
gcc -O2 -ffp-contract=off -Wall -o session "$here/session.c" -lm && ./session gcc
python3 "$here/session.py"
seq=1
while [ $seq -le 3000 ]; do echo "line $seq of what is encrypted"; seq=$((seq + 1)); done > plain
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
for digest in sha256 sha512 sha3-256 blake2b512 md5; do openssl dgst -$digest < plain; done
for cipher in aes-256-cbc aes-128-ctr chacha20 camellia-256-cbc; do
    openssl enc -$cipher -K "$(echo $key | cut -c "1-$([ $cipher = aes-128-ctr ] && echo 32 || echo 64)")" \
        -iv 101112131415161718191a1b1c1d1e1f -in plain -out secret
    openssl dgst -sha256 < secret
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private 2> /dev/null
openssl pkey -in private -pubout -out public
openssl dgst -sha256 -sign private -out signature plain
openssl dgst -sha256 -verify public -signature signature plain
openssl prime 170141183460469231731687303715884105727
