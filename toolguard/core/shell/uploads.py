"""Programs that copy files to stores, containers and mailboxes: what they take along, and where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.shell.transfers import Use, dns, has_flag, operands, option
from toolguard.core.shell.words import Command

_FAR: Final = re.compile(r"[a-z0-9+.-]{2,20}://|[\w.-]{2,64}:(?!\\)")  # s3://bucket, remote:path, pod:/path


@dataclass(frozen=True, slots=True)
class _Copier:
    """How a program that copies names its two ends."""

    verbs: frozenset[str]
    """Subcommands of which one must stand there; empty for a program that only copies."""
    valued: frozenset[str] = frozenset()
    sends: frozenset[str] = frozenset()
    """Options whose value is a local file that is sent."""


def _copiers() -> dict[str, _Copier]:
    found: dict[str, _Copier] = {}
    for line in _LINES.strip().splitlines():
        names, verbs, valued, sends = (part.strip() for part in f"{line} : : ".split(" : ")[:4])
        for name in names.split("|"):
            found[name] = _Copier(frozenset(verbs.split()), frozenset(valued.split()), frozenset(sends.split()))
    return found


# names : subcommands that copy : options with a value : options that name a file to send
_LINES: Final = """
    aws : cp sync mv : --profile --region --endpoint-url --exclude --include --acl --sse : --body --zip-file
    gsutil : cp rsync mv : -h -o -x :
    gcloud : cp rsync mv scp : --project --zone --region --account : --source
    az : upload upload-batch : -c -n -g --container-name --account-name --name -d : -f --file -s --source
    azcopy : copy cp sync : --exclude-pattern --include-pattern :
    rclone : copy sync move copyto moveto rcat : --config --include --exclude --bwlimit --transfers :
    mc : cp mirror mv put pipe : :
    s3cmd|s4cmd : put sync cp : -c :
    s5cmd : cp sync mv : --endpoint-url :
    b2 : upload-file upload_file sync : :
    kubectl|oc : cp : -n --namespace -c --container --context --kubeconfig :
    docker|podman : cp : :
    hdfs : -put -copyFromLocal : :
    ibmcloud|oci|aliyun : put upload cp object-put : --bucket --key -bn --name --namespace : --file --body
    ipfs : add : :
    wormhole|croc : send : :
    transfer|transfer.sh|ffsend|onionshare|onionshare-cli|gupload|gdrive|dropbox_uploader.sh|0x0|plik : : :
    huggingface-cli|hf : upload : --repo-type --token --revision :
    scw|vultr-cli|linode-cli : cp put : : --file
"""
_COPIERS: Final = _copiers()
NAMES: Final = frozenset(_COPIERS)
UNSIGNED: Final = "UNSIGNED-UPLOAD"
"""The method of a copy that shows no credentials: the store takes it from anybody, so it is hardly one's own."""


def copied(command: Command, place: Place) -> Iterator[Use]:
    """`aws s3 cp FILE s3://bucket`, `rclone copy DIR remote:`, `kubectl cp pod:/path FILE`."""
    kind = _COPIERS[command.name]
    words = [word.text for word in operands(command, kind.valued | kind.sends)]
    at = next((i for i, word in enumerate(words[:4]) if word in kind.verbs), -1 if not kind.verbs else None)
    if at is None:
        return
    ends = words[at + 1 :]
    sources = ends[:-1] if len(ends) > 1 else ends
    target = ends[-1] if len(ends) > 1 else ""
    local = tuple(one for one in sources if not _FAR.match(one)) + tuple(
        option(command, *kind.sends) if kind.sends else ()
    )
    recursive = has_flag(command, "-r", "-R", "--recursive") or bool(
        {"sync", "mirror", "rsync", "copy"} & set(words[:4])
    )
    local = tuple(one.removeprefix("fileb://").removeprefix("file://") for one in local)
    for one in local:
        yield FileUse(FileOp.READ, one, place, recursive=recursive, program=command.name)
    for one in sources:
        if _FAR.match(one):
            yield FileUse(FileOp.READ, _FAR.sub("", one, count=1), place, remote=True, program=command.name)
    if target and not _FAR.match(target):
        yield FileUse(FileOp.WRITE, target, place, append=True, program=command.name)
    elif local:
        method = UNSIGNED if has_flag(command, "--no-sign-request") else "UPLOAD"
        yield Contact(_address(target), place, method, local, program=command.name)


def _address(target: str) -> str:
    """A store's name as a host; a bucket is no host, but says who would have the content."""
    return "//" + re.sub(r"^[a-z0-9+.-]+://", "", target).partition("/")[0].partition(":")[0] if target else ""


_MAIL_VALUED: Final = frozenset("-s -r -c -b -a -A -f -S -e -H -i --attach --subject -F -t".split())


def mail(command: Command, place: Place) -> Iterator[Use]:
    """mail, mutt, sendmail: attachments and what comes from files or other programs leave."""
    attached = option(command, "-a", "-A", "--attach", "--attachment")
    sends = [*attached, *(r.target.text for r in command.redirects if r.op == "<" and r.target.text != "/dev/null")]
    upstream = command.upstream
    if upstream is not None and upstream.name in ("cat", "tar", "zip", "gzip", "base64", "gpg", "head", "tail", "xxd"):
        sends += [arg for arg in upstream.args if not arg.startswith("-")] or ["-"]
    for name in attached:
        yield FileUse(FileOp.READ, name, place, program=command.name)
    people = [word.text for word in operands(command, _MAIL_VALUED) if "@" in word.text]
    for one in people[:5]:
        yield Contact("//" + one.rpartition("@")[2], place, "MAIL", tuple(sends), command.stdin, program=command.name)


def ftp(command: Command, place: Place) -> Iterator[Use]:
    """ftp, lftp: the commands that it is given on standard input or by -e."""
    told = "\n".join([command.stdin or "", *option(command, "-e", "-c")])
    host = next((word.text for word in operands(command, frozenset({"-e", "-c", "-u", "-p"}))), "")
    for line in re.split(r"[\n;]", told):
        parts = line.split()
        if len(parts) > 1 and parts[0] in ("put", "mput", "send", "append", "mirror"):
            files = tuple(part for part in parts[1:] if not part.startswith("-"))
            yield from (FileUse(FileOp.READ, name, place, program=command.name) for name in files[:1])
            yield Contact("//" + host, place, "UPLOAD", files[:1], program=command.name)


def ping(command: Command, place: Place) -> Iterator[Use]:
    """A name that is looked up, with content in it."""
    if any(word.inner and "." in word.text.replace("$(...)", "") for word in command.words[1:]):
        yield from dns(command, place)
