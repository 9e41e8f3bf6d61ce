# measure.bash - what bench and remote, which source it, have in common.
# shellcheck shell=bash disable=SC2034,SC2154
#
# They set $root, $parent, $program, $work (a folder of the run, which they remove) and $log in it.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# packages_missing PROGRAM:PACKAGE…: the packages
packages_missing() {
    local need
    for need in "$@"; do PATH=$PATH:/usr/sbin:/sbin type -P "${need%%:*}" > /dev/null || echo "${need##*:}"; done | sort -u
}

# Installs packages, and starts none of their services.
install_packages() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod 755 $policy
    fi
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } > /dev/null
)

need_programs() {      # PROGRAM:PACKAGE…
    local packages
    mapfile -t packages < <(packages_missing "$@")
    if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ]; then
        say "installing ${packages[*]}"
        install_packages "${packages[@]}"
        mapfile -t packages < <(packages_missing "$@")
    fi
    [ ${#packages[@]} -eq 0 ] || { say "missing: apt-get install ${packages[*]}"; exit 1; }
}

# The program as it is in the package, unless another one is named, and the state that it keeps.
find_program() {
    local dotnet
    dotnet=$(readlink -f -- "$(type -P dotnet)")
    [ -n "${DOTNET_ROOT:-}" ] || export DOTNET_ROOT="${dotnet%/*}"
    if [ -z "$program" ]; then
        "$root/tools/package/build" > /dev/null
        program=$root/.artifacts/package/program/zfsarchive
    fi
    export ZFSARCHIVE_STATE=$work/state ZFSARCHIVE_CACHE=$work/cache
}

forget() { rm -rf "$work/state" "$work/cache"; }

build_tool() { # FOLDER below tools
    say "building ${1##*/}"
    (
        mkdir -p "$root/.artifacts"
        exec 9> "$root/.artifacts/build.lock"
        flock 9
        dotnet build "$root/tools/$1" -c Release -v quiet -nologo -nodeReuse:false \
            --disable-build-servers -p:UseSharedCompilation=false 9>&- >&2
    )
}

snapshot=tank/encpass@s1       # what the stream says it is
golden=$root/tests/golden/raw-pass-full.zstream

stream() {     # KIND BYTES: the path of the stream, made when it is not there
    local file=$work/$1-$2.zstream
    [ -e "$file" ] || {
        say "making $((${2} >> 30)) GiB $1"
        dotnet "$root/.artifacts/bin/makestream/release/makestream.dll" "$1" "$2" "$golden" > "$file"
    }
    printf '%s\n' "$file"
}

# timed COMMAND…: runs it with the caller's standard input and output and leaves "wall user sys rss_kib" in $work/times.
# Processes that it waits for count too: user and sys are their sum, rss is that of the largest one.
timed() {
    local TIMEFORMAT='%3R %3U %3S' status=0
    { time command time -q -f %M -o "$work/rss" "$@" 2>> "$log"; } 2> "$work/times.part" || status=$?
    [ $status = 0 ] || { say "failed with status $status: $*"; tail -n 5 "$log" >&2; exit 1; }
    echo "$(tail -n 1 "$work/times.part") $(tail -n 1 "$work/rss")" > "$work/times"
}

# For awk.
# shellcheck disable=SC2016
median='function median(of, n,   s, i, j, x) {
    for (i = 1; i <= n; i++) { x = of[i] + 0; for (j = i - 1; j >= 1 && s[j] > x; j--) s[j + 1] = s[j]; s[j + 1] = x }
    return n % 2 ? s[(n + 1) / 2] : (s[n / 2] + s[n / 2 + 1]) / 2
}'
goal_lines='
    function line(text, value, goal, good) { printf "| %s | %s | %s | %s |\n", text, value, goal, good ? "met" : "**missed**" }
    function most(text, value, goal) { line(text, sprintf("%.2f", value), "at most " goal, value <= goal) }
    function heading() { print "| goal | measured | wanted | |\n|---|--:|--:|---|" }
'

# --- about the machine, and what ran

hardware() {
    printf 'Processor: %s, %s cores. Memory: %s GiB. File system: %s. Linux %s.\n\n' \
        "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)" "$(nproc)" "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" \
        "$(df --output=fstype "$work" | tail -n 1)" "$(uname -r)"
}

versions() {   # OTHER…
    printf 'zfsarchive %s with .NET %s and libzstd %s' \
        "$("$program" --version)" "$(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" { v = $2 } END { print v }')" \
        "$(basename "$(readlink -f "$(PATH=$PATH:/sbin ldconfig -p | awk '/libzstd\.so\.1 / { print $NF; exit }')")" | sed 's/.*so\.//')"
    printf ', %s' "$@" "zstd $(zstd --version | sed -n 's/.* v\([0-9.]*\),.*/\1/p')" "$(restic version | cut -d ' ' -f 1,2)"
    printf '.\n\n'
}

load() { printf 'Load of the machine over the last 15 minutes: %s.\n' "$(cut -d ' ' -f 3 /proc/loadavg)"; }
