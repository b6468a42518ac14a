"""A rough reading of JavaScript, Perl, Ruby, PHP, Lua and their like, and of Python that does not parse: patterns of
calls.

There is no parser for these here. Literal arguments of calls that spawn, delete, read, write or connect are followed;
where such a call has no literal argument the call itself is what is reported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.model import Confidence, EffectClass, Severity
from toolguard.core.shell.commands.names import is_in

if TYPE_CHECKING:
    from toolguard.core.shell.collect import Collector

MAX_SOURCE: Final = 40_000

_STRING: Final = (
    r"(?:\(\s*|\s+)(?:new\s+\w+\(\s*|glob\s*\(?\s*)?(['\"`])((?:(?!\1).){1,2000}?)\1"  # the first literal argument
)
# Calls that run a shell command or a program.
_SPAWNS: Final = re.compile(
    r"\b(?:child_process\.\w+|execSync|execFileSync|execFile|spawnSync|spawn|exec|system|shell_exec|passthru"
    r"|proc_open|popen|io\.popen|os\.execute|Open3\.\w+|IO\.popen|callCommand|run-shell-command|Deno\.run"
    r"|Deno\.Command|Bun\.spawn|Process\.Start|ProcessBuilder|getRuntime\(\)\.exec|do shell script"
    r"|Kernel\.system|sh\.run|cmd\.run|os\.system|os\.popen|subprocess\.\w+|pcntl_exec|execvp?|fork_exec|term"
    r"|ansi-term|System\.Process\.\w+|ext:run-program)" + _STRING
)
_SPAWN_NAMES: Final = re.compile(
    r"\b(?:child_process|execSync|spawnSync|shell_exec|passthru|proc_open|io\.popen|os\.execute|Open3"
    r"|IO\.popen|getRuntime\(\)\.exec|ProcessBuilder|Process\.Start|do shell script|Deno\.run|Deno\.Command"
    r"|Bun\.spawn|pty\.spawn|os\.dup2|os\.system|subprocess)\b|\bqx[\s({/]|\bexec\s*\(|\bsystem\s*\("
)
_BACKTICK: Final = re.compile(
    r"(?<![\w$])`([^`\n]{2,500})`|%x[{(\[]([^})\]]{2,500})"
)  # shell in backticks: Perl, Ruby, PHP
_DELETES: Final = re.compile(
    r"\b(?:fs\.(?:promises\.)?)?(?:unlinkSync|unlink|rmSync|rmdirSync|rmdir|rm|removeSync|emptyDirSync"
    r"|rimraf(?:\.sync)?|File\.delete|FileUtils\.\w*rm\w*|Dir\.(?:delete|rmdir)|os\.remove|Files\.delete\w*"
    r"|rmtree|remove_tree|File\.Delete|Directory\.Delete|removeItemAtPath)" + _STRING
)
_RECURSIVE: Final = re.compile(r"recursive:\s*true|rimraf|rm_r|rm_rf|rmtree|remove_tree|emptyDir|Directory\.Delete")
_WRITES: Final = re.compile(
    r"\b(?:fs\.(?:promises\.)?)?(?:writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream"
    r"|file_put_contents|File\.write|IO\.write|File\.WriteAll\w+|Files\.write\w*|copyFileSync|symlinkSync"
    r"|chmodSync|chownSync)" + _STRING
)
_OPENS_TO_WRITE: Final = re.compile(
    r"\b(?:open|fopen|File\.open|File\.new"
    r"|io\.open)\s*\(?\s*(?:my\s+)?(?:[$\w]+\s*,\s*)?(['\"])(?:[<>+]{0,2}\s*)([^'\"]{1,500})\1\s*,\s*['\"](?:[wa]\+?b?"
    r"|>>?)['\"]|open\s*\(?[^,\n]{1,40},\s*['\"]>{1,2}\s*([^'\"]{1,500})['\"]"
)
_READS: Final = re.compile(
    r"\b(?:fs\.(?:promises\.)?)?(?:readFileSync|readFile|createReadStream|readdirSync|file_get_contents"
    r"|readfile|fopen|File\.read|File\.open|IO\.read(?:lines)?|File\.ReadAll\w+|Files\.read\w*|io\.open|open"
    r"|show_source|highlight_file|include|require_once)" + _STRING
)
_CONNECTS: Final = re.compile(
    r"\b(?:fetch|axios(?:\.\w+)?|https?\.(?:get|request|post)|require\(['\"]https?['\"]\)\.(?:get|request)"
    r"|got(?:\.\w+)?|superagent\.\w+|XMLHttpRequest|curl_init|fsockopen|stream_socket_client|Net::HTTP\.\w+"
    r"|URI\.open|open-uri|HTTParty\.\w+|LWP::\w+|HTTP::Tiny|IO::Socket(?:::\w+)?|TCPSocket(?:\.new|\.open)?"
    r"|net\.(?:connect|createConnection|Socket)|WebSocket|socket\.connect|s\.connect|tcp\(\)|WebClient"
    r"|DownloadString|DownloadFile|Invoke-WebRequest|urlopen|urlretrieve|requests\.\w+|socket\.tcp|\w+:connect"
    r"|socket)\b" + _STRING
)
_SOCKET: Final = re.compile(
    r"\b(?:net\.(?:connect|createConnection|Socket|createServer)|require\(['\"](?:net|tls)['\"]\)|fsockopen"
    r"|stream_socket_client|IO::Socket|TCPSocket|TCPServer|use\s+Socket|java\.net\.Socket|Sockets?\.TCPClient"
    r"|socket\.tcp|require\(?['\"]socket['\"]\)?|syscall\.Socket|net\.Dial|socket\s*\(\s*(?:S|PF_INET|AF_INET)"
    r"|socket\s+[\w.]+\s+\d+|TcpStream|socket\.socket|\$\{?socket)"
)
_LISTENS: Final = re.compile(
    r"\b(?:createServer|TCPServer|stream_socket_server|socket_listen|\.listen\(|HTTPServer|http\.server"
    r"|SimpleHTTPServer|k\.bind|WEBrick)"
)
_EVALUATES: Final = re.compile(
    r"\b(?:eval|Function|vm\.runIn\w+|assert|create_function|instance_eval|class_eval|loadstring|load|Invoke-Expression|iex)\s*\(?\s*(?:(?:atob|Buffer\.from|base64_decode|unpack|gzinflate|str_rot13|decode_base64|decode64|FromBase64String|hex2bin|\$_(?:GET|POST|REQUEST))|require\()",
    re.IGNORECASE,
)
_METHOD_DELETES: Final = re.compile(
    r"\.(?:deleteIndex|clearObjects|clearIndex|dropDatabase|dropCollection|drop|deleteMany|remove(?=\(\s*\{)|truncate"
    r"|destroy_all|delete_all|flushall|flushdb|deleteBucket|deleteDatabase|dropIndexes|purgeQueue|deleteQueue"
    r"|deleteTopic|deleteBy|delete_by_query|bulkWrite|replaceRoot)\s*\(\s*([^)]{0,80})"
)
_HOLDS_SECRETS: Final = re.compile(
    r"document\.cookie(?!\s*=[^=])|(?:local|session)Storage(?:\.getItem|\s*[),\[])|JSON\.stringify\(\s*process\.env\s*\)"
    r"|\bprocess\.env\s*[),}]|navigator\.clipboard\.read|\bENV\.to_h\b|\bgetenv\(\)|%ENV\b(?!\{)"
)
_LEAVES: Final = re.compile(
    r"\bfetch\s*\(|sendBeacon|XMLHttpRequest|axios|new\s+WebSocket|\.src\s*=|location(?:\.href)?\s*=|https?\.(?:get|request)"
    r"|Net::HTTP|LWP::|curl_exec|file_get_contents\s*\(\s*['\"]https?:"
)
_MONGO_ACCOUNTS: Final = re.compile(
    r"\.(?:createUser|updateUser|dropUser|dropAllUsers|changeUserPassword|grantRolesToUser|revokeRolesFromUser"
    r"|createRole|updateRole|dropRole|grantPrivilegesToRole)\s*\("
)
_MONGO_SERVER: Final = re.compile(
    r"\.(?:shutdownServer|fsyncLock|setProfilingLevel|killOp|stepDown|reconfig|freeze|updateMany\(\s*\{\s*\}|update\(\s*\{\s*\}"
    r"|setFeatureCompatibilityVersion)|(?:shutdown|setParameter|replSet\w+|compact|dropDatabase)\s*:"
)
_POWERSHELL: Final = re.compile(
    r"(?P<hidden>-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{40,}|FromBase64String|\bIEX\b|Invoke-Expression"
    r"|DownloadString|DownloadFile|Net\.WebClient|Reflection\.Assembly|::Load\(|-w(?:indowstyle)?\s+hidden"
    r"|VirtualAlloc|DllImport|Add-Type|-bxor|GzipStream)"
    r"|(?P<shell>Sockets\.TCPClient|TcpListener)|(?P<registry>HK(?:LM|CU"
    r"|EY_\w+):?\\[^\s'\"]*(?:\\Run(?:Once)?\b|Winlogon|Image File Execution|AppInit_DLLs|Policies|Defender"
    r"|Lsa\b|Services\b))"
    r"|(?P<defence>Set-MpPreference|DisableRealtimeMonitoring|DisableAntiSpyware|AmsiUtils|amsiInitFailed|EnableScriptBlockLogging)|(?P<dump>MiniDump|lsass|sekurlsa|Get-Credential|PasswordVault|CredEnumerate)",
    re.IGNORECASE,
)
_SPENDS: Final = re.compile(
    r"\.(?:sendTransaction|sendSignedTransaction|sendRawTransaction|sendAndConfirmTransaction)\s*\("
    r"|\bsendAndConfirmTransaction\s*\(|\b(?:payouts|transfers|topups)\.create\s*\("
)
_SERVER: Final = re.compile(r"['\"`](?:https?|wss?)://([^'\"`/\s]+)")
_TEST_KEY: Final = re.compile(r"['\"`][sr]k_test_")
_WMI_ENDS: Final = re.compile(
    r"\b(?:Get-WmiObject|gwmi|Get-CimInstance|gcim|\[wmi(?:class|searcher)?\])(?P<thing>[^\n]{0,300}?)"
    r"(?:\.|(?:%|ForEach-Object)\s+(?:-MemberName\s+)?)"
    r"(?:Delete|Uninstall|Terminate|Win32Shutdown|Shutdown|Reboot|Format|StopService|Disable)\w*(?:\s*\(|\s*$|\s*[|;])",
    re.IGNORECASE,
)
"""A method of the management interface that removes or stops what was looked up, instead of a cmdlet that says so."""
_POWERSHELL_MEANING: Final = {
    "hidden": ("shell.runs-hidden", EffectClass.EXECUTE, "downloads, decodes or builds code and runs it"),
    "shell": ("shell.reverse-shell", EffectClass.GRANT, "opens a connection in the way of a remote shell"),
    "registry": (
        "persistence.startup",
        EffectClass.ADMINISTER,
        "touches the part of the registry that starts programs or guards the machine",
    ),
    "defence": ("evasion.defences", EffectClass.ADMINISTER, "weakens the virus scanner or its record"),
    "dump": ("identity.dumps-credentials", EffectClass.READ, "reads stored passwords or the memory they are in"),
}


def read(language: str, text: str, place: Place, collector: Collector, depth: int) -> None:
    """Add what a program text does, as far as its calls show it."""
    if len(text) > MAX_SOURCE:
        collector.unread.append(("too-large", "the program is too long to be read", place))
        return
    if language in ("powershell", "cmd"):
        for match in _POWERSHELL.finditer(text):
            finding, effect_class, sentence = _POWERSHELL_MEANING[str(match.lastgroup)]
            collector.add(finding, effect_class, sentence, place, language)
        for match in _WMI_ENDS.finditer(text):
            if "shadowcopy" in match["thing"].lower():
                sentence = "deletes backups of the disk"
                collector.add("system.destroys-disk", EffectClass.DELETE, sentence, place, language)
            else:
                sentence = "removes or stops something by way of the management interface"
                collector.add("infrastructure.deletes", EffectClass.DELETE, sentence, place, language)
        return
    if language == "sql":
        _sql(text, place, collector, depth)
        return
    if language == "applescript":
        _applescript(text, place, collector)
    spawned = _spawns(language, text, place, collector, depth)
    _files(text, place, collector)
    _network(text, place, collector, spawned=spawned)
    if _EVALUATES.search(text):
        collector.add(
            "code.evaluates",
            EffectClass.EXECUTE,
            "decodes a text and runs it as code",
            place,
            language,
            Severity.HIGH,
            Confidence.HIGH,
        )
    if _SPENDS.search(text) and not _rehearses(text):
        collector.add("infrastructure.moves-money", EffectClass.SPEND, "moves money or coins", place, language)
    _stores(language, text, place, collector)


def _rehearses(text: str) -> bool:
    """Every server in the text is on this machine, or the key is one of a test system: no money moves there."""
    servers = _SERVER.findall(text)
    if servers:
        return all(is_in("here", server) for server in servers)
    return _TEST_KEY.search(text) is not None


def _stores(language: str, text: str, place: Place, collector: Collector) -> None:
    """Calls that remove what a database, an index or a queue holds, or change who may use it."""
    if language == "mongo":
        if _MONGO_ACCOUNTS.search(text):
            collector.add("identity.accounts", EffectClass.GRANT, "changes accounts of the database", place, language)
        if _MONGO_SERVER.search(text):
            sentence = "changes every document, or steers the database server"
            collector.add("infrastructure.deletes", EffectClass.ADMINISTER, sentence, place, language)
    for match in _METHOD_DELETES.finditer(text):
        # An empty filter or a call without one reaches everything; a filter makes it an ordinary change.
        everything = (
            match[1].strip() in ("", "{}")
            or "drop" in match[0]
            or "index" in match[0].lower()
            or "_all" in match[0]
            or "flush" in match[0]
        )
        if everything or language == "javascript":
            collector.add(
                "infrastructure.deletes",
                EffectClass.DELETE,
                f"calls {match[0][1:40].split('(')[0]}, which removes stored content",
                place,
                language,
            )


_META_SHELL: Final = re.compile(
    r"^[ \t]*+(?:\\!|system\s|\.shell\s|\.system\s)[ \t]*+(.+)$"
    r"|^[ \t]*+(?:\\(?:o|g|copy|w|ir?)|\.(?:output|once|import|read))\b[^|\n]*(?:\||\bprogram\b)\s*['\"]?([^'\"\n]+)",
    re.MULTILINE | re.IGNORECASE,
)
r"""Lines of databases' own shells that run a program: `\! command`, `\o |command`, `.shell command`."""
_APPLE_DELETE: Final = re.compile(r"\bdelete\b[^\n]{0,60}POSIX file\s+\"([^\"]+)\"")
_APPLE_SECRETS: Final = re.compile(r"Cookies|Keychains|\.ssh|hidden answer", re.IGNORECASE)


def _sql(text: str, place: Place, collector: Collector, depth: int) -> None:
    """Escapes of databases' own shells; the statements themselves are read elsewhere."""
    for match in _META_SHELL.finditer(text):
        collector.text("shell", (match[1] or match[2]).strip(), place, depth + 1)


def _applescript(text: str, place: Place, collector: Collector) -> None:
    for match in _APPLE_DELETE.finditer(text):
        collector.use(FileUse(FileOp.DELETE, match[1], place, program="osascript"))
    if _APPLE_SECRETS.search(text):
        sentence = "asks for a password, or reaches for cookies or keys"
        collector.add("identity.dumps-credentials", EffectClass.READ, sentence, place, "osascript")


def _spawns(language: str, text: str, place: Place, collector: Collector, depth: int) -> bool:
    found = False
    for match in _SPAWNS.finditer(text):
        found = True
        if collector.is_full:
            break
        collector.text("shell", match[2], place, depth + 1)
    if language in ("perl", "ruby", "php", "python2"):
        for match in _BACKTICK.finditer(text):
            found = True
            collector.text("shell", match[1] or match[2], place, depth + 1)
    if not found and _SPAWN_NAMES.search(text):
        collector.add(
            "code.spawns", EffectClass.EXECUTE, "runs a program that is chosen only when it runs", place, language
        )
        found = True
    return found


def _files(text: str, place: Place, collector: Collector) -> None:
    for match in _DELETES.finditer(text):
        recursive = bool(_RECURSIVE.search(match[0] + text[match.end() : match.end() + 60]))
        collector.use(FileUse(FileOp.DELETE, match[2], place, recursive=recursive, program="code"))
    for match in _WRITES.finditer(text):
        collector.use(FileUse(FileOp.WRITE, match[2], place, append="append" in match[0], program="code"))
    for match in _OPENS_TO_WRITE.finditer(text):
        collector.use(FileUse(FileOp.WRITE, match[2] or match[3], place, program="code"))
    for match in _READS.finditer(text):
        if "/" in match[2] or "." in match[2]:
            collector.use(FileUse(FileOp.READ, match[2], place, program="code"))


def _network(text: str, place: Place, collector: Collector, *, spawned: bool) -> None:
    reads = tuple(match[2] for match in _READS.finditer(text))[:5]
    sends = bool(re.search(r"\b(?:POST|PUT|PATCH|\.post|\.put|\.write|\.send|\.pipe|:send|puts|urlopen)\b", text))
    for match in _CONNECTS.finditer(text):
        address = match[2] if "://" in match[2] else f"//{match[2]}"
        if "." in match[2] or "://" in match[2]:
            collector.use(Contact(address, place, "POST" if sends else "GET", reads if sends else (), program="code"))
    if _HOLDS_SECRETS.search(text) and _LEAVES.search(text):
        sentence = "sends cookies, stored values or the whole environment away"
        collector.add("network.sends-file", EffectClass.SEND, sentence, place, "code", Severity.HIGH, Confidence.HIGH)
    if _SOCKET.search(text):
        if spawned or _SPAWN_NAMES.search(text) or re.search(r"\bexec\b|/bin/\w*sh|cmd\.exe", text):
            collector.add(
                "shell.reverse-shell",
                EffectClass.GRANT,
                "runs commands for whoever is at the other end of a connection",
                place,
                "code",
            )
        elif reads and sends:
            collector.use(Contact("//?", place, "RAW", reads, program="code"))
    if _LISTENS.search(text):
        collector.add("network.listens", EffectClass.EXECUTE, "waits for connections from outside", place, "code")
