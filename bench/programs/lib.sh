# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=sh
# Sourced by the lists of workloads, with their arguments: t() runs those whose name or kind is among the words of the
# first, all without any.  Each prints "@@ KIND/NAME begin" and "@@ KIND/NAME end"; whoever reads the console stamps the
# times.
export PATH=/usr/bin:/bin HOME=/tmp
words=${1:-all}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p /tmp/bench
cd /tmp/bench || exit 1

t() { # t KIND NAME COMMAND...
    kind=$1 name=$2
    shift 2
    case ",$words," in *,all,* | *,"$suite",* | *,"$kind",* | *,"$name",*) ;; *) return ;; esac
    echo "@@ $kind/$name begin"
    "$@" > /dev/null 2> error
    status=$?
    echo "@@ $kind/$name end"
    [ $status = 0 ] || { echo "@@ $kind/$name FAILED $status"; head -n 3 error; }
}
times() { # times COUNT COMMAND...
    i=$1
    shift
    while [ "$i" -gt 0 ]; do "$@" || return; i=$((i - 1)); done
}

times 40 cat "$here/seed.txt" > text
