# Completion of holdfast's verbs and options, asked from the program itself.
_holdfast() {
    local word=${COMP_WORDS[COMP_CWORD]} verbs i
    local -a before=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] && break
        before+=("${COMP_WORDS[i]}")
    done
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(holdfast "${before[@]}" --help 2>/dev/null |
            grep -oE -e '--[a-z-]+' | sort -u)" -- "$word")
        return
    fi
    verbs=$(holdfast help 2>/dev/null | sed -n 's/^  \([a-z -]*[a-z]\)  .*/\1/p' |
        awk -v n="${#before[@]}" -v begin="${before[*]}" '
            { ok = 1; split(begin, b, " "); for (i = 1; i <= n; i++) if ($i != b[i]) ok = 0; if (ok && NF > n) print $(n + 1) }')
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
}
complete -o default -F _holdfast holdfast
