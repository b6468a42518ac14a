"""The machine itself: services, power, accounts, permissions, defences, logs, schedules, disks, kernel."""

TABLE = """
@system.stops-machine administer
shutdown|poweroff|halt|reboot|telinit|pm-suspend !-c = stops or restarts the machine
init 0|1|6|s = stops or restarts the machine
systemctl poweroff|reboot|halt|kexec|suspend|hibernate|emergency|rescue|isolate = stops or restarts the machine
loginctl poweroff|reboot|terminate-*|kill-* = stops the machine or somebody's session
kexec -e|-l = starts another kernel
osascript ~*shut*down* = stops the machine
killall5 = kills every program

@system.kills administer
kill ~1 = kills the first program of the system
kill ~-1 = kills every program of the user
medium killall|pkill -9|-KILL|-u|--user|--signal = kills programs by name
skill|slay -9|-u|-KILL = kills the programs of a user
fuser -k = kills whatever uses a file or port
low killall|pkill * = ends programs by name
xkill = kills programs

@infrastructure.stops-service administer
systemctl stop|disable|mask|kill|revert = stops a service or keeps it from starting
service * stop|disable = stops a service
/etc/init.d/* stop = stops a service
rc-service * stop = stops a service
rc-update del|delete = keeps a service from starting
update-rc.d * remove|disable = keeps a service from starting
chkconfig * off = keeps a service from starting
chkconfig --del = keeps a service from starting
launchctl unload|remove|bootout|disable|kill|stop = stops a service
supervisorctl stop|remove|shutdown = stops a service
pm2 delete|kill|stop = stops a service
initctl|stop stop|* = stops a service
docker|podman|nerdctl stop|pause = stops running containers
docker-compose stop|kill = stops running containers
docker compose stop|kill = stops running containers
low systemctl restart|reload|try-restart|reload-or-restart|set-property|set-default = interrupts a service
low service * restart|reload = interrupts a service
sv|s6-svc down|stop|force-stop -d = stops a service

@persistence.service administer
systemctl enable|link|reenable|preset|edit = makes a service start by itself
systemctl daemon-reexec = restarts the service starter
update-rc.d * defaults|enable = makes a service start by itself
rc-update add = makes a service start by itself
chkconfig * on = makes a service start by itself
chkconfig --add = makes a service start by itself
launchctl load|bootstrap|enable|submit|kickstart = makes a service start by itself
sysrc ~*enable=* = makes a service start by itself
systemd-run --on-calendar|--on-active|--on-boot|--on-unit-active = runs something later
loginctl enable-linger = keeps programs running after logging out
emond -d = loads event rules
dscl . -create|-append ~*loginhook* = runs something at each login
defaults write com.apple.loginwindow|*loginwindow* = changes what happens at login
defaults write ~loginhook|~logouthook = runs something at each login
osascript ~*login*item* = makes a program start at login
busybox crond = runs scheduled commands
kextload|kmutil|insmod|modprobe !-n|--show-depends|-l = loads code into the kernel
rmmod|kextunload|modprobe -r = unloads code from the kernel
git config core.hookspath|core.fsmonitor|core.pager|core.editor|core.sshcommand|init.templatedir|alias.*|credential.helper|include.path = makes git run or use something else
git config --global|--system core.hookspath|core.fsmonitor|core.sshcommand|init.templatedir|credential.helper = makes git run or use something else

@persistence.schedule execute
crontab -e|-r|-u = changes scheduled commands
crontab * !-l = replaces scheduled commands
crontab - = replaces scheduled commands
at|batch * !-l|-q|-c = runs commands later
atrm = removes scheduled commands
anacron -f|-n = runs scheduled commands now

@identity.accounts grant
useradd|adduser|luseradd|newusers|vipw|vigr = adds an account
usermod|gpasswd|chsh|chfn|chage|chpasswd|lusermod|pwconv|pwunconv|grpconv = changes an account
userdel|deluser|groupdel|delgroup|luserdel|pw_userdel = deletes an account
medium groupadd|addgroup|groupmod = changes groups
passwd !-S|--status = changes a password
pw useradd|adduser|usermod|userdel|groupadd|groupmod|lock|unlock = changes accounts
dscl . -create|-append|-passwd|-delete|-change|-merge = changes accounts
dscl ~/local/default -create|-append|-passwd|-delete = changes accounts
sysadminctl -addUser|-adduser|-deleteUser|-resetPasswordFor|-newPassword|-guestAccount = changes accounts
dseditgroup -o = changes groups
createhomedir = makes homes for accounts
realm|adcli join|leave|delete-* = changes the domain of the machine
smbpasswd|pdbedit|ldappasswd|kpasswd|htpasswd|net -a|-x|-e|-s = changes an account
faillock|pam_tally2|pam-auth-update|authselect|authconfig --reset|--disable*|--enable*|select|--force = changes how people log in

@identity.privilege grant
visudo !-c = changes who may become root
sudo -s|-i|--login|--shell = opens a shell as root
chmod u+s|g+s|+s|u+xs|g+xs|u=*s*|a+s|ug+s|+xs|u+sx = lets everybody run a file with its owner's rights
setcap = gives a program rights of root
setfacl -m|-x|-b|-R|-s|--modify = changes who may use files
semanage|setsebool|chcon|restorecon login|user|permissive|-P = changes the mandatory access rules
dzdo|pfexec = runs as another user
getcap -r = searches for programs that run with rights of their own
medium find ~-4000|/4000|+4000|-2000|/2000|/6000|-6000|-u=s|/u=s|-u+s|-g=s|/g=s|-04000 = searches for programs that run with their owner's rights
passwd -d|--delete|-u|--unlock = opens an account

@identity.keys administer
ssh-add -D|-d = removes keys from the agent
ssh-keygen -R = forgets the identity of a known host
ssh-copy-id = lets a key into an account on another machine
ssh-keygen -s = signs keys
gpg|gpg2 --delete-secret-keys|--delete-secret-key|--delete-secret-and-public-key|--delete-keys|--delete-key|--import|--edit-key|--gen-revoke = changes keys
gpg|gpg2 --export-secret-keys|--export-secret-subkeys|--export-secret-key = exports private keys
security import|add-trusted-cert|delete-*|set-*|add-*|create-keychain|default-keychain|unlock-keychain = changes keys and certificates of the machine
certutil -A|-D = changes trusted certificates
keytool -delete|-importcert|-importkeystore|-exportcert = changes keys and certificates
update-ca-certificates|update-ca-trust|trust = changes which certificates are trusted
kinit|kdestroy|klist -k = uses or shows login tickets
openssl pkcs12|rsa -export|-in = handles private keys

@identity.dumps-credentials read
security dump-keychain|find-generic-password|find-internet-password|export|find-certificate = shows stored passwords or certificates
getent shadow|gshadow = shows password hashes
unshadow|john|hashcat|hydra|medusa|ncrack|crackmapexec|nxc|netexec|kerbrute|patator|cewl = guesses passwords
mimikatz|mimipenguin|lazagne|lazagne.py|laZagne.py|linpeas|linpeas.sh|winpeas|seatbelt|rubeus|bloodhound|sharphound|secretsdump.py|impacket-secretsdump|responder|msfconsole|msfvenom|metasploit|pspy|pspy64 = attacks the machine or the network
python|python3 ~lazagne*|~laZagne.py|~mimipenguin* = collects stored passwords
secret-tool lookup|search = shows stored passwords
bitcoin-cli|litecoin-cli|dogecoin-cli|dash-cli|zcash-cli dumpprivkey|dumpwallet|z_exportkey|z_exportwallet = shows the private keys of a wallet
electrum getprivatekeys|getseed|getmasterprivate = shows the private keys of a wallet
cast wallet private-key|decrypt-keystore|dk|pk = shows the private keys of a wallet
kwallet-query|keyctl -r|read|print|pipe = shows stored passwords
gcore|procdump = copies the memory of a program
gdb -p|--pid|attach = looks into the memory of a program
strings ~/proc/*/mem = looks into the memory of a program
dscl . -read ~*password*|~*shadowhash* = shows password hashes
plutil -p ~*shadowhash* = shows password hashes
airmon-ng|aircrack-ng|airodump-ng|aireplay-ng|reaver|wash = attacks wireless networks
ldapsearch|rpcclient|enum4linux|smbmap|bloodhound-python|windapsearch -* = asks the directory about people and rights
trufflehog|gitleaks|noseyparker filesystem|git|detect|scan --only-verified = collects secrets

@evasion.history write
history -c|-d|-cw = removes or rewrites the record of commands
fc -W|-R = rewrites the record of commands
set +o history = stops the record of commands
set +o ~history = stops the record of commands
unset histfile|histsize|histcontrol|histfilesize|prompt_command|histignore = stops the record of commands
shopt -u ~histappend = changes the record of commands
Clear-History|clear-history = removes the record of commands

@evasion.logs delete
journalctl --vacuum-time|--vacuum-size|--vacuum-files|--rotate|--flush = deletes log entries
log erase = deletes log entries
dmesg -C|-c|--clear = deletes kernel messages
auditctl -D|-e|-d = switches off the record of security events
logrotate -f|--force = replaces logs
utmpdump -r = rewrites the record of logins
last|lastb|lastlog -C|--clear = changes the record of logins
wevtutil cl|clear-log|sl = deletes event logs
aureport|ausearch --clear = deletes security events
swapoff|swapon -a = switches swap space
tmutil delete|disable|deletelocalsnapshots|thinlocalsnapshots = deletes backups
fsutil usn deletejournal = deletes the record of file changes

@evasion.defences administer
ufw disable|reset|delete|allow|default|prepend|insert|logging|route|deny|reject|limit = changes the firewall
iptables|ip6tables|iptables-legacy|iptables-nft|arptables|ebtables -F|-D|-P|-X|-A|-I|-R|-Z|--flush|--delete|--policy|--append|--insert|--replace = changes the firewall
iptables-restore|ip6tables-restore|iptables-apply = replaces the firewall
nft flush|delete|add|insert|replace -f = changes the firewall
nft -f = replaces the firewall
firewall-cmd --add-*|--remove-*|--panic-*|--set-*|--zone*|--reload = changes the firewall
pfctl -d|-F|-f|-a|-e|-t = changes the firewall
service|rc-service pf|ipfw|ufw|iptables|firewalld|apparmor|auditd|rsyslog|syslog|falcon-sensor stop|disable|onestop = stops a protection
systemctl stop|disable|mask|kill ufw|firewalld|iptables|nftables|apparmor|auditd|rsyslog|syslog*|falcon-sensor|clamav*|fail2ban|crowdsec|osquery*|wazuh*|mdatp|sentinel* = stops a protection
setenforce 0|permissive = switches off mandatory access rules
aa-disable|aa-complain|aa-teardown|apparmor_parser -R = switches off mandatory access rules
aa-disable|aa-complain|aa-teardown = switches off mandatory access rules
spctl --master-disable|--global-disable|--add|--disable = switches off checks of programs
csrutil disable|clear|authenticated-root = switches off protection of the system
xattr -d|-c|-r|-rd|-dr|-cr = removes the mark of a downloaded file
chflags * !-h = changes protection or visibility of files
chattr +*|-i|-a|-R|-V = changes protection of files
chattr -i|-a|-R = removes protection of files
lsattr -R = lists protection of files
mdatp|falconctl|cbagentd|sentinelctl|savdctl|uvscan config|uninstall|unload|disable|exclusion|-d = weakens the virus scanner
esets|clamconf --disable = weakens the virus scanner
sysctl -w|-p|--write|--load = changes the kernel's settings
sysctl ~*=* = changes the kernel's settings
networksetup -set*|-create*|-remove*|-add* = changes the network settings
scutil --set|--proxy = changes the network settings
nmcli con|connection|device|dev|networking|radio mod|modify|delete|add|down|off|up|disconnect = changes the network settings
ip link|addr|address|route|rule|netns|neigh add|del|delete|set|flush|change|replace = changes the network settings
ifconfig * down|up|hw|promisc|-promisc = changes the network settings
route add|del|delete|change|flush = changes the network settings
arp -s|-d = changes the network settings
resolvectl|systemd-resolve dns|domain|revert|flush-caches|--set-dns = changes the network settings
hostnamectl|timedatectl|localectl set-* = changes the machine's settings
date -s|--set = changes the clock
hwclock -w|--systohc|--set = changes the clock
ntpdate|chronyc makestep|-u|settime = changes the clock
touch -r|-t|-d|--reference|--date !-c ~/* = changes the time of a file
ulimit|prlimit -u|-c ~unlimited = removes limits
defaults write ~/library/preferences/* = changes settings of the system
defaults write|delete com.apple.* = changes settings of the system
profiles install|remove|renew -I|-R = changes the management of the machine
tccutil reset = forgets which program may see what
sqlite3 ~*tcc.db* = changes which program may see what
pwpolicy -clearaccountpolicies|-setaccountpolicies|setglobalpolicy = changes password rules
ldconfig -f|-C|-n = changes where libraries are found
update-alternatives|alternatives --set|--install|--config = changes which program a name means
grub-install|update-grub|grub-mkconfig|efibootmgr|bootctl|mokutil|bless|nvram|grubby = changes how the machine starts
debconf-set-selections = changes answers of installers
alias ~sudo=*|~ls=*|~ps=*|~netstat=*|~cd=* = replaces a command by another

@system.destroys-disk delete
mkfs|mkfs.*|mke2fs|mkswap|mkntfs|newfs|newfs_* = makes a new file system, deleting what is there
wipefs|blkdiscard|hdparm|nwipe|scrub|sgdisk|sfdisk|parted|partprobe|badblocks -a|-f|-w|--security-erase|-Z|--zap-all|-o|--yes-i-know-what-i-am-doing|-s|-d|--delete = destroys partitions or their content
wipefs|blkdiscard|nwipe|scrub|sfdisk = destroys partitions or their content
parted * mklabel|mkpart|rm|resizepart = destroys partitions
parted -s|--script ~rm|~mklabel|~mkpart = destroys partitions
fdisk|gdisk|cfdisk !-l = changes partitions
diskutil erase*|partition*|secureerase|zerodisk|apfs|unmount*|reformat|eject = erases or removes disks
lvremove|vgremove|pvremove|lvreduce|vgreduce|pvmove = destroys volumes
zpool|zfs destroy|labelclear|rollback|offline|detach|remove|clear = destroys volumes or goes back to older content
btrfs subvolume|sub|device delete|del|remove = destroys volumes
mdadm --zero-superblock|--stop|--remove|--fail|-S|-r|-f = destroys a disk array
cryptsetup luksformat|erase|lukserase|lukskillslot|lukskeyslot*|luksremovekey|reencrypt = destroys an encrypted volume
dmsetup remove|remove_all|create|wipe_table|load = changes device mappings
debugfs -w|-R = changes a file system below its surface
tune2fs|e2fsck|fsck|fsck.*|xfs_repair|resize2fs -y|-f|-L|-m|-O|-p = changes a file system below its surface
nvme format|sanitize|delete-ns = erases a disk
sg_format|sg_sanitize|flashrom|fwupdmgr|dfu-util|esptool.py -w|-E|install|erase_flash|update|-D|--erase = rewrites a device
shred|srm|wipe|sfill|sswap|sdelete|bcwipe = overwrites files so that nothing can bring them back
losetup -d|-D = removes a block device
umount|umount2 -a|-f|-l = takes file systems away
swapoff -a = switches off swap space
quotacheck|edquota|setquota -u = changes quotas

@system.mounts administer
mount * !-l|--version|-t = attaches a file system
medium mount -o ~*remount* = changes an attached file system

@system.exhausts execute
stress|stress-ng|sysbench|cpuburn|memtester|fio -c|-m|--cpu|--vm|--cpu-* = uses up the machine
stress|stress-ng|cpuburn|memtester = uses up the machine
low fallocate -l|--length:*k|*m|*kb|*mb|*kib|*mib = takes up room on the disk
fallocate -l|--length !-l|--length:*k|*m|*kb|*mb|*kib|*mib = fills the disk
xmrig|minerd|cpuminer|ethminer|nbminer|t-rex|lolminer|cgminer|bfgminer|phoenixminer = mines cryptocurrency
medium xdotool|ydotool|wtype|cliclick key|type|click|* = types or clicks in other programs
ab|wrk|siege|hey|vegeta|bombardier|slowhttptest|hping3|mdk3|mdk4|t50|loic|goldeneye -n|-c|--flood|attack|-d = floods a server
hping3 = sends raw packets

@network.listens execute
nc|ncat|netcat|nc.openbsd|nc.traditional|busybox -l|--listen|-lvp|-nlvp !-s:<here> = waits for connections from outside
instead low socat ~*listen:*bind=localhost*|~*listen:*bind=127.* = waits for connections from this machine
socat ~*listen:* = waits for connections from outside
python|python3|python2 -m ~http.server|~simplehttpserver|~pyftpdlib|~smtpd|~aiosmtpd !-b|--bind:<here> = serves files of this machine to the network
twistd|updog|miniserve|webfsd|darkhttpd|goshs = serves files of this machine to the network
php -S ~0.0.0.0:* = serves files of this machine to the network
ruby -run|httpd = serves files of this machine to the network
tailscale serve|funnel = opens this machine to others
sshd -p|-f|-D|-o = opens another way into this machine
dropbear|telnetd|in.telnetd|rshd|vncserver|x11vnc|Xvnc|xrdp|teamviewer|anydesk|rustdesk|remoting_host|ammyy|splashtop-streamer|screenconnect = opens this machine to remote control
systemsetup -setremotelogin|-setremoteappleevents ~on = opens this machine to remote control
kickstart -activate|-configure = opens this machine to remote control

@network.remote-control send
high docker|podman|nerdctl|docker-compose run|exec|create|start|build|cp|compose|service|stack|container|up -H|--host|--url:tcp://*|*:2375|*:2376 !-H|--host|--url:<here> = steers the container daemon of another machine
high docker|podman|nerdctl|docker-compose run|exec|create|start|build|cp|compose|service|stack|container|up ~docker_host=tcp://* !~docker_host=tcp://127.0.0.1:* !~docker_host=tcp://localhost:* !-H|--host = steers the container daemon of another machine

@network.tunnels send
ssh|autossh -R|-D|-w = opens a tunnel between networks
low ssh|autossh -L = forwards a port to another network
ngrok|cloudflared|bore|chisel|frpc|frps|localtunnel|lt|rathole|gost|ligolo*|pagekite|inlets|playit|zrok|tunnelto = opens a tunnel from the internet to this machine
code|code-insiders|code-server tunnel = opens a tunnel from the internet to this machine
sshuttle|openvpn|wg-quick|wg|tailscale|zerotier-cli|tor|iodine|dnscat|dnscat2|dnscat2-server|ptunnel|ptunnel-ng|icmptunnel|hans|stunnel|proxytunnel|redsocks up|-r|--config|set|join|--remote|-c|--dev = opens a tunnel between networks
sshuttle|tor|iodine|dnscat|dnscat2|ptunnel|hans|stunnel|proxytunnel = opens a tunnel between networks
kubectl|oc port-forward --address = opens the cluster to the network
finger ~*@* = talks to another machine without encryption
telnet|rlogin|rsh|rcp|tftp * = talks to another machine without encryption
low ftp|lftp * = talks to another machine without encryption
whois -h = sends text to a chosen server
gsocket|gs-netcat|pwncat|pwncat-cs|rustcat|rcat|evil-winrm|wsc2|villain|sliver*|havoc|merlin|empire = controls another machine, or lets others control this one
ipptool|lp|cancel|lpr -h|-H|-S = sends content to a chosen server

@network.scans send
nmap|masscan|zmap|rustscan|naabu|unicornscan|arp-scan|netdiscover|nbtscan|fping|nikto|sqlmap|wpscan|gobuster|ffuf|dirb|dirbuster|wfuzz|feroxbuster|nuclei|amass|subfinder|dnsrecon|dnsenum|fierce|theharvester|recon-ng|skipfish|openvas|nessus|wapiti|xsstrike|commix|bettercap|ettercap|arpspoof|dsniff|mitmproxy|mitmdump|yersinia|scapy|dnschef|sslstrip !-V = probes or attacks other machines

@network.sniffs read
tcpdump|tshark|dumpcap|wireshark|ngrep|ettercap|dsniff|snoop|tcpflow|termshark|sniffglue|netsniff-ng !-r|--version|-D !-i|--interface|-d:lo|lo0 = records network traffic of others
low tcpdump|tshark -r = reads recorded network traffic
low tcpdump|tshark|dumpcap|ngrep|tcpflow|termshark -i|--interface|-d:lo|lo0 = records what programs of this machine tell each other
asciinema|logkeys|xinput|xspy|evtest|xev|keylogger -q|test|-s|--start|rec = records what is typed
script -q !-c|--command = records what is typed
logkeys|xspy|evtest = records what is typed
screencapture|scrot|gnome-screenshot|import|flameshot|grim|xwd|spectacle|fbgrab|fswebcam|imagesnap|arecord|parecord|rec|ffcast * = records the screen, the camera or the microphone
low xclip|xsel|pbpaste|wl-paste -o|--output = reads the clipboard
ffmpeg -f ~avfoundation|~x11grab|~v4l2|~alsa|~pulse|~gdigrab = records the screen, the camera or the microphone

@code.encrypts write
7z|7za|7zz|rar -sdel|-df|-dw = packs files and deletes them
zip -e -m = packs files under a password and deletes them
"""
