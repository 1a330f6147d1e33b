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
        create | linux)
            [ "$COMP_CWORD" = 2 ] && words=$(for f in /etc/bixi/*.{yaml,cell} /usr/{local/,}share/bixi/cells/*.yaml; do
                [ -e "$f" ] && basename "${f%.*}"
            done) ;;
        esac
        case $command in
        list | fault) words+=" --json" ;;
        stats) words+=" -i --json" ;;
        console) words+=" -f -a" ;;
        load | restart) words+=" -a" ;;
        linux) words+=" -i -c" ;;
        esac
        if [[ $command == config && $COMP_CWORD -gt 2 ]]; then
            case ${COMP_WORDS[2]} in
            compile) words="-o --dry-run" ;;
            check) words="-A --json" ;;
            create) words="-o" ;;
            dump) words="-o -A --json" ;;
            esac
            [ "${COMP_WORDS[COMP_CWORD - 1]}" = -A ] && words="x86 arm arm64" command=
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    case $command in
    enable | create | load | restart | linux | config) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _bixi_cell bixi-cell
