# fish completion of zfsarchive: the program itself is asked.
function __zfsarchive_suggest
    set -l line (commandline -cp)
    set -l program (commandline -opc)[1]
    command -q $program; or return 0
    command $program "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null </dev/null
end
complete -c zfsarchive -a '(__zfsarchive_suggest)'
