# bash completion of zfsarchive: the program itself is asked.
# shellcheck shell=bash
_zfsarchive() {
    local program=$1 suggestions
    # a name is also completed when the program went away since: then by nothing
    COMPREPLY=()
    type -P "$program" > /dev/null || return 0
    suggestions=$("$program" "[suggest:$COMP_POINT]" "$COMP_LINE" 2> /dev/null < /dev/null) || return 0
    local cur=${COMP_WORDS[COMP_CWORD]}
    mapfile -t COMPREPLY < <(compgen -W "${suggestions//$'\n'/ }" -- "$cur")
}
# where it has nothing to say: names of files
complete -o default -F _zfsarchive zfsarchive
