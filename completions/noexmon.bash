# Completion of noexmon for bash. Commands and options are asked of noexmon itself, nodes of the epmd of this
# machine. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# _noexmon_nodes PROGRAM CURRENT [PORT]: first the name of a node, then the host behind it.
_noexmon_nodes() {
    local host
    if [[ $2 != *@* ]]; then
        "$1" names --timeout 300 ${3:+--epmd-port "$3"} 2>/dev/null |
            sed -nE 's/^name (.*) at port [0-9]+$/\1@/p'
    elif [[ $2 != */* ]]; then
        for host in "${HOSTNAME%%.*}" "$HOSTNAME" 127.0.0.1; do
            printf '%s@%s\n' "${2%%@*}" "$host"
        done
    fi
}

_noexmon() {
    local program=$1 words word commands command='' help='' port='' node='' before='' value='' option=''
    local found=()
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}x"
    words[-1]=${words[-1]%x}
    local cur=${words[-1]} prev=${words[-2]}
    local kept=${cur%"$2"} # readline replaces the end of the word only: it also cuts at '@', '=' and ':'
    if [[ $cur == --*=* ]]; then
        option=${cur%%=*}= prev=${cur%%=*} cur=${cur#*=}
    fi

    commands=$("$program" --help 2>/dev/null | sed -nE 's/^  noexmon ([a-z-]+) .*/\1/p')
    for word in "${words[@]:1:${#words[@]}-2}"; do
        [[ $port != next ]] || port=$word
        [[ $word != --epmd-port ]] || port=next
        [[ $word != --epmd-port=* ]] || port=${word#*=}
        [[ $command ]] || command=$(grep -xF -e "$word" <<<"$commands")
        [[ $word != *@* || $word == -* || $before == --name ]] || node=$word
        before=$word
    done
    [[ ! $command ]] || help=$("$program" "$command" --help 2>/dev/null)
    [[ $prev != --* ]] || value=$(sed -nE "s/^  $prev ([A-Z@]+) .*/\1/p" <<<"$help")

    if [[ ! $command ]]; then
        mapfile -t found < <(printf '%s\n' "$commands" --help --version)
    elif [[ $help == *' NODE MODULE '* && $node ]]; then
        : # the function and its arguments
    elif [[ $value == FILE || $value == PATH ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t found < <(compgen -f -- "$cur")
    elif [[ $prev == --tls-verify ]]; then
        found=(full chain none)
    elif [[ $value ]]; then
        :
    elif [[ $cur == -* ]]; then
        mapfile -t found < <(sed -nE 's/^  (--[a-z-]+) .*/\1/p' <<<"$help")
    elif [[ $help == *'[HOST]'* ]]; then
        mapfile -t found < <(compgen -A hostname -- "$cur")
    else
        mapfile -t found < <(_noexmon_nodes "$program" "$cur" "$port" | sort -u)
    fi

    COMPREPLY=()
    for word in "${found[@]}"; do
        [[ $word != "$cur"* ]] || COMPREPLY+=("${option}$word")
    done
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *@ ]] || compopt -o nospace 2>/dev/null
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

complete -F _noexmon noexmon
