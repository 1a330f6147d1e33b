# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# Sourced by the scripts that compile C for the guest's Linux with the GCC of setup-tools.sh's tree.

# cross_gcc DIR TREE: makes DIR/loongarch64-linux-gnu-gcc and -strip.  TREE's GCC calls its parts by name, and
# each part needs the tree's libraries: a starter for each.
cross_gcc() {
    local dir=$1 tree=$2 part
    mkdir -p "$dir"
    cross_starter "$dir/loongarch64-linux-gnu-gcc" "$tree" bin/loongarch64-linux-gnu-gcc "-B$dir/"
    cross_starter "$dir/loongarch64-linux-gnu-strip" "$tree" bin/loongarch64-linux-gnu-strip
    for part in as ld; do cross_starter "$dir/$part" "$tree" "bin/loongarch64-linux-gnu-$part"; done
    for part in "$tree"/usr/libexec/gcc-cross/loongarch64-linux-gnu/*/{cc1,collect2}; do
        cross_starter "$dir/${part##*/}" "$tree" "${part#"$tree/usr/"}"
    done
}

cross_starter() { # NAME TREE PROGRAM [OPTION]
    tree_starter "$1" "$2" "$2/usr/$3" "${4:-}"
}

# tree_starter NAME TREE PROGRAM [OPTION]: PROGRAM is any, which needs libraries as new as TREE's.
tree_starter() {
    printf '#!/bin/sh\nexec "%s/lib64/ld-linux-x86-64.so.2" --library-path "%s/usr/lib/x86_64-linux-gnu" "%s" %s "$@"\n' \
        "$2" "$2" "$3" "${4:-}" > "$1"
    chmod +x "$1"
}
