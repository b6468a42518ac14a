"""What calls of Python's library and of well-known packages do, by dotted name: tables for python.py."""

from __future__ import annotations

from typing import Final

from toolguard.core.acts import FileOp
from toolguard.core.model import EffectClass

FILE_CALLS: Final = {
    name: (op, recursive)
    for op, recursive, names in (
        (
            FileOp.DELETE,
            False,
            "os.remove os.unlink os.rmdir pathlib.Path.unlink pathlib.Path.rmdir send2trash.send2trash",
        ),
        (FileOp.DELETE, True, "shutil.rmtree os.removedirs distutils.dir_util.remove_tree"),
        (
            FileOp.WRITE,
            False,
            (
                "pathlib.Path.write_text pathlib.Path.write_bytes os.truncate pathlib.Path.touch os.mkdir "
                "os.makedirs pathlib.Path.mkdir os.mknod os.mkfifo numpy.save joblib.dump"
            ),
        ),
        (
            FileOp.READ,
            False,
            (
                "pathlib.Path.read_text pathlib.Path.read_bytes linecache.getlines "
                "fileinput.input numpy.load sqlite3.connect "
                "pandas.read_csv pandas.read_json pandas.read_excel os.readlink mmap.mmap"
            ),
        ),
        (
            FileOp.LIST,
            False,
            (
                "os.listdir os.scandir os.walk glob.glob glob.iglob "
                "pathlib.Path.iterdir pathlib.Path.glob pathlib.Path.rglob os.stat os.path.exists os.path.isfile"
            ),
        ),
        (FileOp.MODE, False, "os.chmod os.lchmod pathlib.Path.chmod"),
        (FileOp.OWNER, False, "os.chown os.lchown shutil.chown"),
        (FileOp.EXECUTE, False, "runpy.run_path os.startfile ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.WinDLL"),
    )
    for name in names.split()
}
"""What happens to the first argument, and whether it reaches everything below."""
OPENS: Final = frozenset("open io.open codecs.open os.open pathlib.Path.open gzip.open aiofiles.open os.fdopen".split())
"""Open a file: the mode says for what."""
EVALUATORS: Final = frozenset("eval exec compile runpy.run_module code.interact".split())
"""Run a text as code."""
QUERIES: Final = (".execute", ".executescript", ".executemany", ".read_sql", ".read_sql_query", ".raw", ".sql")
"""Endings of methods that run SQL."""
UPLOADS: Final = (".sendmail", ".send_message", ".storbinary", ".storlines", ".sendall", ".put_object", ".upload_file")
"""Endings of methods that send what they are given."""
CONNECTING: Final = (".connect", ".connect_ex", ".sendto", ".create_connection")
"""Endings of methods of sockets."""
TWO_FILES: Final = frozenset(
    """shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace os.link os.symlink
        os.renames pathlib.Path.rename pathlib.Path.replace pathlib.Path.symlink_to""".split()
)
"""From a file to another."""
MOVES: Final = frozenset("shutil.move os.rename os.replace os.renames pathlib.Path.rename pathlib.Path.replace".split())
"""Those of TWO_FILES after which the first is gone."""
SHELL_CALLS: Final = frozenset(
    """os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput popen2.popen2
        asyncio.create_subprocess_shell pexpect.run pexpect.spawn IPython.get_ipython.system""".split()
)
"""Run a shell command."""
ARGV_CALLS: Final = frozenset(
    """subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen sh.Command
        asyncio.create_subprocess_exec""".split()
)
"""Run a program, given as a list or a text."""
EXEC_CALLS: Final = frozenset(
    """os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle
        os.spawnlp os.spawnv os.spawnve os.spawnvp os.posix_spawn pty.spawn os.spawnlpe""".split()
)
"""Run a program in the place of this one, or beside it."""
SENDS: Final = frozenset("post put patch delete request".split())
"""Methods of HTTP clients that send a body."""
HTTP: Final = (
    "requests.",
    "httpx.",
    "urllib3.",
    "aiohttp.",
    "urllib.request.",
    "urllib2.",
    "urllib.urlopen",
    "http.client.",
    "wget.download",
    "cloudscraper.",
    "pycurl.",
    "treq.",
    "grequests.",
)
"""Beginnings of HTTP clients' names."""
CONNECTS: Final = frozenset(
    """ftplib.FTP ftplib.FTP_TLS smtplib.SMTP smtplib.SMTP_SSL telnetlib.Telnet paramiko.SSHClient.connect
        socket.create_connection pymongo.MongoClient websocket.create_connection imaplib.IMAP4_SSL""".split()
)
"""Connect to the address that is the first argument."""
HOST_CALLS: Final = frozenset({"http.client.HTTPConnection", "http.client.HTTPSConnection"})
"""The same, where it is a host."""
ACTS: Final[dict[str, tuple[str, EffectClass, str]]] = {
    "ctypes.": ("code.native", EffectClass.EXECUTE, "calls native code, which can do anything"),
    "cffi.": ("code.native", EffectClass.EXECUTE, "calls native code, which can do anything"),
    "pickle.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "cPickle.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "dill.load": ("code.deserialises", EffectClass.EXECUTE, "loads a pickle, which runs whatever it says"),
    "marshal.load": ("code.deserialises", EffectClass.EXECUTE, "loads compiled code"),
    "os.setuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.setgid": ("identity.privilege", EffectClass.GRANT, "changes the group that the program runs as"),
    "os.setreuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.setresuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.seteuid": ("identity.privilege", EffectClass.GRANT, "changes the user that the program runs as"),
    "os.reboot": ("system.stops-machine", EffectClass.ADMINISTER, "restarts the machine"),
    "pynput.": ("code.records", EffectClass.READ, "records keys or the pointer"),
    "keyboard.": ("code.records", EffectClass.READ, "records keys"),
    "pyxhook.": ("code.records", EffectClass.READ, "records keys"),
    "PIL.ImageGrab.": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "pyautogui.screenshot": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "mss.": ("code.records", EffectClass.READ, "takes pictures of the screen"),
    "cv2.VideoCapture": ("code.records", EffectClass.READ, "uses the camera"),
    "sounddevice.rec": ("code.records", EffectClass.READ, "uses the microphone"),
    "pyperclip.paste": ("code.records", EffectClass.READ, "reads the clipboard"),
    "browser_cookie3.": ("identity.dumps-credentials", EffectClass.READ, "reads the cookies of a browser"),
    "browsercookie.": ("identity.dumps-credentials", EffectClass.READ, "reads the cookies of a browser"),
    "win32crypt.": ("identity.dumps-credentials", EffectClass.READ, "decrypts stored passwords"),
    "keyring.get_password": ("identity.dumps-credentials", EffectClass.READ, "reads a stored password"),
    "spwd.": ("identity.dumps-credentials", EffectClass.READ, "reads password hashes"),
    "scapy.": ("network.scans", EffectClass.SEND, "sends or reads raw packets"),
    "nmap.": ("network.scans", EffectClass.SEND, "probes other machines"),
    "winreg.SetValue": ("persistence.service", EffectClass.ADMINISTER, "changes the registry"),
    "winreg.CreateKey": ("persistence.service", EffectClass.ADMINISTER, "changes the registry"),
    "winreg.DeleteKey": ("persistence.service", EffectClass.DELETE, "deletes from the registry"),
    "stripe.Payout.create": ("infrastructure.moves-money", EffectClass.SPEND, "moves money"),
    "stripe.Transfer.create": ("infrastructure.moves-money", EffectClass.SPEND, "moves money"),
    "crontab.CronTab": ("persistence.schedule", EffectClass.EXECUTE, "changes scheduled commands"),
    "http.server.": ("network.listens", EffectClass.EXECUTE, "serves files of this machine to the network"),
    "socketserver.": ("network.listens", EffectClass.EXECUTE, "waits for connections from outside"),
    "SimpleHTTPServer.": ("network.listens", EffectClass.EXECUTE, "serves files of this machine to the network"),
    "socket.socket.bind": ("network.listens", EffectClass.EXECUTE, "waits for connections from outside"),
    "os.killpg": ("system.kills", EffectClass.ADMINISTER, "kills a group of programs"),
    "psutil.Process.kill": ("system.kills", EffectClass.ADMINISTER, "kills a program"),
    "psutil.Process.terminate": ("system.kills", EffectClass.ADMINISTER, "ends a program"),
    "sys.settrace": ("code.native", EffectClass.EXECUTE, "watches every step of the program"),
}
"""By a name or its beginning: finding, class, sentence."""
