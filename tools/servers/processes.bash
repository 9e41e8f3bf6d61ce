# processes.bash - for the servers beside it, which source it: processes of their own, and free ports.
# shellcheck shell=bash
#
# A server's folder is $folder: pid files in run/, what the processes say in log/.

# since PID: when a living process began, in ticks since boot. A PID alone may be a
# stranger's later; and one that has ended stays a zombie where nobody waits for it.
since() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
    read -r -a fields <<< "${stat##*) }"
    case ${fields[0]} in Z | X) return 1 ;; esac
    echo "${fields[19]}"
}

# pid_of NAME: nothing, and an error, when it does not run.
pid_of() {
    local pid began
    { read -r pid began < "$folder/run/$1.pid"; } 2> /dev/null || return 1
    [ "$(since "$pid")" = "$began" ] && echo "$pid"
}

alive() { pid_of "$1" > /dev/null; }

# spawn NAME COMMAND...: in a session of its own, so that ^C at a terminal does not reach it.
spawn() {
    local name=$1
    shift
    setsid "$@" < /dev/null >> "$folder/log/$name.out" 2>&1 &
    echo "$! $(since $!)" > "$folder/run/$name.pid"
}

# gone NAME SECONDS: waits for its end.
gone() {
    local until=$((SECONDS + $2))
    while alive "$1"; do
        [ "$SECONDS" -le "$until" ] || return 1
        sleep .02
    done
    rm -f "$folder/run/$1.pid"
}

# signal NAME SIGNAL
signal() {
    local pid
    pid=$(pid_of "$1") && kill "-$2" "$pid" 2> /dev/null
}

# end NAME SECONDS: asks for it, and then does it.
end() {
    signal "$1" TERM || true
    gone "$1" "$2" || finish "$1"
}

# finish NAME: at once, whether it is paused or not.
finish() {
    signal "$1" KILL || true
    gone "$1" 10
}

# free_port: below the ports that the kernel gives to outgoing connections, so that a
# server finds it free again after a pause.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
    done
    return 1
}

# own_folder KIND: makes $folder, or takes one that this kind of server made. The mark is
# also what allows to remove it.
own_folder() {
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd -P)
    [ -e "$folder/.$1" ] || [ -z "$(ls -A "$folder")" ] || die "$folder is not empty, and no $1 of before"
    touch "$folder/.$1"
    mkdir -p "$folder/run" "$folder/log"
}
