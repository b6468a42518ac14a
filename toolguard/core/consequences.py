"""What the name of a function tool says about consequences that words like "write" hide: a lock that opens, a dose.

A table of verbs and things, one line a kind of deed: `verbs : things = sentence` under a heading `@finding`. A line
fits when one of its verbs stands in the name (or in the argument that chooses an operation) and one of its things in
the name or in a short argument. `-` instead of verbs: the thing alone says it. Words are compared without their plural.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from toolguard.core.model import Json, ToolCall
from toolguard.core.verbs import split_name


@dataclass(frozen=True, slots=True)
class Consequence:
    """One line of the table."""

    finding: str
    verbs: frozenset[str]
    things: frozenset[str]
    sentence: str


_TABLE: Final = """
@consequence.physical
unlock open release unseal : door lock gate garage barrier vault safe cell trunk = opens what keeps people out
disable disarm deactivate off mute silence bypass override suspend stop shutdown remove ignore unarm : alarm \
    smoke siren camera security surveillance monoxide detector intrusion interlock safety limiter protection \
    sprinkler airbag brake abs steering autopilot collision geofence watchdog lockout cctv = switches off what \
    protects people or property
open close stop shutdown disable override vent start trip off drain overload : valve reactor turbine boiler \
    furnace pump ventilator infusion oxygen pacemaker insulin centrifuge breaker substation pipeline dam elevator \
    crane compressor chiller generator conveyor scada plc = steers a machine that can hurt people
launch fire arm detonate release dispatch deploy : drone missile weapon rocket explosive torpedo munition = \
    steers a machine that can hurt people
stop shutdown kill cut disable immobilize off : engine ignition motor vehicle aircraft = stops a vehicle
cut shut disconnect stop disable off interrupt : utility heating electricity gas mains feeder = cuts what people live on
disable isolate inhibit silence off bypass : fire sensor fence ventilation zone barrier = switches off what protects \
    people or property
set write change adjust force override : setpoint register actuator plc scada relay thermostat_limit = steers a \
    machine that can hurt people
shed trip open : load feeder breaker = takes power away
terminate abort drop release : uav payload flight mission burn = steers machines that can hurt people
arm fire detonate blast : blast charge detonator explosive = steers a machine that can hurt people
give set change override control switch modify : traffic railway intersection crossing runway airspace = steers \
    traffic

@consequence.medical
- : euthanasia euthanize = ends a life
release dispense issue hand : controlled narcotic opioid morphine blood = hands out what is locked away
set change adjust : infusion rate_limit dose dosing chlorine = changes what a patient or a town is given
prescribe administer dispense infuse inject titrate increase decrease change adjust discontinue stop modify \
    update set order : medication medicine drug dose dosage prescription opioid insulin chemotherapy anesthesia \
    vaccine = changes what a patient is given
delete remove modify update change overwrite amend alter merge edit manage : patient diagnosis allergy ehr emr \
    chart = changes what doctors know about a patient

@consequence.person
terminate fire dismiss suspend demote layoff : employee staff worker employment = takes somebody's work away
update change modify set increase decrease adjust edit : salary payroll wage compensation payout beneficiary gpa \
    transcript grade pension deposit premium payee iban = changes what somebody is paid or graded
update change modify set increase decrease raise adjust : credit overdraft = changes what somebody may borrow
approve reject deny authorize underwrite decline : loan mortgage claim expense reimbursement visa asylum parole \
    budget application timesheet = decides about somebody's money or rights
close freeze suspend block seize terminate lock deactivate cancel : account card insurance = takes somebody's \
    account away
sign execute countersign : contract agreement lease deed nda testament document = binds somebody by a signature
file submit lodge : lawsuit tax police petition patent bankruptcy complaint return = declares something to an \
    authority
cast submit change : ballot vote election = votes for somebody
adjust set change edit amend update : tally precinct contest candidate = changes what was counted
start serve file open begin : eviction foreclosure repossession = takes somebody's home or goods
set change raise update : rent parole sentence release_date = changes what somebody owes or how long
transfer reassign swap port move change : deed title ownership sim msisdn registrar chip = gives what belongs to \
    somebody to somebody else
waive void cancel forgive : fine penalty debt fee = lets somebody off what is owed
release return : seizure evidence impound quarantine custody = lets go what was held back
amend change edit : declaration tachograph attendance = changes what was declared
unmask reveal disclose expose : reporter source whistleblower donor witness = says who somebody is
discharge admit transfer : patient inmate resident = moves somebody in or out of care
delete modify alter change seal : evidence criminal conviction warrant court = changes what a court knows
revoke withdraw remove : access permission membership clearance = shuts somebody out
call dial dispatch summon : emergency police ambulance 911 112 swat = calls people out to an emergency
deactivate ban suspend block disable kick expel : user member customer subscriber tenant student = shuts somebody out

@consequence.attack
- : exploit bruteforce ddos phishing phish spearphish malware ransomware rootkit keylogger botnet trojan spyware \
    stalkerware doxx doxing jailbreak exfiltrate launder counterfeit blackmail extort = says by its name that it \
    attacks or deceives
crack break guess : password hash captcha encryption wifi = guesses passwords
brute : force = guesses passwords
spoof forge fake impersonate falsify : email caller sender identity ip gps dns arp header certificate signature \
    user id document invoice call voice = deceives others about who somebody is
bypass circumvent evade defeat : authentication login security paywall captcha filter detection mfa verification \
    drm edr antivirus = gets around a protection
hijack poison intercept sniff : session dns arp cache traffic packet connection account = takes over what others send
scan probe enumerate sweep attack : network port subnet target host vulnerability = probes other machines
record log capture track monitor : keystroke keystrokes microphone webcam = records what people do

@consequence.service
shutdown stop terminate kill reboot halt suspend destroy decommission drain evict failover deprovision stop_all \
    poweroff : server host instance vm machine node cluster container pod deployment service process database db \
    replica worker broker gateway router network datacenter fleet ecs rds ec2 = takes a machine or service out of \
    work
scale resize : zero = takes a service down to nothing
deploy release promote rollback publish apply migrate push ship : production prod live = changes what is in production
update change set create delete point modify transfer disable : dns nameserver ns dnssec route53 mx = changes where \
    names lead
rotate revoke delete disable : certificate cert secret kms credential webhook = takes away what others sign in \
    or connect with
format factory reset wipe erase reflash flash brick : disk drive factory firmware partition device hdd = wipes a \
    device
rollback revert : release deployment migration = puts an earlier version into service
encrypt lock : file folder disk drive volume directory filesystem = makes files unreadable without a key
create add register schedule : scheduled_task cron_job cronjob cron launch_agent startup_item autostart = makes \
    something run by itself later
force : push = overwrites history that others have
disable stop remove pause off delete skip : backup backups logging audit monitoring encryption replication \
    retention = switches off what one needs after an accident
modify set add create update write : registry autorun startup crontab cronjob launchd systemd bootloader = makes \
    something start by itself

@consequence.credentials
get read show fetch reveal view export dump retrieve decrypt access download extract print : secret password \
    credential passphrase mnemonic keychain = shows secrets
get read show fetch reveal view export dump retrieve decrypt download extract : private_key api_key access_key \
    ssh_key encryption_key master_key seed_phrase recovery_phrase connection_string = shows secrets
create generate add issue upload register import : api_key access_key ssh_key deploy_key personal_token \
    access_token service_account oauth_client = makes a key by which somebody can come in

@consequence.forwards
create add register set : webhook = sends what happens to another place from now on
create set add enable update configure change modify : forwarding forward autoforward redirect inbox_rule \
    mail_rule mailbox_rule = sends somebody's mail on to another place from now on
"""

_DEFENCES: Final = frozenset(
    """detect check report list analyze analyse scan block remove search is prevent protect identify classify lookup get
    count describe explain policy strength status validate verify simulate estimate predict train training quiz
    requirements expiry rotation name names metadata schema draft template awareness""".split()
)
"""With one of these the name speaks about such a thing instead of doing it."""


def _plain(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word


def _parse() -> tuple[Consequence, ...]:
    found: list[Consequence] = []
    finding = ""
    for line in filter(None, map(str.strip, _TABLE.splitlines())):
        if line.startswith("@"):
            finding = line[1:]
            continue
        told, _, sentence = line.partition(" = ")
        verbs, _, things = told.partition(" : ")
        chosen = frozenset() if verbs.strip() == "-" else frozenset(verbs.split())
        found.append(Consequence(finding, chosen, frozenset(map(_plain, things.split())), sentence))
    return tuple(found)


CONSEQUENCES: Final = _parse()
_THINGS: Final = frozenset(thing for one in CONSEQUENCES for thing in one.things)
SHORT: Final = 40
"""Characters of an argument that can name a thing; longer ones say something."""
_CHOOSES: Final = frozenset({"action", "operation", "command", "op", "method", "state", "status", "mode", "verb"})
_NAMES: Final = frozenset(
    "device entity entity_id resource resource_type type kind object target domain service component system".split()
)
"""Arguments that say what a general tool acts on."""


_TELLING: Final = _CHOOSES | _NAMES


def consequences(call: ToolCall) -> tuple[tuple[Consequence, frozenset[str]], ...]:
    """The lines that fit a call, each with the things that it is about."""
    if _TELLING.isdisjoint(call.arguments):
        return _matched(call.tool, (), ())
    chosen, named = (
        tuple(value for key in sorted(keys.intersection(call.arguments)) if _is_short(value := call.arguments[key]))
        for keys in (_CHOOSES, _NAMES)
    )
    return _matched(call.tool, chosen[:4], named[:4])


def _is_short(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value) <= SHORT


@lru_cache(maxsize=2048)
def _matched(
    tool: str, chosen: tuple[str, ...], named: tuple[str, ...]
) -> tuple[tuple[Consequence, frozenset[str]], ...]:
    name = split_name(tool)
    verbs = frozenset([*name, *(word for text in chosen for word in split_name(text))])
    words = [_plain(word) for word in (*name, *(w for text in named for w in split_name(text)))]
    things = frozenset([*words, *("_".join(pair) for pair in pairwise(words))])
    if things.isdisjoint(_THINGS):
        return ()
    found: list[tuple[Consequence, frozenset[str]]] = []
    for one in CONSEQUENCES:
        about = things & one.things
        if not about or (one.verbs and one.verbs.isdisjoint(verbs - about)):
            continue
        if one.finding in ("consequence.attack", "consequence.credentials") and _speaks(one, verbs):
            continue
        if all(known.finding != one.finding for known, _ in found):
            found.append((one, about))
    return tuple(found)


def _speaks(one: Consequence, verbs: frozenset[str]) -> bool:
    """The name speaks about the thing: `detect_phishing`, `get_password_policy`."""
    return not (_DEFENCES - one.verbs).isdisjoint(verbs)
