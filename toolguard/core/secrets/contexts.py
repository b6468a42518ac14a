"""What gives a secret away beside the anchors of the table of formats: names, addresses, headers, programs. Data only.

Each is part of the gate, so it is a literal or two without a long count behind it, and holds no star that lives on
through base 64: either would multiply the states of everything else.
"""

from __future__ import annotations

from typing import Final

USERINFO: Final = r"://[^\s/?#@:\"'<>\\`]*:[^\s/?#@\"'<>\\`]+@"
USER_OPTION: Final = r"\s(?:-u|-U|--user|--proxy-user)[ =]{0,3}[\"'{]{0,2}[^\s:\"']*[\"'}]{0,2}:"
PRIVATE_KEY: Final = r"-----BEGIN (?:[A-Z0-9 ]*PRIVATE KEY|OpenVPN Static key)|PuTTY-User-Key-File-"
PRIVATE_MEMBER: Final = r"\"d\"\s?:\s?\"[0-9A-Za-z_-]{8}"
JWT: Final = r"eyJ[0-9A-Za-z_-]{6}"
DISCORD: Final = r"\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27}"
SIGNATURE: Final = r"(?i:[?&;](?:sig|[a-z-]*signature)=)"
NPMRC: Final = r"/:_(?:authToken|auth|password)="
NAME: Final = (
    # A telling word, the rest of its name, and what ties a value to it; prose that mentions a token does not stop here.
    r"(?i:(?:passw|passphrase|passcode|pwd|secret|token|api.?key|access.?key|private.?key|account.?key|auth.?key|shared.?key|psk|"
    r"signing.?key|encryption.?key|master.?key|authoriz|credential|bearer|[a-z0-9][_.-]key|login|cookie|"
    r"_auth|access.?id|contribsys__com)[0-9a-z_.-]*(?:(?:[\"'`]\]?)?\s{0,4}(?:[?+]?=|[:,>])|[\"']?\s+value|\s(?:is\s)?[0-9A-Za-z_+/.-]{20}|\s(?:is|was)\b)|"
    r"-[0-9a-z_-]*(?:passw|pass|passphrase|pwd|secret|token|key)[0-9a-z_-]*\s|(?:bearer|authorization)\s)|"
    r"[a-z]Key\b[\"']{0,2}\s{0,4}[:=,]|[\"']auth[\"']\s{0,4}:"
)
PROGRAM: Final = (
    r"\b(?:mysql(?:dump|admin)?|mariadb|sshpass|redis-cli|docker\s+login|az\s+login|oc\s+login|smbclient"
    r"|ldap(?:search|modify|add|delete|whoami)|mongo(?:sh|dump|restore|export)?|sqlcmd|plink|pscp|xfreerdp|htpasswd"
    r"|mosquitto_(?:pub|sub)|7z|zip|twine\s+upload|(?:psexec|wmiexec|smbexec|atexec|secretsdump)(?:\.py)?)\s"
    r"|snmp-server\s+community\s|\s(?:password|secret|key)\s[057]\s"
    r"|\slogin\s+[^\s]+\s+password\s|ConvertTo-SecureString\s|-pass(?:in|out)?\s+pass:"
    r"|(?i:\bnet\s+user\s|\bIDENTIFIED\s+(?:WITH|BY)\s|\b(?:WITH|SET)\s+PASSWORD\s)"
)
SPELLED: Final = (
    # What of such a program or statement comes right before its password, which may look like anything.
    r"(?:mysql(?:dump|admin)?|mariadb)\s[^\n|;&]*?\s-p|sshpass\s+-p\s*|redis-cli\s[^\n|;&]*?-a\s+"
    r"|(?:docker|az)\s+login\s[^\n|;&]*?\s(?:-p|--password)\s+|smbclient\s[^\n|;&]*?-U\s*[^\s%]+%"
    r"|oc\s+login\s[^\n|;&]*?\s(?:-p|--password|--token)[ =]\s*|ldap[a-z]+\s[^\n|;&]*?\s-w\s+"
    r"|mongo[a-z]*\s[^\n|;&]*?\s-p\s+|(?:sqlcmd|mosquitto_[a-z]+|zip)\s[^\n|;&]*?\s-P\s+|7z\s[^\n|;&]*?\s-p"
    r"|(?:plink|pscp)\s[^\n|;&]*?\s-pw\s+|xfreerdp\s[^\n|;&]*?\s/p:|twine\s+upload\s[^\n|;&]*?\s-p\s+"
    r"|htpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+[^\s]+\s+[^\s]+\s+|snmp-server\s+community\s+|\s(?:password|secret|key)\s[057]\s+"
    r"|(?:psexec|wmiexec|smbexec|atexec|secretsdump)(?:\.py)?\s[^\n|;&]*?[0-9A-Za-z_./-]+:"
    r"|\slogin\s+[^\s]+\s+password\s+|ConvertTo-SecureString\s+(?:-String\s+)?|-pass(?:in|out)?\s+pass:"
    r"|(?i:net\s+user\s+[^\s/]+\s+|IDENTIFIED\s+(?:WITH\s+[^\s]+\s+)?BY\s+|(?:WITH|SET)\s+PASSWORD\s+)"
)
SOLE_USER: Final = r"://[0-9A-Za-z_.-]{20}[0-9A-Za-z_.-]*@"
SUDO: Final = r"\|\s{0,3}sudo\s+(?:-[A-Za-z]+\s+)*-S"

CONTEXTS: Final = (
    USERINFO, SOLE_USER, USER_OPTION, PRIVATE_KEY, PRIVATE_MEMBER, JWT, DISCORD, SIGNATURE, NPMRC, PROGRAM, SUDO, NAME,
)  # fmt: skip

SEPARATOR: Final = (
    # What may stand between a name and its value: assignment in many languages, XML, lists of name and value, flags.
    r"(?:[\"'`]?[\])}]?\s{0,4}(?::{1,3}=|[?+]=|=>|={1,2}|:)\s{0,8}(?:[A-Za-z\[\]]{1,20}\s{0,2}=\s{0,2})?"
    r"|[\"']\s{0,2},\s{0,8}(?:[\"']value[\"']\s{0,2}[:=]\s{0,4})?"
    r"|[\"']?\s{1,20}value\s{0,2}[:=]\s{0,2}"
    r"|>"
    r"|[\"']?[ ]{1,4}(?:is|was)[ :]{1,3}"
    r"|[ ]{1,4})"
)
SCHEME: Final = r"(?:[\"'`]?(?i:bearer|basic|token|ssws|api-?token|apikey|digest|splunk|sso-key|genie-?key)[ :]{1,3})?"
OPENING: Final = r"(?:[rbufRBUF@$]{0,2}(\\{0,3}(?:\"|'|`|&quot;)))?"
VALUE_AT: Final = SEPARATOR + SCHEME + OPENING

UNQUOTED: Final = r"[^\s\"'`,;<>(){}\[\]&|\\]{4,512}"
QUOTED: Final = r"[^\n\"'`\\]{4,512}"
