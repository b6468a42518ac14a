"""Tables of programs that run other programs: prefixes (`sudo`, `timeout`, `docker exec`) and interpreters (`bash -c`, `psql -c`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REMOTE: Final = frozenset(
    {
        "ssh",
        "docker",
        "podman",
        "kubectl",
        "oc",
        "lxc",
        "crictl",
        "nerdctl",
        "vagrant",
        "plink",
        "gcloud",
        "az",
        "wsl",
        "ansible",
        "salt",
        "pdsh",
        "nsenter",
        "chroot",
        "heroku",
        "fly",
        "incus",
    }
)
"""What runs through these acts on another machine or in a container."""
PRIVILEGED: Final = frozenset({"sudo", "doas", "su", "pkexec", "runuser", "sudoedit", "gosu", "su-exec", "run0"})

SHELLS: Final = frozenset(
    "sh bash zsh dash ksh ash mksh rbash fish csh tcsh yash elvish sash rc xonsh nu pdksh lksh posh oil osh".split()
)
POWERSHELLS: Final = frozenset({"powershell", "powershell.exe", "pwsh", "pwsh.exe"})


@dataclass(frozen=True, slots=True)
class Prefix:
    """How to find the command behind a program that runs it."""

    valued: frozenset[str] = frozenset()
    """Options that take the next word as their value."""
    skip: int = 0
    """Operands before the command: the duration of `timeout`, the container of `docker exec`."""


def _prefix(line: str) -> tuple[str, Prefix]:
    head, _, options = line.partition(":")
    name, _, skip = head.strip().partition("+")
    return name.strip(), Prefix(frozenset(options.split()), int(skip or 0))


# name +operands-before-the-command : options with a value
PREFIXES: Final = dict(
    _prefix(line)
    for line in """
    sudo: -u -g -p -C -h -r -t -U -D -R -T --user --group --prompt --chdir --host
    doas: -u -C
    pkexec: --user
    run0: -u --user
    gosu +1:
    su-exec +1:
    env: -u -C --unset --chdir
    nice: -n --adjustment
    ionice: -c -n -p -P -u --class --classdata
    timeout +1: -k -s --kill-after --signal
    gtimeout +1: -k -s --kill-after --signal
    nohup:
    setsid:
    stdbuf: -i -o -e --input --output --error
    time: -f -o --format --output
    command:
    builtin:
    exec: -a
    chrt +1: -T -P -D
    taskset +1:
    numactl: -m -N -C
    strace: -o -e -p -s -a -u -E -I -O -S -P
    ltrace: -o -e -p -s -a -u -l -n -x -b
    valgrind:
    watch: -n --interval
    flock +1: -w -E --timeout
    setlock +1:
    softlimit: -a -c -d -f -l -m -o -p -r -s -t
    chroot +1:
    unshare: -S -G -R -w
    nsenter: -t -S -G -w
    systemd-run: -p -u --unit --property --uid --gid -M --slice --description --on-calendar --on-active
    caffeinate: -t -w
    firejail:
    proot: -r -b -w -q
    fakeroot:
    unbuffer:
    torsocks:
    torify:
    proxychains:
    proxychains4: -f
    busybox:
    toybox:
    rlwrap:
    catchsegv:
    cpulimit: -l -p -e -P
    multitime: -n -r -f -b
    logsave +1: -a
    setarch +1:
    linux32:
    linux64:
    aa-exec: -p -n
    ssh-agent: -a -t
    sshpass: -p -f -d -P
    xvfb-run: -n -s -e -f -w
    dbus-run-session:
    dbus-launch:
    faketime +1:
    parallel: -j -a --jobs -I -n -N
    entr:
    perf:
    gdb:
    lldb:
    ld.so:
    ld-linux.so:
    prlimit: -p --pid
    setpriv:
    capsh:
    genie: -c
    tini:
    dumb-init:
    poetry run:
    pipenv run:
    uv run: --with --python --group --extra -p
    conda run: -n -p --name --prefix
    hatch run:
    rye run:
    pdm run:
    bundle exec:
    npm exec: -p --package
    pnpm exec:
    yarn exec:
    npx: -p --package
    bunx:
    mise exec:
    direnv exec +1:
    nix run:
    rustup run +1:
    task execute:
    docker exec +1: -e -u -w --env --user --workdir --env-file --detach-keys
    podman exec +1: -e -u -w --env --user --workdir
    nerdctl exec +1: -e -u -w --env --user --workdir
    crictl exec +1:
    lxc exec +1: --env --user --cwd
    incus exec +1: --env --user --cwd
    docker-compose exec +1: -e -u -w --env --user --workdir --index
    docker compose exec +1: -e -u -w --env --user --workdir --index
    docker-compose run +1: -e -u -w -v -p --env --user --workdir --volume --name --entrypoint
    docker compose run +1: -e -u -w -v -p --env --user --workdir --volume --name --entrypoint
    docker run +1: -e -u -w -v -p -h -l -m --env --user --workdir --volume --publish --name --network --net --entrypoint --mount --memory --cpus --hostname --label --env-file --device --cap-add --cap-drop --security-opt --gpus --platform --pid --ipc --userns --ulimit --add-host --restart --log-driver --tmpfs --shm-size
    podman run +1: -e -u -w -v -p -h -l -m --env --user --workdir --volume --publish --name --network --net --entrypoint --mount --memory --cpus --hostname --label --env-file --device --cap-add --cap-drop --security-opt --pid --userns
    distrobox enter +1: -n
    toolbox run: -c
    mpirun: -np -n -H --host -hostfile --hostfile -x
    mpiexec: -np -n -H --host -hostfile
    srun: -n -N -p -t -J -A -w -c --ntasks --nodes --partition --time --gres
    pdsh: -w -x -l -f -t -u
    pssh: -h -H -l -p -t -o -e
    parallel-ssh: -h -H -l -p -t -o -e
    clush: -w -g -x -l -f
    heroku run: -a --app -r
    railway run:
    oc rsh +1: -c
    minikube ssh:
    limactl shell +1:
    tsh ssh +1: -l -p
    aws-vault exec +1: -d --duration
    chamber exec +1:
    doppler run: -p -c --project --config
    op run: --env-file
    infisical run: --env
    foreman run: -e -f -p
    winpty:
    ctr run +2: --mount --env
    ctr task exec +1: --exec-id
    machinectl shell +1:
    flatpak run +1: --command
    """.strip().splitlines()
)

PREFIXED: Final = frozenset(name.partition(" ")[0] for name in PREFIXES) - {
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "npm",
    "uv",
    "poetry",
}
"""Programs whose command line ends in another command."""

# name : option(s) with the text : language. Without such an option the text comes from standard input.
INTERPRETERS: Final = {
    name: (frozenset(options.split()), language)
    for line in """
    python|python2|python3|pypy|pypy3|ipython : -c : python
    node|nodejs|deno|bun : -e -p --eval --print eval -pe : javascript
    perl : -e -E -ne -pe -ple -nle -lne -i.bak : perl
    ruby : -e -ne -pe : ruby
    php : -r : php
    lua|luajit|texlua : -e : lua
    Rscript|R : -e : r
    osascript : -e : applescript
    psql|pgcli|usql|cockroach|vsql : -c --command : sql
    mysql|mariadb|mycli : -e --execute : sql
    sqlcmd|osql|isql|go-sqlcmd : -Q -q : sql
    clickhouse-client|clickhouse : -q --query : sql
    snowsql|vertica : -q --query : sql
    cqlsh : -e --execute : sql
    hive|beeline|impala-shell|presto|trino|spark-sql : -e -q --execute : sql
    duckdb : -c -s : sql
    mongosh|mongo : --eval : mongo
    groovy|scala|julia|jrunscript|jshell|clisp|guile|emacs|ghc|erl|elixir|tclsh|expect|gawk|jjs|raku|octave|racket|sbcl : -e -c -x --eval -eval --execute : other
    """.strip().splitlines()
    for names, options, language in [[part.strip() for part in line.split(" : ")]]
    for name in names.split("|")
}
