"""The authority: the service as it is set up on the machine, a transport that leaves files, and the evidence of what came.

Holds: `evidence` compares everything that was ever dropped with what lies at the destination, with the store and with the
ledger: each file exactly once, its content what DWP sealed, nothing else there.
"""

import datetime
import hashlib
import subprocess

from machine import Refused, until

LA = "12302"
DROP, LAID = f"/srv/hbcourier/drop/{LA}", f"/srv/hbcourier/backoffice/{LA}/laid"
RETURNS, OUTGOING = f"/srv/hbcourier/returns/{LA}/shbe", f"/srv/hbcourier/outgoing/{LA}"
STATE, CONFIG = "/var/lib/hbcourier", "/etc/hbcourier/hbcourier.toml"
UNIT = "hbcourier.service"
# An account that is not the service's: what a transport of files runs as.
TRANSPORT = "transport"
# No word of these may be seen anywhere but in its file.
CANARIES = {"key-passphrase": "canary-Thrush-7719-passphrase", "smtp-password": "canary-Wren-2294-password"}


# Nor of this, which is in a file that DWP sends.
FILE_CANARY = "canary-Dunnock-4410-claimant"


def laid(number, words):
    """A LAID as XML that is like no other."""
    return f'<?xml version="1.0"?><LAID><claim number="{number}">{words}</claim></LAID>\n'.encode()


def extract(day):
    """A SHBE of one claim, extracted today."""
    def record(kind, fields):
        return "|".join([kind] + [fields.get(number, "") for number in range(2, 342)])
    claim = {2: "DEPLOY-0001", 4: "XX999999A", 8: "01-01-1980", 9: "1", 12: "0", 33: "1", 41: "06-04-2015", 43: "9050"}
    lines = [record("G", {274: "1"}), record("D", claim)]
    return "".join(f"{line}\r\n" for line in [f"H|SHBE|{day:%d-%m-%Y}", *lines, f"Z|{len(lines)}"]).encode()


class Council:
    """On a machine that has the package installed."""

    def __init__(self, machine, dwp):
        self.machine, self.dwp = machine, dwp
        self.dropped, self.number = [], 0

    # Setting up.

    def set_up(self):
        """As a technician does it: the transport's account, the set-up with DWP's certificate, secrets."""
        do = self.machine.do
        self.machine.path("/root/dwp.asc").write_bytes(self.dwp.certificate)
        do("useradd", "--system", "--user-group", "--no-create-home", TRANSPORT)
        do("hbcourier", "init", "--system", "--authority", LA, "--files-group", TRANSPORT, "--partner-cert", "/root/dwp.asc")
        for name, secret in CANARIES.items():
            self.credential(name, secret)
        self.configure()

    def credential(self, name, secret):
        """One plain, in a file that root alone reads; the other as systemd-creds seals it to this machine."""
        if name == "smtp-password":
            self.machine.do("systemd-creds", "encrypt", "--with-key=host", f"--name=encrypted_{name}", "-",
                            f"/etc/hbcourier/credentials.encrypted/{name}", text=secret)
        else:
            file = self.machine.path(f"/etc/hbcourier/credentials/{name}")
            file.touch(0o600)
            file.write_text(f"{secret}\n")

    def configure(self):
        """Today is the transfer date of the SHBE; a courier that mails is there, and needs its password."""
        today = datetime.date.today()
        first = today.year if today.month >= 4 else today.year - 1
        self.machine.path("/etc/hbcourier/timetable.toml").write_text(
            f'year = "{first}-{(first + 1) % 100:02}"\nsource = "make-believe"\n\n[[group]]\nweek = 1\nweekday = "Monday"\n'
            f'dates = [{{ relevant_month = "{today:%Y-%m}", extract_from = "{today - datetime.timedelta(7)}",'
            f' transfer_on = "{today}" }}]\nauthorities = [["{LA}", "Blackpool"]]\n')
        file = self.machine.path(CONFIG)
        text = file.read_text()
        for key, value in (("window", "00:00-24:00"), ("settle", "1s")):
            text = text.replace(f'#{key} = ', f'{key} = "{value}" #')
        file.write_text(text)
        more = self.machine.path("/etc/hbcourier/conf.d/deploy.toml")
        more.write_text('[keys]\npassphrase_credential = "key-passphrase"\n\n'
                        '[[timetable]]\nfile = "/etc/hbcourier/timetable.toml"\n\n'
                        '[[courier]]\nname = "mail"\n[courier.smtp]\nhost = "localhost"\nport = 1\nfrom = "hbcourier@council.example"\n'
                        'account = "hbcourier"\npassword_credential = "smtp-password"\n'
                        '\n[service.alarms]\ncourier = "mail"\nto = ["it@council.example"]\n')
        self.machine.do("chown", "root:hbcourier", "/etc/hbcourier/conf.d/deploy.toml")
        more.chmod(0o640)

    def is_watched(self):
        """As README.md has it, where an earlier release set the machine up, whose `init` knew nothing of it."""
        if "watch.sock" in self.machine.path(CONFIG).read_text():
            return
        more = self.machine.path("/etc/hbcourier/conf.d/watch.toml")
        more.write_text('[watch]\nlisten = "unix:/run/hbcourier/watch.sock"\n')
        more.chmod(0o644)
        self.machine.do("systemctl", "reload", UNIT)
        until(lambda: "watch.sock" in self.machine.do("ls", "/run/hbcourier"), 30, "it can be watched")

    def protect_key(self):
        """A new key, which the service protects with the passphrase that systemd hands to it; DWP seals to it from now on."""
        self.key = self.machine.json("hbcourier", "keys", "generate", "--json")["fingerprint"]
        for certificates in ("/srv/hbcourier/keys/own.asc", f"{STATE}/keys/own-public.asc"):
            self.dwp.learn(self.machine.path(certificates).read_bytes())

    # The service.

    def pid(self):
        return int(self.machine.show(UNIT, "MainPID")["MainPID"])

    def restarts(self):
        return int(self.machine.show(UNIT, "NRestarts")["NRestarts"])

    def is_active(self):
        return self.machine.show(UNIT, "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}

    # Files from DWP.

    def sealed(self, count, words=""):
        """New files as DWP seals them, not dropped yet: the paths, as the machine sees them."""
        numbers = range(self.number, self.number + count)
        self.number += count
        contents = {f"LAID_{number:05}.xml": laid(number, words) for number in numbers}
        paths = self.dwp.seal(contents, self.key, self.machine.path("/root/sealed"))
        self.dropped = sorted([*self.dropped, *(hashlib.sha256(content).hexdigest() for content in contents.values())])
        return [f"/root/sealed/{path.name}" for path in paths]

    def drop(self, paths):
        """The transport's account copies them in, one after the other."""
        self.machine.do("sh", "-c", f'chmod 755 /root /root/sealed; chmod 644 "$@"; exec runuser -u {TRANSPORT} -- '
                                    f'sh -c \'umask 027; for file; do cp "$file" {DROP}/.part && mv {DROP}/.part '
                                    f'{DROP}/"${{file##*/}}"; done\' _ "$@"', "_", *paths)

    def drop_new(self, count):
        self.drop(self.sealed(count))

    # Evidence.

    def delivered(self):
        """The digest of everything at the destination."""
        files = self.machine.path(LAID).glob("[!.]*")
        return sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)

    def evidence(self, seconds=60):
        """Everything that was dropped is there once, and everybody says so."""
        until(lambda: len(self.delivered()) >= len(self.dropped), seconds, f"{len(self.dropped)} files are delivered")
        transfers = until(self.all_closed, seconds, "every transfer is closed")
        if self.delivered() != self.dropped:
            raise Refused("what lies at the destination is not what was dropped, each once")
        digests = sorted(part["sha256"] for transfer in transfers for part in transfer["parts"])
        if digests != self.dropped:
            raise Refused(f"the store tells of {len(digests)} parts, and {len(self.dropped)} files were dropped")
        # After a crash what was delivered already is taken away a moment later.
        until(lambda: not list(self.machine.path(DROP).iterdir()), seconds, "the drop folder is empty")
        return f"{len(transfers)} files, each once; {self.ledger()} entries"

    def all_closed(self):
        transfers = self.machine.json("hbcourier", "transfers", "list", "--direction", "in", "--json")["transfers"]
        return transfers if all(transfer["state"] == "closed" for transfer in transfers) else None

    def ledger(self):
        """The ledger verifies; how many entries it has."""
        verdict = self.machine.json("hbcourier", "audit", "verify", "--json")
        if not verdict["ok"]:
            raise Refused(f"audit verify: {verdict['says']}")
        return verdict["entries"]

    # Returns.

    def leave_return(self):
        file = self.machine.path(f"{RETURNS}/extract.txt")
        file.write_bytes(extract(datetime.date.today()))
        subprocess.run(["chown", f"--reference={self.machine.path(RETURNS)}", file], check=True)

    def sent(self):
        """Sealed files in the outgoing folder, opened by DWP."""
        files = sorted(self.machine.path(OUTGOING).glob("[!.]*"))
        return [self.dwp.open(file.read_bytes()) for file in files]
