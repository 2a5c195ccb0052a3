# Completion of debar(1) for bash.

_debar()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local words=

    COMPREPLY=()

    case $prev in
        -o | --output | -l | --list | --ca | --ca-key | --upstream-ca \
            | --ca-passphrase | --parent-credentials | --tls-cert | --tls-key \
            | --client-ca | --htpasswd | --key | --passphrase | --socket \
            | --pid | --log | --pass-file | --approver | --from | --root \
            | --previous | --preview | --diff | --merge | -A | --against \
            | --in-force | --witness-key | --state | --checkpoint)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        --sign-user)
            mapfile -t COMPREPLY < <(compgen -u -- "$cur")
            return
            ;;
        --mode)
            mapfile -t COMPREPLY < <(compgen -W 'enforce monitor' -- "$cur")
            return
            ;;
        --verdict)
            mapfile -t COMPREPLY < <(
                compgen -W 'pass log block reject' -- "$cur")
            return
            ;;
        --surface)
            mapfile -t COMPREPLY < <(
                compgen -W 'http connect tls inspected response' -- "$cur")
            return
            ;;
        --format)
            if [[ ${COMP_WORDS[1]} == audit && ${COMP_WORDS[2]} == search ]]
            then
                mapfile -t COMPREPLY < <(
                    compgen -W 'table csv json' -- "$cur")
                return
            fi

            mapfile -t COMPREPLY < <(
                compgen -W 'rpz squid hosts edl-domain edl-url edl-ip suricata
                    stix csv' -- "$cur")
            return
            ;;
        --activity)
            mapfile -t COMPREPLY < <(
                compgen -W 'browse update download acquire' -- "$cur")
            return
            ;;
        -X | --request)
            mapfile -t COMPREPLY < <(
                compgen -W 'GET HEAD POST PUT DELETE CONNECT' -- "$cur")
            return
            ;;
    esac

    case ${COMP_CWORD}:${COMP_WORDS[1]}:${COMP_WORDS[2]-} in
        1:*)
            words='audit list check gateway inspect key root sign --help --version'
            ;;
        2:audit:*)
            words='seal rotate index search verify prove check-proof
                consistency replay report export retain witness --help'
            ;;
        *:audit:index)
            words='--follow --rebuild --json --quiet --help'
            ;;
        *:audit:search)
            words='--since --until --user --client --host --vendor --product
                --authority --activity --verdict --surface --event --incident
                --text --limit --format --no-update --quiet --help'
            ;;
        *:audit:seal)
            words='--follow --once --key --pass-file --every --lines
                --rotate-size --rotate --master --policy --user --socket
                --daemon --pid --log --client-uid --client-gid --help'
            ;;
        *:audit:rotate)
            words='--socket --json --help'
            ;;
        *:audit:verify)
            words='--key --checkpoint --witness --witness-quorum --witness-age
                --threads --quiet --json --help'
            ;;
        *:audit:prove)
            words='--output --key --manifest --help'
            ;;
        *:audit:check-proof)
            words='--key --witness --witness-quorum --json --help'
            ;;
        *:audit:consistency)
            words='--log --key --output --proof --json --help'
            ;;
        3:audit:witness)
            words='serve ask show --help'
            ;;
        *:audit:witness)
            case ${COMP_WORDS[3]} in
                serve)
                    words='--key --pass-file --state --log --listen --user
                        --daemon --output --pid --help'
                    ;;
                ask)
                    words='--witness --witness-key --every --key --ca --json
                        --help'
                    ;;
                *)
                    words='--json --help'
                    ;;
            esac
            ;;
        *:audit:replay)
            words='--list --key --json --help'
            ;;
        *:audit:retain)
            words='--keep --searchable --key --sealer-key --pass-file
                --dry-run --quiet --json --help'
            ;;
        3:audit:report)
            words='attempts inventory far window waivers --help'
            ;;
        *:audit:export)
            words='--format --since --until --output --enterprise --to --state
                --follow --ca --cert --key --wait --settle --lag --json --help'
            ;;
        *:audit:report)
            words='--since --until --format --output --top --table --bureaus
                --verify --key --vendor --authority --serial --incident --clause
                --identified --submitted --zone --contract --order
                --deviation-from --help'
            ;;
        2:list:*)
            words='build check preview import match diff due add remove set waive
                unwaive propose approve publish rollback sync export format
                schema csv --help'
            ;;
        2:key:*)
            words='new show --help'
            ;;
        2:root:*)
            words='new next sign check --help'
            ;;
        2:gateway:*)
            words='init start stop reload status pac break-glass --help'
            ;;
        *:list:build)
            words='--output --replace --json --quiet --help'
            ;;
        *:list:preview)
            words='--against --in-force --format --on --since --until --top
                --json --html --output --quiet --help'
            ;;
        *:list:diff)
            words='--all --json --html --output --help'
            ;;
        *:list:due)
            words='--days --on --json --help'
            ;;
        *:list:waive)
            words='--vendor --user --client --order --url --from --until
                --approved-by --why --product --authority --activity --dry-run
                --json --quiet --help'
            ;;
        *:list:unwaive)
            words='--dry-run --json --quiet --help'
            ;;
        *:list:match)
            words='--against --min --accept --json --help'
            ;;
        3:list:import)
            words='sam csl sdn csv gsa --help'
            ;;
        *:list:import)
            words='--into --authority --map --vendor --name --program --since
                --until --classification --individuals --on --dry-run --json
                --quiet --help'
            ;;
        *:list:propose)
            words='--previous --expires --preview --diff --against --root --output
                --replace --json --help'
            ;;
        *:list:approve)
            words='--root --key --pass-file --previous --preview --diff --against
                --merge --show --yes --json --help'
            ;;
        *:key:new)
            words='--output --witness --pass-file --json --help'
            ;;
        *:key:*)
            words='--open --pass-file --json --help'
            ;;
        *:root:new | *:root:next)
            words='--approver --revoke --threshold --until --output --json
                --help'
            ;;
        *:root:sign)
            words='--key --pass-file --from --yes --json --help'
            ;;
        *:root:*)
            words='--from --json --help'
            ;;
        *:list:add)
            words='--action --activity --match --subdomains --pattern --source
                --force --why --sha256 --product --authority --name --comment
                --from-file --dry-run --json --quiet --help'
            ;;
        *:list:remove)
            words='--authority --pattern --all --dry-run --json --quiet --help'
            ;;
        *:list:csv)
            words='export import --output --into --replace --dry-run --quiet
                --help'
            ;;
        *:list:format)
            words='--check --dry-run --quiet --help'
            ;;
        *:list:schema)
            words='--vendor --list --waivers --channels --help'
            ;;
        *:list:set)
            words='--unset --dry-run --json --quiet --help'
            ;;
        *:list:export)
            words='--format --output --activity --on --policy --zone --sid
                --max --drop --no-head --json --quiet --help'
            ;;
        *:list:check)
            words='--json --quiet --help'
            ;;
        *:list:publish)
            words='--to --root --keep --level --json --quiet --help'
            ;;
        *:list:rollback)
            words='--serial --expires --output --json --quiet --help'
            ;;
        *:list:sync)
            words='--from --root --to --every --once --stall --timeout --json
                --quiet --help'
            ;;
        *:check:*)
            words='--list --request --header --data --response
                --response-header --at --user --client --address --asn
                --country --json --jsonl --help'
            ;;
        *:inspect:*)
            words='--list --url --json --serve --socket --max --time --memory
                --pid --log --user --client-uid --client-gid --daemon --help'
            ;;
        *:sign:*)
            words='--ca --key --passphrase --socket --pid --log --user
                --client-uid --client-gid --rate --burst --days --daemon
                --help'
            ;;
        *:gateway:init)
            words='--listen --resolver --list --mode --allow-destination
                --workers --user --force --json --inspect --ca --ca-key
                --ca-passphrase --upstream-ca --sign-user --connect-port --parent
                --parent-credentials --tls-listen --tls-cert --tls-key
                --client-ca --htpasswd --help'
            ;;
        *:gateway:break-glass)
            words='--for --until --reason --by --end --help'
            ;;
        *:gateway:pac)
            words='--proxy --https --direct --help'
            ;;
        *:gateway:status)
            words='--json --help'
            ;;
        *:gateway:*)
            words='--help'
            ;;
    esac

    if [[ $cur == -* || $COMP_CWORD -eq 1 ]] \
        || [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} != @(check|inspect) ]]
    then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}

complete -o filenames -F _debar debar
