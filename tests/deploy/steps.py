"""What is done with the package and the service, step by step. Each step ends with evidence, or fails.

In:  the two packages, a council on its machine.
Out: for each step a line of what was seen.
"""

import socket
import threading
from pathlib import Path

from council import CANARIES, CONFIG, DROP, FILE_CANARY, LAID, STATE, UNIT
from machine import Refused, until

TIMERS = ("hbcourier-audit.timer", "hbcourier-deadline.timer")
# Exposure, in tenths, at most. See systemd-analyze(1), "security".
EXPOSURE = {UNIT: 15, "hbcourier-audit.service": 10, "hbcourier-deadline.service": 10}
# So short that the test need not wait for two minutes, nor for ten seconds between two starts; nothing else is changed.
WATCHDOG_SECONDS, RESTART_SECONDS = 12, 1


def install(council, package, version):
    """By dpkg, as an administrator does who was given the file."""
    machine = council.machine
    machine.path(f"/root/{package.name}").write_bytes(package.read_bytes())
    machine.do("dpkg", "--install", f"/root/{package.name}", environment=["DEBIAN_FRONTEND=noninteractive"])
    found = machine.do("dpkg-query", "-W", "-f", "${Status} ${Version}", "hbcourier")
    if found != f"install ok installed {version}":
        raise Refused(f"after installing {version} dpkg says: {found}")
    return found


def installed(council, package, version):
    """Installed and not set up: enabled, harmless, nothing failed."""
    machine = council.machine
    says = install(council, package, version)
    for unit in (UNIT, *TIMERS):
        if machine.do("systemctl", "is-enabled", unit).strip() != "enabled":
            raise Refused(f"{unit} is not enabled")
    if council.is_active():
        raise Refused("the service runs although there is no configuration")
    owner = machine.do("stat", "-c", "%U:%G %a", STATE).strip()
    if owner != "hbcourier:hbcourier 700":
        raise Refused(f"{STATE} is {owner}")
    failed = machine.do("systemctl", "--failed", "--plain", "--no-legend").strip()
    if failed:
        raise Refused(f"failed units: {failed}")
    return says


def gates(council):
    """The units say nothing that systemd does not know, and close what can be closed."""
    machine, seen = council.machine, []
    units = [f"/usr/lib/systemd/system/{unit}" for unit in (*EXPOSURE, *TIMERS)]
    says = machine.do("sh", "-c", 'systemd-analyze verify --man=no "$@" 2>&1', "_", *units).strip()
    if says:
        raise Refused(f"systemd-analyze verify: {says}")
    for unit, most in EXPOSURE.items():
        printed = machine.do("systemd-analyze", "security", "--offline=true", f"--threshold={most}", unit)
        seen.append(f"{unit} {printed.splitlines()[-1].split(': ')[-1].split()[0]}")
    return ", ".join(seen)


def manual(council):
    """Pages for all commands, and completions that complete."""
    machine = council.machine
    pages = len(list(machine.path("/usr/share/man/man1").glob("hbcourier*.1.gz")))
    script = """source /usr/share/bash-completion/completions/hbcourier
                COMP_WORDS=(hbcourier aud) COMP_CWORD=1
                _hbcourier hbcourier aud hbcourier
                echo "${COMPREPLY[@]}" """
    completed = machine.do("bash", "-c", script).strip()
    if completed != "audit":
        raise Refused(f"`hbcourier aud` is completed to {completed!r}")
    for page, of in (("zsh/vendor-completions/_hbcourier", "zsh"), ("fish/vendor_completions.d/hbcourier.fish", "fish")):
        if "deadline" not in machine.path(f"/usr/share/{page}").read_text():
            raise Refused(f"{of} is told nothing")
    if pages < 40:
        raise Refused(f"there are only {pages} pages of the manual")
    return f"{pages} pages"


def first_start(council):
    """Set up, started, and ready by its own word."""
    machine = council.machine
    council.set_up()
    machine.path(f"/etc/systemd/system/{UNIT}.d").mkdir(parents=True, exist_ok=True)
    machine.path(f"/etc/systemd/system/{UNIT}.d/test.conf").write_text(
        f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}s\nRestartSec={RESTART_SECONDS}s\n")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "start", UNIT)
    says = machine.show(UNIT, "Type", "ActiveState", "SubState", "User")
    if says != {"Type": "notify", "ActiveState": "active", "SubState": "running", "User": "hbcourier"}:
        raise Refused(f"the service is {says}")
    council.protect_key()
    return f"active, process {council.pid()}"


def takes_files(council):
    council.drop_new(5)
    return council.evidence()


def sends_a_return(council):
    council.leave_return()
    sent = until(council.sent, 60, "the return is in the outgoing folder")
    if len(sent) != 1 or not sent[0].startswith(b"H|SHBE|"):
        raise Refused(f"DWP opened {len(sent)} files that are not the one extract")
    return one_return(council)


def one_return(council):
    returns = council.machine.json("hbcourier", "returns", "list", "--json")["returns"]
    stages = [owed["stage"] for owed in returns if owed["return"] == "shbe" and owed["sha256"]]
    if stages != ["sent"] or len(council.sent()) != 1:
        raise Refused(f"of the SHBE: {stages}, and {len(council.sent())} in the outgoing folder")
    return "one SHBE, sent once"


def watchdog(council):
    """A process that hangs is replaced; what came meanwhile is delivered."""
    machine, before, pid = council.machine, council.restarts(), council.pid()
    paths = council.sealed(10)
    machine.do("kill", "-STOP", str(pid))
    council.drop(paths)
    patience = WATCHDOG_SECONDS + 15
    until(lambda: council.restarts() == before + 1 and council.is_active() and council.pid() != pid, patience,
          "the watchdog has the service restarted")
    return f"restarted once; {council.evidence()}"


def killed(council):
    before = council.restarts()
    paths = council.sealed(10)
    council.drop(paths)
    council.machine.do("systemctl", "kill", "--signal=KILL", UNIT)
    until(lambda: council.restarts() == before + 1 and council.is_active(), 30, "a killed service is started again")
    return council.evidence()


def restarts(council, times):
    """Again and again, each time while files come."""
    machine, files = council.machine, council.sealed(times * 6)
    # What an administrator does who starts it so often: the unit allows so many starts in ten minutes.
    machine.do("systemctl", "reset-failed", UNIT)
    for at in range(0, len(files), 6):
        dropping = threading.Thread(target=council.drop, args=[files[at:at + 6]])
        dropping.start()
        machine.do("systemctl", "restart", UNIT)
        dropping.join()
        if not council.is_active():
            raise Refused("after a restart the service is not active")
    machine.do("systemctl", "reset-failed", UNIT)
    return f"{times} restarts; {council.evidence(120)}"


def upgrade(council, package, version):
    """Files arrive until, while and after the new package is put in place; configuration and drop-ins stay as they were."""
    machine, files, pid = council.machine, council.sealed(40), council.pid()
    before = settings_of(council)
    dropping = threading.Thread(target=lambda: [council.drop(files[at:at + 2]) for at in range(0, len(files), 2)])
    dropping.start()
    says = install(council, package, version)
    dropping.join()
    until(lambda: council.is_active() and council.pid() != pid, 30, "the new program runs")
    if settings_of(council) != before:
        raise Refused("the upgrade changed something below /etc")
    return f"{says.split()[-1]}; {council.evidence(120)}; {one_return(council)}"


def rolled_back(council, previous, package, versions):
    """Back to the package that was there before, and forward again, in the same way."""
    return "; ".join(upgrade(council, file, version) for file, version in zip((previous, package), versions))


def upgraded_and_does_not_run(council, previous, package, versions):
    """What an administrator stopped stays stopped; what does not start after an upgrade is told of in one line."""
    machine, file = council.machine, council.machine.path(CONFIG)
    before = file.read_text()
    machine.do("systemctl", "stop", UNIT)
    install(council, previous, versions[0])
    if council.is_active():
        raise Refused("the upgrade started what an administrator stopped")
    machine.do("systemctl", "start", UNIT)
    file.write_text(before.replace("\n[service]\n", "\n[servise]\n"))
    machine.path(f"/root/{package.name}").write_bytes(package.read_bytes())
    says = machine.do("sh", "-c", f"dpkg --install /root/{package.name} 2>&1", environment=["DEBIAN_FRONTEND=noninteractive"])
    told = [line for line in says.splitlines() if "DOES NOT RUN" in line]
    if len(told) != 1 or "ExecMainStatus=78" not in told[0]:
        raise Refused(f"of an upgrade after which the service does not run dpkg says: {says}")
    file.write_text(before)
    machine.do("systemctl", "start", UNIT)
    return f"left stopped; {told[0]}; mended: {council.evidence()}"


def settings_of(council):
    folders = [council.machine.path("/etc/hbcourier"), council.machine.path(f"/etc/systemd/system/{UNIT}.d")]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [(str(file), file.stat().st_mode, file.read_bytes()) for file in files]


def reloads(council):
    """Another configuration is taken up by the same process; a wrong one is not, and the service goes on."""
    machine, pid, more = council.machine, council.pid(), council.machine.path("/etc/hbcourier/conf.d/deploy.toml")
    before = more.read_text()

    def ledger(event):
        return machine.do("hbcourier", "audit", "log", "--json", ok=None).count(event)

    def journal(words):
        return machine.do("journalctl", "--unit", UNIT, "--no-pager", "--output=cat").count(words)

    def reload_with(text, told, words):
        seen = told(words)
        more.write_text(text)
        machine.do("systemctl", "reload", UNIT)
        until(lambda: told(words) > seen, 30, f"`{words}` is told")
        until(council.is_active, 30, "the service is active again after the reload")
        if council.pid() != pid:
            raise Refused("the reload ended the process")

    reload_with(before.replace("[service.alarms]", '[service]\nsweep_every = "11s"\n\n[service.alarms]'), ledger, "configuration-reloaded")
    # No command reads a wrong configuration, so it is the journal that tells.
    reload_with(before + "\n[nonsense]\n", journal, "The configuration was not taken up")
    reload_with(before, ledger, "configuration-reloaded")
    if not ledger("configuration-refused"):
        raise Refused("the ledger does not tell that a configuration was refused")
    council.drop_new(2)
    return f"taken up, refused, taken up by process {pid}; {council.evidence()}"


def health(council):
    """Whoever watches it is told by its socket."""
    told = {}
    council.is_watched()
    for path in ("/healthz", "/readyz", "/metrics"):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(10)
            # The machine's own /run, which is no file of the host's.
            stream.connect(f"/proc/{council.machine.leader}/root/run/hbcourier/watch.sock")
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            told[path] = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
    for path, answer in told.items():
        if " 200 " not in answer.splitlines()[0]:
            raise Refused(f"{path}: {answer[:500]}")
    return f"alive, ready, {sum(line.startswith('hbcourier_') for line in told['/metrics'].splitlines())} figures"


def journal(council):
    """What happened to one transfer is found by its id."""
    machine = council.machine
    before = {transfer["id"] for transfer in council.all_closed()}
    council.drop_new(1)
    council.evidence()
    [transfer] = {transfer["id"] for transfer in council.all_closed()} - before
    lines = machine.do("journalctl", f"HBCOURIER_TRANSFER={transfer}", "--no-pager", "--output=cat").splitlines()
    if not lines or not lines[0].startswith("Collected transfer") or not any(line.endswith("delivered") for line in lines):
        raise Refused(f"of transfer {transfer} the journal has {lines}")
    return f"{len(lines)} lines of one transfer"


def nightly(council):
    """Both timers wait; the verification passes, and the ledger's head is signed anew."""
    machine = council.machine
    for timer in TIMERS:
        if machine.show(timer, "ActiveState", "SubState") != {"ActiveState": "active", "SubState": "waiting"}:
            raise Refused(f"{timer} does not wait")
    machine.do("systemctl", "start", "hbcourier-audit.service")
    result = machine.show("hbcourier-audit.service", "Result", "ExecMainStatus")
    if result != {"Result": "success", "ExecMainStatus": "0"}:
        raise Refused(f"the nightly verification ended with {result}")
    return "verified, and signed"


def deadline(council):
    """While the service is down its timer's unit fails, and says why; once it is up again, it no longer says so."""
    machine, unit = council.machine, "hbcourier-deadline.service"
    machine.do("systemctl", "stop", UNIT)
    machine.do("systemctl", "start", unit, ok=1)
    says = this_run(council, unit)
    if "CN-562" not in says:
        raise Refused(f"the service is down, and {unit} says: {says}")
    machine.do("systemctl", "start", UNIT)
    machine.do("systemctl", "start", unit, ok=None)
    if "CN-562" in this_run(council, unit):
        raise Refused(f"the service is up, and {unit} says that it is not")
    return "CN-562 while the service is down, and not afterwards"


def this_run(council, unit):
    """What the journal has of the unit's last run, and of no earlier one."""
    run = council.machine.show(unit, "InvocationID", "ExecMainPID")
    # By its process: of one that ended at once the journal cannot always read which run it belonged to.
    whose = [f"_PID={run['ExecMainPID']}", f"_SYSTEMD_INVOCATION_ID={run['InvocationID']}", f"INVOCATION_ID={run['InvocationID']}"]
    council.machine.do("journalctl", "--sync")
    return council.machine.do("journalctl", "--no-pager", "--output=cat", whose[0], "+", whose[1], "+", whose[2])


def read_only_folder(council):
    """A folder that the unit does not open is told of by name; with the drop-in that `hbcourier unit` prints it is delivered."""
    machine = council.machine
    machine.do("install", "-d", "-o", "hbcourier", "-g", "hbcourier", "-m", "750", "/mnt/laid")
    file = machine.path(CONFIG)
    before = file.read_text()
    file.write_text(before.replace(LAID, "/mnt/laid"))
    machine.do("systemctl", "restart", UNIT)
    council.drop_new(1)
    until(lambda: "/mnt/laid" in machine.do("hbcourier", "status", ok=None), 60, "the status names the folder")
    told = next(line.strip() for line in machine.do("hbcourier", "status", ok=None).splitlines() if "/mnt/laid" in line)
    machine.do("sh", "-c", f"hbcourier unit | install -D -m 644 /dev/stdin /etc/systemd/system/{UNIT}.d/configured.conf")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", UNIT)
    until(lambda: list(machine.path("/mnt/laid").glob("[!.]*")), 90, "the file is delivered to the folder")
    until(council.all_closed, 30, "its transfer is closed")
    # Back to the folder where everything else lies, for the evidence of the other steps.
    file.write_text(before)
    machine.do("sh", "-c", f"hbcourier unit | install -D -m 644 /dev/stdin /etc/systemd/system/{UNIT}.d/configured.conf")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", UNIT)
    machine.do("sh", "-c", f"mv /mnt/laid/* {LAID}/")
    return f"{told}; then {council.evidence()}"


def secrets(council):
    """No secret in what others can see of the process, nor in what is kept of it."""
    machine, pid = council.machine, council.pid()
    credentials = machine.do("ls", "/run/credentials/hbcourier.service").split()
    if sorted(credentials) != ["encrypted_smtp-password", "plain_key-passphrase"]:
        raise Refused(f"systemd passes in {credentials}")
    limits = machine.do("cat", f"/proc/{pid}/limits")
    if [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")] != [["0", "0"]]:
        raise Refused("the service may leave a core dump")
    # What the kernel does not let be dumped nor traced, whatever the limit, is root's.
    if machine.do("stat", "-c", "%U", f"/proc/{pid}/mem").strip() != "root":
        raise Refused("the memory of the service is its account's to read")
    seen = {
        "the process list": machine.do("ps", "auxeww"),
        "the environment": machine.do("cat", f"/proc/{pid}/environ"),
        "the unit": machine.do("systemctl", "show", UNIT),
        "the journal": machine.do("journalctl", "--output=export", "--no-pager", "--all"),
        "the configuration": "".join(file.read_text() for file in machine.path("/etc/hbcourier").rglob("*.toml")),
        "the status": machine.do("hbcourier", "status", "--json", ok=None),
        "the ledger": machine.do("hbcourier", "audit", "log", "--json"),
    }
    for what, text in seen.items():
        if not text.strip():
            raise Refused(f"{what} is empty: nothing was looked at")
        for name, secret in {**CANARIES, "file": FILE_CANARY}.items():
            if secret in text or secret[7:] in text:
                raise Refused(f"{what} has the secret {name}")
    inside = [str(file) for file in Path(machine.path(STATE)).rglob("*") if file.is_file() and holds_canary(file)]
    if inside:
        raise Refused(f"secrets lie in {inside}")
    return f"not in {', '.join(seen)}, nor in the state directory"


def holds_canary(file):
    content = file.read_bytes()
    return any(secret.encode() in content for secret in [*CANARIES.values(), FILE_CANARY])


def removed(council, package, version):
    """Removed, everything stays; what is dropped meanwhile is delivered once it is installed again."""
    machine, before, entries = council.machine, settings_of(council), council.ledger()
    machine.do("dpkg", "--remove", "hbcourier")
    if machine.path("/usr/bin/hbcourier").exists() or council.is_active():
        raise Refused("after removal the program is there, or runs")
    if settings_of(council) != before or not machine.path(f"{STATE}/store.sqlite").exists():
        raise Refused("removal took settings or the store")
    council.drop_new(5)
    if len(list(machine.path(DROP).iterdir())) != 5:
        raise Refused("something took files although the package is removed")
    install(council, package, version)
    until(council.is_active, 30, "it runs again")
    says = council.evidence()
    if council.ledger() <= entries:
        raise Refused("the ledger did not go on")
    return f"{says}; {one_return(council)}"


def purged(council, package, version):
    """Purged without a yes, the record stays and goes on; with a yes it is gone, and the back office's files are not."""
    machine, quiet = council.machine, ["DEBIAN_FRONTEND=noninteractive"]
    unasked = machine.do("sh", "-c", "dpkg --purge hbcourier 2>&1", environment=quiet)
    kept(council, package, version, unasked)
    says = kept(council, package, version, answered(machine, "no"))
    answered(machine, "yes")
    gone(machine)
    if council.delivered() != council.dropped:
        raise Refused("the purge touched what was delivered")
    # An answer that was given beforehand, as by those who have many machines.
    install(council, package, version)
    machine.do("debconf-set-selections", text="hbcourier hbcourier/purge-data boolean true\n")
    machine.do("dpkg", "--purge", "hbcourier", environment=quiet)
    gone(machine)
    return f"kept unasked, and kept by a typed no: {says}; gone by a typed yes, {len(council.delivered())} delivered files untouched"


def answered(machine, answer):
    """Purged by somebody who sits there and is asked."""
    return machine.asked("dpkg", "--purge", "hbcourier", question="configuration of hbcourier? [yes/no]", answer=answer,
                         environment=["DEBIAN_FRONTEND=teletype", "TERM=dumb"])


def kept(council, package, version, says):
    """After a purge that said this everything is there, and goes on once the package is back."""
    if "are kept" not in says or not council.machine.path(f"{STATE}/store.sqlite").exists():
        raise Refused(f"purge without a yes: {says}")
    install(council, package, version)
    until(council.is_active, 30, "it runs again")
    council.drop_new(1)
    return council.evidence()


def gone(machine):
    for path in (STATE, "/etc/hbcourier", "/usr/bin/hbcourier", "/usr/share/hbcourier"):
        if machine.path(path).exists():
            raise Refused(f"{path} is there after a purge with a yes")
