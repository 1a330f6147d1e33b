# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# bash completion for bixi.  The options are read from "bixi run -h", so that they are named once.
_bixi() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "run disasm help version" -- "$word")
        return
    fi
    case $before in
    --cpu) mapfile -t COMPREPLY < <(compgen -W "la464 la464,lvz=off la664 la664,lvz=off max max,lvz=off" -- "$word") ;;
    -M) mapfile -t COMPREPLY < <(compgen -W "virt" -- "$word") ;;
    --serial | --console | --monitor) mapfile -t COMPREPLY < <(compgen -W "stdio file: pty unix: tcp: null" -- "$word") ;;
    --qmp) mapfile -t COMPREPLY < <(compgen -W "unix: tcp:" -- "$word") ;;
    --net) mapfile -t COMPREPLY < <(compgen -W "user user,hostfwd=tcp: tap= socket= none" -- "$word") ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W "jit interp check" -- "$word") ;;
    --host-features) mapfile -t COMPREPLY < <(compgen -W "all none avx512vl avx512bw avx512dq avx512cd vbmi vbmi2 bitalg vpopcntdq gfni clmul" -- "$word") ;;
    --llsc) mapfile -t COMPREPLY < <(compgen -W "strict compare" -- "$word") ;;
    --trace) mapfile -t COMPREPLY < <(compgen -W "exception interrupt tlb device csr vmexit all" -- "$word") ;;
    *)
        if [[ $word == -* && ${COMP_WORDS[1]} == run ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" run -h | grep -oE '^  (-[a-zA-Z])?,? ?(--[a-z-]+)?' | tr -d ',')" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi ;;
    esac
}
complete -o filenames -F _bixi bixi
