"""What programs do with their operands, one line a rule: names, rule, options that take a value.

The rules are functions of core/shell/operands.py; `none` says that the operands are no files.
"""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
    cat|tac|less|more|nl|od|xxd|hexdump|strings|file|stat|wc|sort|uniq|cut|paste|md5sum|sha1sum|sha256sum|sha512sum|cksum|zcat|bzcat|xzcat|zless|bat|batcat|tail|head|rev|fold|fmt|expand|column|comm|diff|cmp|vimdiff|base64|base32|jq|yq|xmllint|pygmentize|readlink|realpath|iconv|look|pr|ul|view|most|tee-read|split|csplit|gpg|gpg2|source|.|bash|sh|zsh|dash|ksh|python|perl|ruby|node|php|lua : read : -n -c -d -k -t -f -F -w -s -i -o -b -W -S --lines --bytes --delimiter -m -e -E -r
    grep|egrep|fgrep|rg|ag|ack|zgrep|sed|gsed|awk|gawk|mawk|nawk : read-rest : -e -f -m -A -B -C -F -v -d --include --exclude --exclude-dir -g -t -T
    ls|dir|tree|du|df|find|fd|locate|exa|eza|lsd|namei|getfacl|lsattr|ncdu|test|[ : list : -name -type -iname -maxdepth -mindepth -mtime -mmin -size -newer -user -perm -path -regex -I -L -d
    rm|unlink|srm|shred|wipe|trash|trash-put|gio|rimraf|del-cli : delete : -n -s --iterations --size
    rmdir : rmdir :
    mv|gmv|rename : move : -t -S --target-directory --suffix
    cp|gcp|install|ditto : copy : -t -S -m -o -g --target-directory --suffix --mode --owner --group
    ln : link : -t -S --target-directory --suffix
    touch : write : -t -d -r --date --reference
    mkdir|fallocate : make : -m --mode -l --length -o --offset
    tee|sponge : write :
    truncate : truncate : -s --size -r
    chmod|gchmod : mode :
    chown|chgrp|gchown|lchown : owner : --from
    vi|vim|nvim|nano|emacs|ed|ex|pico|joe|micro|code|gedit|sudoedit : edit : -c -S -u --cmd -s
    echo|printf|kill|sleep|date|seq|expr|basename|dirname|which|type|command|whereis|man|help|cd|pushd|popd|export|set|unset|alias|declare|local|readonly|shift|return|exit|true|false|:|eval|test|[[|id|groups|whoami|hostname|uname|uptime|ps|pgrep|pkill|killall|jobs|wait|trap|ulimit|umask|let|tr|yes|cal|nproc|lsof|netstat|ss|ip|ping|host|dig|nslookup|docker|kubectl|git|apt|apt-get|pip|npm|systemctl|service|sudo|su|crontab|passwd|useradd|usermod|xargs|time|timeout|env|nice|nohup|ssh|tmux|screen|apropos|whatis|getent|compgen|complete|hash|history|shopt|psql|mysql|redis-cli|mongosh|make|terraform|aws|gcloud|az|helm : none :
"""


def _rules() -> dict[str, tuple[str, frozenset[str]]]:
    rules: dict[str, tuple[str, frozenset[str]]] = {}
    for line in _TABLE.strip().splitlines():
        names, rule, options = (part.strip() for part in f"{line} ".split(" : "))
        rules.update(dict.fromkeys(names.split("|"), (rule, frozenset(options.split()))))
    return rules


OPERANDS: Final = _rules()
"""Program: its rule, and its options that take the next word as their value."""
