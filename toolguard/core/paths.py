"""Paths, lexically: no file system is asked, so links are not followed and nothing here proves that a file exists.

`kinds(path)` says what sort of place a path is. Places are tables of patterns over a normal form in which every home folder
is `~`, Windows drives are `c:` and separators are `/`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

MAX_PATH: Final = 4096
# A path needs so many characters only to overflow something; the rest of it is not looked at.


class Kind(StrEnum):
    """What sort of place a path is."""

    ROOT = "root"
    """A whole disk, a top-level system folder, or somebody's whole home."""
    SYSTEM = "system"
    """Belongs to the operating system or to all users."""
    CREDENTIALS = "credentials"
    """Keys, tokens, password stores."""
    ACCOUNTS = "accounts"
    """Who exists on this machine, who may log in, who may become root."""
    STARTUP = "startup"
    """Runs by itself later: shell start files, services, timers, hooks, preloads."""
    LOGS = "logs"
    HISTORY = "history"
    MEMORY = "memory"
    """Memory and environment of the kernel or of other programs."""
    DISK = "disk"
    """A raw block device."""
    SECRETS = "secrets"
    """Settings that usually hold secrets, such as .env."""
    TEMPORARY = "temporary"
    GENERATED = "generated"
    """Build results, caches, installed dependencies: made again by a command."""
    HARMLESS = "harmless"
    """/dev/null and its like."""
    NETWORK = "network"
    """Says whom this machine talks to: hosts file, resolver, proxy, package sources."""


_HOME: Final = re.compile(
    r"^(?:\$\{?home\}?|%userprofile%|%homepath%|\$env:(?:userprofile|home)|~[a-z0-9_.-]*|/root|/(?:home|users)/[^/*]+|/var/root|c:/users/[^/*]+|c:/documents and settings/[^/]+)(?=/|$)"
)
"""The many ways to write a home folder."""
_WINDOWS: Final = re.compile(r"^(?:[a-zA-Z]:[\\/]|\\\\|%\w+%[\\/]|\$env:)|\\")  # drive, share, variable or a backslash
_VARIABLES: Final = {
    "%systemroot%": "c:/windows",
    "%windir%": "c:/windows",
    "%systemdrive%": "c:",
    "%programfiles%": "c:/program files",
    "%programdata%": "c:/programdata",
    "%appdata%": "~/appdata/roaming",
    "%localappdata%": "~/appdata/local",
    "%temp%": "c:/windows/temp",
    "%tmp%": "c:/windows/temp",
    "$env:systemroot": "c:/windows",
    "$env:windir": "c:/windows",
    "$env:appdata": "~/appdata/roaming",
    "$env:localappdata": "~/appdata/local",
    "$env:temp": "c:/windows/temp",
    "$env:programdata": "c:/programdata",
    "$tmpdir": "/tmp",  # noqa: S108 - a place to judge, none to write to
    "${tmpdir}": "/tmp",  # noqa: S108
}


def _any(*lines: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for line in lines for part in line.split()))


# Whole normal form, lower case. One line a platform or family; a new place is one more word.
_TABLES: Final = {
    Kind.HARMLESS: _any(
        r"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/\d+|random|urandom|ptmx|pts/\d+)$", r"nul$"
    ),
    Kind.DISK: _any(
        r"/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk\d|rdisk\d|md\d|dm-\d|mapper/|loop\d|mtd|block/)",
        r"//\./physicaldrive\d //\./[a-z]:$",
    ),
    Kind.MEMORY: _any(
        r"/dev/k?mem$ /dev/port$ /proc/kcore$ /proc/kallsyms$ /proc/[^/]+/(?:environ|mem)$ /proc/(?!self/|\$)[^/]+/(?:maps|fd(?:/.*)?|root(?:/.*)?|auxv|stack)$ /proc/sysrq-trigger$"
    ),
    Kind.CREDENTIALS: _any(
        r"(?:.*/)?\.ssh/(?!config$|known_hosts|authorized_keys|environment|rc$|.*\.pub$).+ ~/\.ssh(?:/\*)?$ (?:.*/)?id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$",
        r"(?:.*/)?\.aws(?:/(?:credentials|sso/cache.*|cli/cache.*|\*))?$ (?:.*/)?\.boto$ (?:.*/)?\.s3cfg$ (?:.*/)?\.oci/(?:sessions.*|.*\.pem)$",
        r"(?:.*/)?gcloud/(?:credentials\.db|access_tokens\.db|application_default_credentials\.json|legacy_credentials.*)$ (?:.*/)?service[-_]account.*\.json$",
        r"(?:.*/)?\.azure(?:/(?:accesstokens\.json|msal_token_cache.*|service_principal_entries.*|\*))?$",
        r"(?:.*/)?\.kube(?:/config)?$ /etc/kubernetes/(?:admin|kubelet|controller-manager|scheduler)\.conf$ /etc/kubernetes/pki.* (?:/var)?/run/secrets/.*token$",
        r"(?:.*/)?\.docker/config\.json$ (?:.*/)?\.netrc$ (?:.*/)?_netrc$ (?:.*/)?\.pgpass$ (?:.*/)?\.my\.cnf$ (?:.*/)?\.mylogin\.cnf$",
        r"(?:.*/)?\.git-credentials$ (?:.*/)?\.config/(?:gh/hosts\.yml|hub|git/credentials|glab-cli/config\.yml)$ (?:.*/)?\.vault-token$",
        r"~/\.npmrc$ (?:.*/)?\.pypirc$ (?:.*/)?\.gem/credentials$ (?:.*/)?\.cargo/credentials(?:\.toml)?$ (?:.*/)?\.terraform\.d/credentials.*$ (?:.*/)?\.terraformrc$",
        r"(?:.*/)?\.gnupg(?:/.*)?$ (?:.*/)?\.password-store(?:/.*)?$ (?:.*/)?keyrings(?:/.*)?$ (?:.*/)?library/keychains(?:/.*)?$ .*\.keychain(?:-db)?$ .*\.kdbx?$ .*\.jks$ .*\.p12$ .*\.pfx$ .*\.ppk$ .*\.keytab$",
        r"(?:.*/)?(?:logins\.json|key[34]\.db|cookies\.sqlite|signons\.sqlite)$ .*/(?:chrome|chromium|brave[^/]*|edge|opera[^/]*|user\data|default|safari)/(?:.*/)?(?:login\sdata|cookies|web\sdata|local\sstate|cookies\.binarycookies)$ .*cookies\.binarycookies$",
        r"(?:.*/)?wallet\.dat$ (?:.*/)?\.(?:bitcoin|electrum|ethereum|monero|exodus)(?:/.*)?$ (?:.*/)?solana/id\.json$ (?:.*/)?keystore/utc--.*$",
        r"/etc/(?:g?shadow-?|master\.passwd|spwd\.db|security/opasswd|krb5\.keytab|ssl/private(?:/.*)?|ssh/ssh_host_.*_key|ppp/chap-secrets|wireguard(?:/.*)?)$ /var/lib/(?:samba/private.*|sss/db.*)$ (?:.*/)?master\.key$ (?:.*/)?credentials\.(?:json|xml|yml|yaml|db|ini)$ (?:.*/)?(?:private|priv|server|client|tls|ssl)[-_.]?key\.pem$ (?:.*/)?privkey.*\.pem$",
        r"(?:.*/)?windows/(?:system32/config|repair)/(?:sam|system|security).* (?:.*/)?ntds(?:\.dit|/.*)?$ (?:.*/)?microsoft/(?:credentials|protect|vault)(?:/.*)?$ (?:.*/)?unattend\.xml$ (?:.*/)?sysprep\.(?:xml|inf)$ (?:.*/)?groups\.xml$ (?:.*/)?lsass.*\.dmp$",
    ),
    Kind.ACCOUNTS: _any(
        r"/etc/(?:passwd-?|group-?|g?shadow-?|master\.passwd|sudoers|sudoers\.d(?:/.*)?|doas\.conf|login\.defs|login\.access|nsswitch\.conf|shells|securetty)$",
        r"/etc/security(?:/.*)?$ /etc/pam\.d(?:/.*)?$ /etc/pam\.conf$ /var/lib/pam(?:/.*)?$ (?:/usr)?/lib(?:64|/[^/]+)?/security(?:/.*)?$ /etc/polkit-1(?:/.*)?$ /var/lib/accountsservice.*",
        r"(?:.*/)?\.ssh/(?:authorized_keys2?|rc|environment|config)$ /etc/ssh(?:/.*)?$ (?:.*/)?\.rhosts$ (?:.*/)?\.shosts$ /etc/hosts\.equiv$ /etc/krb5\.conf$ ~/\.k5login$ /usr/share/base-passwd(?:/.*)?$",
    ),
    Kind.STARTUP: _any(
        r"(?:.*/)?\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zprofile|zshenv|zlogin|zlogout|kshrc|cshrc|tcshrc|login|logout|xinitrc|xprofile|xsession|xsessionrc|inputrc)$",
        r"/etc/(?:profile|bash\.bashrc|bashrc|zshrc|zprofile|zshenv|environment|rc\.local|rc\.common|inittab|rc|crontab|anacrontab|at\.(?:allow|deny)|cron\.(?:allow|deny)|modules|inputrc|csh\.cshrc|csh\.login)$",
        r"/etc/(?:profile\.d|init\.d|rc\d?\.d|rc\.d|init|systemd|cron[^/]*|con\.[^/]*|xdg/autostart|modules-load\.d|modprobe\.d|udev|update-motd\.d|networkd-dispatcher|netplan|dhcp|acpi|apt/apt\.conf\.d|ld\.so\.conf\.d|skel|logrotate\.d|launchd\.conf|emond\.d|periodic)(?:/.*)?$",
        r"(?:/usr)?(?:/local)?/lib/systemd(?:/.*)?$ /run/systemd(?:/.*)?$ (?:.*/)?\.config/(?:systemd|autostart|fish|environment\.d|plasma-workspace)(?:/.*)?$ /usr/local/etc/(?:rc\.d|cron\.d|periodic)(?:/.*)?$ /var/(?:spool|cron)/(?:cron|at|tabs|crontabs|anacron)?.*",
        r"(?:.*/)?launch(?:agents|daemons)(?:/.*)?$ /etc/ld\.so\.(?:preload|conf|cache)$ (?:.*/)?\.git/hooks(?:/.*)?$ (?:.*/)?library/(?:startupitems|scriptingadditions|loginwindow)(?:/.*)?$ (?:.*/)?com\.apple\.loginwindow.*\.plist$ /var/db/(?:emondclients|launchd).*",
        r"(?:.*/)?start\smenu/programs/startup(?:/.*)?$ (?:.*/)?profile\.ps1$ (?:.*/)?microsoft\.powershell_profile\.ps1$ (?:.*/)?windows/system32/(?:tasks|grouppolicy)(?:/.*)?$ (?:.*/)?windows/tasks(?:/.*)?$ (?:.*/)?autoexec\.bat$",
        r"(?:.*/)?site-packages/[^/]+\.pth$ (?:.*/)?(?:site|user)customize\.py$ (?:.*/)?\.vscode/tasks\.json$ (?:.*/)?\.envrc$ ~/\.(?:gitconfig|config/git/config|vimrc|emacs|tmux\.conf|gdbinit|pythonrc|config/pip/pip\.conf|pip/pip\.conf)$",
    ),
    Kind.LOGS: _any(
        r"(?:/private)?/var/(?:log|audit|adm)(?:/.*)?$ /(?:var/)?run/utmp$ /var/spool/mail(?:/.*)?$ /var/mail(?:/.*)?$ (?:.*/)?library/logs(?:/.*)?$ (?:.*/)?winevt/logs(?:/.*)?$ .*\.evtx?$ (?:.*/)?inetpub/logs(?:/.*)?$ (?:/private)?/var/db/diagnostics.* .*/\.fseventsd.*",
    ),
    Kind.HISTORY: _any(
        r"(?:.*/)?\.(?:bash|zsh|sh|ksh|python|node_repl|mysql|psql|sqlite|rediscli|irb|ash)?_?history$ (?:.*/)?\.(?:viminfo|lesshst|wget-hsts)$ \$\{?histfile\}?$ (?:.*/)?consolehost_history\.txt$ (?:.*/)?fish_history$ (?:.*/)?\.zsh_sessions.* (?:.*/)?recentdocs.*",
    ),
    Kind.SECRETS: _any(
        r"(?:.*/)?\.env(?:\.(?!example|sample|template|dist|test)[\w.-]+)?$ (?:.*/)?secrets?(?:\.[\w-]+)?\.(?:ya?ml|json|toml|env|ini)$ (?:.*/)?[\w.-]+\.tfstate(?:\.backup)?$ (?:.*/)?wp-config\.php$ (?:.*/)?\.htpasswd$ (?:.*/)?(?:passwords?|credentials)\.(?:txt|csv|xlsx?|kdbx|md)$"
    ),
    Kind.NETWORK: _any(
        r"/etc/(?:hosts|resolv\.conf|hosts\.(?:allow|deny)|nftables\.conf|iptables(?:/.*)?|ufw(?:/.*)?|default/ufw|pf\.conf|pf\.anchors(?:/.*)?|firewalld(?:/.*)?|proxychains.*|apt/sources\.list(?:\.d(?:/.*)?)?|yum\.repos\.d(?:/.*)?|ca-certificates.*|ssl/certs(?:/.*)?)$ (?:.*/)?drivers/etc/hosts$"
    ),
    Kind.TEMPORARY: _any(
        r"/(?:var/)?tmp/.+ /private/tmp/.+ /private/var/folders/.+ /dev/shm/.+ /run/user/\d+/.+ (?:.*/)?appdata/local/temp/.+ c:/(?:windows/)?temp/.+"
    ),
    Kind.GENERATED: _any(
        r"(?:.*/)?(?:node_modules|bower_components|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.venv|venv|\.eggs|[^/]+\.egg-info|build|dist|out|target|bin/debug|bin/release|obj|coverage|htmlcov|\.coverage|\.nyc_output|\.next|\.nuxt|\.turbo|\.parcel-cache|\.cache|\.gradle|\.terraform|cmake-build-[^/]+|_build|\.svelte-kit|\.angular|storybook-static|tmp|temp|\.tmp)(?:/.*)?$ .*\.(?:pyc|pyo|o|obj|class|log|tmp|swp|bak)$"
    ),
    Kind.SYSTEM: _any(
        r"/(?:bin|sbin|lib|lib32|lib64|libx32|boot|etc|usr|sys|proc|dev|efi|kernel|selinux)(?:/.*)?$ /var/(?:lib|spool|db|opt|backups|mail|named|www)(?:/.*)?$ /var/?$ /(?:opt|srv)/?$ /run/(?:systemd|dbus|docker).*",
        r"/(?:system/(?:library|applications|volumes)|library|applications|private/etc|private/var/db)(?:/.*)?$ /opt/(?:homebrew|local)(?:/.*)?$ c:/(?:windows|winnt|program\sfiles(?:\s\(x86\))?|programdata|boot|recovery|system\svolume\sinformation)(?:/.*)?$ hk(?:lm|cu|cr|u|ey_[a-z_]+):?(?:/.*)?$",
    ),
    Kind.ROOT: _any(
        r"/\*?$ /\.\*?$ ~(?:/[*.]|/\.\*)?$ /(?:home|users|root|etc|usr|var|bin|sbin|lib|lib64|boot|opt|srv|mnt|media|sys|proc|dev|system/library|library|applications|volumes|run|data|host|private)(?:/\*)?$ /(?:home|users)/\*(?:/\*)?$ [a-z]:/?\*?$ c:/(?:windows|users|programdata|program\sfiles)(?:/\*)?$ c:/windows/system32(?:/\*)?$ /var/(?:lib|www|log|spool)(?:/\*)?$ /usr/(?:bin|lib|local|share|sbin)(?:/\*)?$"
    ),
}


@lru_cache(maxsize=8192)
def normal(path: str) -> str:
    """One spelling for a place: lower case, `/`, no `.`, `..` or empty parts, `~` for homes, no `file:` or long-path prefix."""
    text = path[:MAX_PATH].strip().strip("\"'")
    lowered = text.lower()
    if lowered.startswith("file:"):
        lowered = "/" + lowered[5:].removeprefix("//localhost").lstrip("/")
        lowered = lowered[1:] if re.match(r"/[a-z]:", lowered) else lowered
    if _WINDOWS.search(lowered):
        lowered = re.sub(r"^\\\\\?\\|^//\?/", "", lowered).replace("\\", "/")
        lowered = "//./" + lowered[4:] if lowered.startswith("//./") else lowered
    for name, value in _VARIABLES.items():
        if lowered.startswith(name):
            lowered = value + lowered[len(name) :]
    lowered = _collapsed(lowered)
    return _HOME.sub("~", lowered)


def _collapsed(path: str) -> str:
    """Without `.`, `..` and empty parts; `..` above the root stays at the root."""
    if path.startswith("//./"):
        return path
    absolute = path.startswith("/")
    parts: list[str] = []
    windows = path[1:2] == ":"
    for written in path.split("/"):
        part = (written.rstrip(". ") or written) if windows and len(written) > 2 else written
        if part in ("", "."):
            continue
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
            elif not absolute:
                parts.append(part)
            continue
        parts.append(part)
    return ("/" if absolute else "") + "/".join(parts) if parts else ("/" if absolute else ".")


@lru_cache(maxsize=4096)
def kinds(path: str) -> frozenset[Kind]:
    """Every sort of place that this path is. Pure; remembered because an agent names the same paths again and again."""
    text = normal(path)
    return frozenset(kind for kind, pattern in _TABLES.items() if pattern.match(text))


def is_absolute(path: str) -> bool:
    """Names a place independent of the working directory."""
    text = normal(path)
    return text.startswith(("/", "~", "hk")) or text[1:2] == ":"


def climbs(path: str) -> bool:
    """Goes down and up again past where it began: `/usr/../etc/passwd`, `../../../etc/passwd`, encoded dots."""
    text = path[:MAX_PATH].replace("\\", "/").lower()
    if "%2e%2e" in text or "..%2f" in text or "%252e" in text or "....//" in text:
        return True
    if ".." not in text:
        return False
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith(("/", "~")):
        down = 0
        for part in parts:
            down = down - 1 if part == ".." else down + 1
            if part == ".." and down <= 0:
                return True
        return False
    return parts[:3] == ["..", "..", ".."]


def within(path: str, roots: tuple[str, ...]) -> bool:
    """Lies below one of these folders, by name alone."""
    text = normal(path)
    return any(text == root or text.startswith(root.rstrip("/") + "/") for root in map(normal, roots))


def resolved(path: str, cwd: str) -> str:
    """A relative path joined to the working directory; an absolute one as it is."""
    return path if is_absolute(path) or not cwd else f"{cwd.rstrip('/')}/{path}"


def looks_like_path(text: str) -> bool:
    """A word that could name a file: has a separator or a home sign, no blanks around, is not a URL or an option."""
    return (
        0 < len(text) <= MAX_PATH
        and ("/" in text or "\\" in text or text.startswith(("~", ".")))
        and "://" not in text
        and not text.startswith("-")
        and "\n" not in text
    )
