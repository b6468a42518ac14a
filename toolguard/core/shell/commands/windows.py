"""Windows: programs of cmd.exe and cmdlets of PowerShell (their names in lower case; aliases as their cmdlet)."""

from __future__ import annotations

import re
from typing import Final

_RIGHTS: Final = (
    r"(?:new|set|add|grant|enable|update|reset|restore|unlock|register|connect)-\w*(?:accesskey|roleassignment"
    r"|roledefinition|loginprofile|permission|rolemember|groupmember|principal|credential|mfa|password"
    r"|policyassignment|accountkey|approle|delegat)\w*$"
)
_ACCOUNTS: Final = (
    r"(?:new|set|enable|disable|remove|unlock)-(?:ad|local|mg|azuread|msol|entra|iam|db|sql)\w*"
    r"(?:user|account|login|group|role|member)\w*$"
)
_SECRETS: Final = r"get-\w*(?:secret|credential|password|accesskey|storageaccountkey|connectionstring|sastoken)\w*$"
_DIRECTORY: Final = (
    r"get-(?:ad|domain|net)(?:user|computer|group|groupmember|domain|trust|forest|object|session|loggedon)\w*$"
)
_REMOVES: Final = (
    r"(?:remove|uninstall|clear|revoke|unregister|dismount|deny|block|suspend|unpublish|unprotect)-"
    r"(?!(?:item|itemproperty|variable|module|host|content|job|psdrive|psbreakpoint|event|typedata|alias)$"
    r"|psreadline|console)\w+$"
)
_STOPS: Final = (
    r"(?:stop|restart|disable|suspend|reset)-"
    r"(?!(?:process|job|transcript|psbreakpoint|service|computer)$)\w+$"
)
CMDLETS: Final = tuple(
    (re.compile(pattern), finding, effect, severity, sentence)
    for pattern, finding, effect, severity, sentence in (
        (_RIGHTS, "identity.cloud-access", "grant", "high", "changes who may do what"),
        (_ACCOUNTS, "identity.accounts", "grant", "high", "changes an account or group"),
        (_SECRETS, "infrastructure.reads-secrets", "read", "medium", "reads secrets"),
        (_DIRECTORY, "identity.dumps-credentials", "read", "medium", "asks the directory about people and rights"),
        (_REMOVES, "infrastructure.deletes", "delete", "high", "removes something for good"),
        (_STOPS, "infrastructure.stops-service", "administer", "medium", "stops or switches something off"),
    )
)
"""Cmdlets are verb and noun, so one that no row names still tells what it does: the first pattern that fits counts."""

READS: Final = re.compile(
    r"(?:Get|Select|Measure|Compare|Group|Sort|Where|Format|Test|Resolve|Split|Join|Show|Find|Read|ConvertTo|ConvertFrom)"
    r"-[A-Z]\w+$|(?:get|select|measure|compare|group|sort|where|convertto|convertfrom)-(?:string|object|item|itemproperty"
    r"|childitem|content|process|service|mppreference|json|csv)$"
)
"""Cmdlets that only look at things or shape what others print: the words behind them are no commands."""

TABLE = """
@system.destroys-disk delete
format * = erases a disk
diskpart = changes disks
cipher /w* = overwrites free space
clear-disk|initialize-disk|remove-partition|format-volume|clear-recyclebin = erases disks
manage-bde -off|-forcerecovery|-protectors|-lock = changes disk encryption
bcdedit /set|/delete|/deletevalue|/import|/default = changes how the machine starts
bootrec|bcdboot = changes how the machine starts
reagentc /disable = switches off recovery
vssadmin|vssadmin.exe delete|resize = deletes backups of the disk
vssadmin create = copies a disk under use
wbadmin delete|stop|disable = deletes backups
wbadmin start = copies a disk under use
wmic shadowcopy delete = deletes backups of the disk
wmic shadowcopy ~delete = deletes backups of the disk
diskshadow|dsdbutil|ntdsutil|vshadow|esentutl * = copies locked system files
diskshadow|dsdbutil|ntdsutil|vshadow = copies locked system files

@system.stops-machine administer
stop-computer|restart-computer|logoff|tsdiscon = stops the machine or a session
shutdown.exe = stops or restarts the machine

@system.kills administer
taskkill /f|/im|/pid|-f * = kills programs
taskkill = kills programs
low stop-process -id|-Id = ends one program
medium stop-process !-id|-Id = kills programs
wmic process ~delete|~terminate = kills programs

@infrastructure.stops-service administer
sc|sc.exe stop|delete|config|failure|sdset = changes or stops a service
stop-service|suspend-service|remove-service|set-service = changes or stops a service
net|net1 stop = stops a service

@persistence.service administer
sc|sc.exe create = makes a program start by itself
new-service = makes a program start by itself
regsvr32|rundll32|mavinject|regasm|regsvcs|installutil|cmstp|odbcconf|msiexec /i|/s|/u|* = runs code from a library or installer
regsvr32|rundll32|mavinject|regasm|regsvcs|installutil|mshta|cmstp|msbuild|wmic|xwizard|pcalua|odbcconf|presentationhost|syncappvpublishingserver|infdefaultinstall|msdt|scriptrunner|appvlp|winrs|tttracer|bginfo|dnscmd|vsjitdebugger|wsreset|fodhelper|eventvwr|computerdefaults|sdclt|slui|mofcomp|ieexec|dfsvc|dxcap|msxsl|rcsi|fsianycpu|devtoolslauncher|squirrel|teams|excel|winword|powerpnt|runscripthelper|register-cimprovider|verclsid|advpack|ieadvpack|syssetup|setupapi|shdocvw|pcwutl|desk|dfshim ~*http*|~*.dll*|~*javascript:*|~*vbscript:*|~*.sct*|~*.hta*|~*process*call*create*|~*.inf*|~*.xsl*|~*.exe* = runs code by way of a program of the system
mshta|fodhelper|mavinject|pcwrun|msdt|presentationhost|xwizard|cmstp = runs code by way of a program of the system
cscript|wscript * = runs a script of the Windows host
wmic ~*call* = runs a program by way of the management interface
wmic /node* = acts on another machine
invoke-wmimethod|invoke-cimmethod|register-wmievent|set-wmiinstance|new-ciminstance|register-cimindicationevent = runs a program by way of the management interface
add-type -* = compiles code into the running shell
reg|reg.exe add|import|copy|restore|load|unload = changes the registry
reg|reg.exe delete = deletes from the registry
new-itemproperty|set-itemproperty|remove-itemproperty|rename-itemproperty ~hk*|~*registry* = changes the registry
new-itemproperty -* = adds a setting of the registry
bitsadmin /setnotifycmdline|/addfile|/create|/transfer|/resume = downloads, or runs something after a download
start-bitstransfer * = downloads a file
netsh add helper = loads a library into a program of the system

@persistence.schedule execute
schtasks|schtasks.exe /create|/change|/run|/delete = changes scheduled tasks
register-scheduledtask|set-scheduledtask|new-scheduledtask*|register-scheduledjob|unregister-scheduledtask|disable-scheduledtask = changes scheduled tasks
at.exe * = runs commands later

@identity.accounts grant
net|net1 user * /add|/delete|* = changes an account
net|net1 user|localgroup|group ~/add|~/delete|~/active:* = changes an account
net|net1 accounts ~/* = changes password rules
new-localuser|add-localgroupmember|set-localuser|remove-localuser|enable-localuser|new-aduser|add-adgroupmember|set-aduser|set-adaccountpassword|enable-adaccount|remove-aduser|disable-adaccount|unlock-adaccount = changes an account
dsadd|dsmod|dsrm * = changes an account
runas * = runs as another user
icacls|cacls|takeown|xcacls ~/grant*|~/f|~/reset|~/setowner|~/deny|~/g|~/e|~/inheritance* = changes who may use files
takeown = changes who owns files
set-acl = changes who may use files
add-mailboxpermission|new-managementroleassignment|add-msolrolemember|add-azureadgroupmember|new-mguser|new-azureaduser|add-recipientpermission|new-inboxrule|set-mailbox|new-transportrule = changes who may do what in the office services

@identity.dumps-credentials read
netsh wlan ~key=clear = shows stored passwords
procdump|sqldumper|createdump|rdrleakdiag|comsvcs * = copies the memory of a program
rundll32 ~*comsvcs*|~*minidump* = copies the memory of a program
cmdkey|vaultcmd /list|/add|/delete = shows or changes stored passwords
invoke-mimikatz|invoke-kerberoast|get-gpppassword|invoke-bloodhound|get-netuser|invoke-sharefinder|get-keystrokes|out-minidump|invoke-dcsync|invoke-ninjacopy = attacks the machine or the network
nltest|adfind|dsquery|csvde|ldifde /domain_trusts|-f|* = asks the directory about people and rights
setspn -q|-t = asks the directory about people and rights
certutil -exportpfx|-addstore|-delstore|-importpfx = changes keys and certificates
import-certificate|import-pfxcertificate|export-pfxcertificate = changes keys and certificates
get-credential|convertto-securestring = asks for or holds a password

reg|reg.exe save|export = copies the registry, where password hashes are kept

@evasion.defences administer
netsh advfirewall|firewall set|add|delete|reset|import = changes the firewall
netsh interface|winhttp|wlan|http|trace portproxy|set|add|delete|start|export = changes the network settings
set-netfirewallprofile|new-netfirewallrule|remove-netfirewallrule|disable-netfirewallrule|set-netfirewallrule|set-dnsclientserveraddress = changes the firewall
set-mppreference|add-mppreference|remove-mppreference|uninstall-windowsfeature|disable-windowsoptionalfeature|enable-windowsoptionalfeature|update-mpsignature = weakens the virus scanner
mpcmdrun|mpcmdrun.exe -removedefinitions|-restore|-downloadfile|-* = weakens the virus scanner, or downloads by way of it
low set-executionpolicy -scope|-Scope:process = lets unsigned scripts run in this shell only
set-executionpolicy !-scope|-Scope:process = lets unsigned scripts run
powershell|pwsh -version ~2 = starts an old shell without its protections
fltmc unload|detach = takes away a filter of the file system
assoc|ftype ~*=* = changes which program opens a kind of file
attrib +h|+s|-h|-s|-r * = hides files
auditpol /set|/clear|/remove|/restore = switches off the record of security events
dism|dism.exe ~/disable-feature*|~/enable-feature*|~/remove-* = changes parts of the system
powercfg /* = changes power settings
unblock-file = removes the mark of a downloaded file
w32tm /config|/unregister = changes the clock
secedit /configure|/import = changes security rules
gpupdate /force = loads rules again

@evasion.logs delete
clear-eventlog|remove-eventlog|limit-eventlog = deletes event logs
fsutil usn|behavior|file deletejournal|set|setzerodata = changes how the disk is recorded

@shell.runs-hidden execute
invoke-expression = runs text as code
invoke-command -computername|-cn|-session|-* = runs code, also on other machines
enter-pssession|new-pssession|psexec|psexec.exe|paexec|winrs|wmiexec.py|psexec.py|smbexec.py|atexec.py = runs commands on other machines
start-process ~runas|~*-verb* = starts a program with more rights
start-process -verb = starts a program with more rights
certutil ~-decode|~-decodehex|~-urlcache|~-f|~/decode|~/urlcache|~-verifyctl|~-encode = downloads or decodes a file by way of a program of the system
add-type|[reflection.assembly]::load* = loads code into the running shell

@network.sniffs read
low get-clipboard = reads the clipboard
netsh trace start = records network traffic
pktmon start|filter = records network traffic
psr|psr.exe /start = records the screen
clip|get-clipboard * = reads the clipboard
"""
