"""What commands of known programs do, as tables: one line a command, so that a new one is a new line.

core/shell/commands/rows.py says how a line is written. Options with a value are listed in `_VALUED`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from toolguard.core.acts import NOWHERE, Act, Place
from toolguard.core.model import Confidence, EffectClass, Reach, Severity
from toolguard.core.shell.commands import names, platform, services, system, windows
from toolguard.core.shell.commands.rows import SEVERITIES, Row, fits, rows

_VALUED: Final = {
    names_: frozenset(options.split())
    for line in """
    git : -C -c --git-dir --work-tree --namespace --exec-path
    docker|podman|nerdctl : -H --host --context --config -l --log-level
    docker-compose : -f --file -p --project-name --profile --env-file
    kubectl|oc : -n --namespace --context --cluster --kubeconfig --user --as -s --server -o --output -l --selector -f --filename -c --container --image --replicas
    helm : -n --namespace --kube-context --kubeconfig -f --values --set --version --timeout
    aws : --region --profile --output --query --endpoint-url --cli-input-json
    gcloud|gsutil|bq : --project --account --format --configuration --zone --region -o -h -u
    az : --subscription --output -o --query --resource-group -g --name -n
    vault : -namespace --namespace -address --address
    terraform|tofu|terragrunt|pulumi : -chdir --cwd --stack -s
    psql|mysql|mysqladmin|mariadb|mariadb-admin|pg_restore|redis-cli|dropdb|dropuser|createuser : -h -p -U -d -u -P -H -n -a --host --port --user --username --dbname --socket -S --pass
    systemctl|service|journalctl : -H -M -t -p -n --host --machine --type --property --lines --signal -s
    npm|pnpm|yarn|poetry|cargo|pip|uv : --prefix -C --cwd --dir --registry --directory --manifest-path
    ansible|ansible-playbook : -i -m -a -u -e -l -t --inventory --module-name --args --user --extra-vars --limit --tags -f --forks
    nats : -s --server --context --user --password --creds
    rclone|restic|borg|velero : --config --repo -r -n --namespace --password-file
    curl : -X -H -d
    ufw|iptables|ip6tables|nft : -t --table
    nmap|masscan|naabu|rustscan : -p --ports -oN -oX -oG -oA -oS --script --script-args --max-rate --rate --top-ports -e --host-timeout
    ab|wrk|hey|bombardier|siege : -n -c -t -d -z -q -m -r -l
    nc|ncat|netcat : -p -w -q -i
    bitcoin-cli|litecoin-cli|solana|spl-token|cast : -u --url -k --keypair --from --rpc-url --private-key --account
    gh|glab : -R --repo
    kafka-topics|kafka-topics.sh|kafka-consumer-groups|kafka-configs : --bootstrap-server --zookeeper --topic --group
    java : -jar -cp -classpath -s -auth
    rabbitmqctl|rabbitmqadmin : -n --node -p --vhost -H -u --host --username --password -V
    """.strip().splitlines()
    for names, options in [[part.strip() for part in line.split(" : ")]]
    for names_ in names.split("|")
}
_HARMLESS: Final = frozenset(
    {
        "--help",
        "-help",
        "--version",
        "--dry-run",
        "--dryrun",
        "--dry-run=client",
        "--dry-run=server",
        "--what-if",
        "--whatif",
        "-whatif",
        "--simulate",
        "--just-print",
        "--check-only",
        "/?",
    }
)
"""With one of these a command only says what it would do."""


def _table() -> dict[str, list[Row]]:
    table: dict[str, list[Row]] = {}
    for text in (platform.TABLE, services.TABLE, system.TABLE, windows.TABLE):
        for program, row in rows(text):
            table.setdefault(program, []).append(row)
    return table


_TABLE: Final = _table()

_DESTRUCTIVE: Final = frozenset(
    "delete del destroy purge remove rm drop wipe erase terminate revoke unregister deregister uninstall nuke truncate flush reset "
    "rdelete repo-delete force_reset decommission deprovision obliterate clear-all delete-all".split()
)
"""Verbs that mean the same in every tool with a `noun verb` or `verb noun` grammar."""
_DESTRUCTIVE_PREFIXES: Final = (
    "delete-",
    "delete_",
    "destroy-",
    "destroy_",
    "remove-",
    "purge-",
    "purge_",
    "drop-",
    "drop_",
    "terminate-",
    "batch-delete",
    "revoke-",
    "deregister-",
    "disable-",
    "force-delete",
    "wipe-",
    "clear_",
)
_PLAIN: Final = frozenset(
    """echo printf cat head tail less more grep egrep fgrep rg ag ack awk gawk sed cut sort uniq wc tr tee diff comm join paste fold fmt nl od xxd
    hexdump strings file stat ls dir tree find fd locate which whereis type command man info help apropos whatis history basename dirname realpath
    readlink pwd cd pushd popd test expr seq date cal sleep true false yes env printenv export set unset alias read id whoami groups hostname uname
    uptime df du free ps top make cmake ninja bazel npx bunx python node ruby perl php go cargo rustc gcc cc javac java mvn gradle gradlew pytest
    jest mocha tox nox npm yarn pnpm bun deno pip pipx uv poetry conda apt apt-get brew git curl wget http httpie ssh scp rsync vi vim nano emacs code
    open xdg-open say touch mkdir rmdir rm mv cp ln chmod chown tar zip unzip gzip gunzip bash sh zsh sudo jq yq xmllint tldr cheat xargs parallel entr watch nohup time timeout command builtin base64 md5sum sha256sum
    get-help get-command write-host write-output write-verbose
    tmux screen kill pkill docker-credential rails rake bundle gem manage.py django-admin flask alembic prisma mail sendmail""".split()
)
"""Programs whose operands are texts, files or sub-commands of a project: a verb among them means nothing by itself."""


def acts(program: str, args: tuple[str, ...], place: Place = NOWHERE, *, wraps: bool = False) -> tuple[Act, ...]:
    """What a command of this program does beyond its files and its network partners; with `wraps` only by its own rows."""
    if any(arg.lower() in _HARMLESS for arg in args):
        return ()
    found = _matches(program, args[:200], wraps)
    return tuple(_placed(row, target, program, place) for row, target in found)


@lru_cache(maxsize=4096)
def _matches(program: str, args: tuple[str, ...], wraps: bool) -> tuple[tuple[Row, str], ...]:
    lines = _TABLE.get(program.lower()) or _TABLE.get(program.lower().partition(".")[0] + ".*", [])
    operands = _operands(program, args)
    if operands[:1] == ["help"] or operands[-1:] == ["help"]:
        return ()
    found = list(_fitting(lines, operands, args))
    known = {row.finding for row, _ in found}
    if wraps:
        return tuple(found)
    if not lines and "-" in program and program.lower() not in _PLAIN:
        found += [(row, operands[0][:200] if operands else "") for row in _cmdlet(program.lower())]
        if found or windows.READS.match(program):
            return tuple(found)
    if (not lines and program.lower() not in _PLAIN) or (lines and not found and program in _GENERIC_TOO):
        generic = _generic(program, operands)
        if generic is not None and generic[0].finding not in known:
            found.append(generic)
    return tuple(found)


def _fitting(lines: list[Row], operands: list[str], args: tuple[str, ...]) -> Iterable[tuple[Row, str]]:
    options = [arg for arg in args if arg[:1] == "-" and len(arg) > 1]
    settled: set[str] = set()
    for row in lines:
        if row.finding not in settled and fits(row, operands, options, args):
            yield (replace(row, severity=Severity.LOW) if _stays_here(row, operands) else row), _target(row, operands)
            if row.instead:
                settled.add(row.finding)


def _stays_here(row: Row, operands: list[str]) -> bool:
    """A scan, a load or a listener that names hosts, and none but this machine."""
    if row.finding == "network.listens":
        operands = [operand for operand in operands if not operand.isdigit()]  # ports
    elif row.finding not in ("network.scans", "system.exhausts"):
        return False
    return bool(operands) and all(names.is_in("here", operand) for operand in operands)


_GENERIC_TOO: Final = frozenset(
    "aws gcloud az gh glab kubectl oc helm vault doctl heroku fly flyctl vercel netlify firebase supabase stripe consul nomad nats redis-cli rabbitmqctl rabbitmqadmin kafka-topics circleci velero rclone restic borg wrangler linode-cli hcloud ibmcloud oci openstack aliyun databricks snow argocd flux istioctl eksctl minikube kind k3d lxc incus virsh VBoxManage multipass vagrant docker podman docker-compose zfs btrfs lvremove java pm2 supervisorctl".split()
)
"""Programs with rows of their own whose other commands follow the usual grammar."""


def _operands(program: str, args: tuple[str, ...]) -> list[str]:
    valued = _VALUED.get(program, frozenset())
    operands: list[str] = []
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg.startswith("-") and arg not in ("-", "--"):
            skip = arg in valued
        elif arg != "--":
            operands.append(arg)
    return operands


def _target(row: Row, operands: list[str]) -> str:
    rest = operands[len(row.operands) :]
    return rest[0][:200] if rest else ""


def _generic(program: str, operands: list[str]) -> tuple[Row, str] | None:
    """`tool noun delete NAME`, `tool delete-noun`: destruction by the verb alone."""
    for index, operand in enumerate(operands[:4]):
        lowered = operand.lower()
        if (
            lowered in _DESTRUCTIVE
            or lowered.startswith(_DESTRUCTIVE_PREFIXES)
            or lowered.partition(":")[2] in ("delete", "destroy", "remove", "purge")
            or (lowered == "clear" and index)
        ):
            thing = " ".join(operands[:index][-1:]) or "something"
            row = Row(
                "infrastructure.deletes",
                EffectClass.DELETE,
                None,
                f"{program} {lowered}: removes {thing} for good",
            )
            return row, operands[index + 1][:200] if len(operands) > index + 1 else thing
    return None


def _cmdlet(name: str) -> Iterable[Row]:
    """What the verb and the noun of a PowerShell command say, where no row names it."""
    for pattern, finding, effect, severity, sentence in windows.CMDLETS:
        if pattern.match(name):
            yield Row(finding, EffectClass(effect), SEVERITIES[severity], f"{name}: {sentence}")
            return


def _placed(row: Row, target: str, program: str, place: Place) -> Act:
    return Act(
        row.effect_class,
        row.sentence,
        row.finding,
        target,
        Reach.UNKNOWN,
        False if row.effect_class is EffectClass.DELETE else None,
        place,
        program,
        row.severity,
        Confidence.HIGH if row.severity else None,
    )
