# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# Sourced by the scripts that fetch Debian forky packages.  The only outside source is the mirror that
# this machine's apt is configured with; what apt downloads it checks against its own signed index.

# Prints the base address of the configured Debian mirror (not the security archive).
forky_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1
}

# forky_apt_init DIR [ARCHITECTURE]: makes a private apt root in DIR for forky's packages (of loong64), with an
# index no older than a day, so that nothing of the host's own package state is touched.
forky_apt_init() {
    local mirror architecture=${2:-loong64}
    mkdir -p "$1"
    FORKY_APT=$(cd "$1" && pwd)
    mirror=$(forky_mirror)
    [ -n "$mirror" ] || { echo "forky-apt: apt has no Debian mirror configured; add one to sources.list" >&2; return 1; }
    mkdir -p "$FORKY_APT"/{lists/partial,cache/archives/partial,etc}
    FORKY_OPTS=(-q -o APT::Architecture=$architecture -o APT::Architectures=$architecture -o Dir::State::Lists="$FORKY_APT/lists"
        -o Dir::State::status="$FORKY_APT/status" -o Dir::Cache="$FORKY_APT/cache"
        -o Dir::Etc::SourceList="$FORKY_APT/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null
        -o Dir::Etc::PreferencesParts=/dev/null -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root
        -o Acquire::Languages=none -o Debug::NoLocking=1
        # Kept, also where the host's apt keeps none, as in containers: reading the index anew takes a second.
        -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin)
    # One script at a time: apt makes its cache anew when one of these files changes, and others may be reading it.
    (
        flock 9
        forky_apt_write "$FORKY_APT/status" ""
        forky_apt_write "$FORKY_APT/etc/sources.list" "deb [arch=$architecture] $mirror forky main"
        if [ -z "$(find "$FORKY_APT/updated" -mmin -1440 2>/dev/null)" ]; then
            apt-get "${FORKY_OPTS[@]}" update >&2
            touch "$FORKY_APT/updated"
        fi
        apt-cache "${FORKY_OPTS[@]}" gencaches >&2
    ) 9> "$FORKY_APT/lock"
}

# forky_apt_write FILE LINE: what FILE is to hold; it is left alone if it does.
forky_apt_write() {
    [ -e "$1" ] && [ "$(cat "$1")" = "$2" ] || printf '%s' "${2:+$2
}" > "$1"
}

# forky_show PACKAGE FIELD: a field of the candidate's index entry.
forky_show() {
    apt-cache "${FORKY_OPTS[@]}" show "$1" | sed -n "s/^$2: //p" | head -n 1
}

# forky_fetch PACKAGE DIR: leaves the package's .deb in DIR, checked by SHA-256 against the index, and
# prints its path.  A file already there is used again if its hash still is the index's.
forky_fetch() {
    local package=$1 dir=$2 hash name
    hash=$(forky_show "$package" SHA256)
    name=$(basename "$(forky_show "$package" Filename)")
    [ -n "$hash" ] || { echo "forky-apt: the mirror's forky has no package $package of this architecture" >&2; return 1; }
    mkdir -p "$dir"
    if ! echo "$hash  $dir/$name" | sha256sum -c --status 2>/dev/null; then
        echo "fetching $name" >&2
        (cd "$dir" && apt-get "${FORKY_OPTS[@]}" download "$package" >&2 && for f in "${package}"_*.deb; do
            [ "$f" = "$name" ] || mv -f "$f" "$name"; done)
        echo "$hash  $dir/$name" | sha256sum -c --status ||
            { echo "forky-apt: $name does not have the hash of apt's index; remove $dir and try again" >&2; return 1; }
    fi
    echo "$dir/$name"
}
