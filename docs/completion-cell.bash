# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# bash completion for bixi-cell.  Commands are read from its help, cells from the driver.
_bixi_cell() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=
    if [ "$COMP_CWORD" = 1 ]; then
        words="$("${COMP_WORDS[0]}" help | sed -nE 's/^  bixi-cell ([a-z]+) .*/\1/p') help version"
    else
        case $command in
        start | shutdown | destroy | stats | console | fault | load | restart)
            [ "$COMP_CWORD" = 2 ] && words=$(cat /sys/devices/bixi/cells/*/name 2>/dev/null) ;;
        config) [ "$COMP_CWORD" = 2 ] && words="compile check create dump" ;;
        create | linux) words=$(for f in /etc/bixi/*.yaml; do [ -e "$f" ] && basename "$f" .yaml; done) ;;
        esac
        case $command in
        list | stats | fault) words+=" --json" ;;
        console) words+=" -f -a" ;;
        linux) words+=" -i -c" ;;
        esac
        [[ $command == config && $word == -* ]] && words="-o -A --dry-run --json"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    case $command in
    enable | create | load | restart | linux | config) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _bixi_cell bixi-cell
