#!/usr/bin/python3
"""imap_faults.py CERT KEY FOLDER [--port PORT] [--capability "IMAP4rev1 ..."] [--fault FAULT]...: an IMAP server with
faults, on loopback with implicit TLS; it prints its port. Account hbms@council.example, password "correct horse".

The mails are the files FOLDER/UID.eml: whoever puts one there numbers it, also with a number that was used before
(a "reused UID"). What is moved or copied away is FOLDER/moved/N.eml.
  no-fetch:UID       answers NO to every FETCH of that mail's bytes, and says something of the mail
  garbage-fetch:UID  answers it with what cannot be parsed, and goes on
  close-fetch:UID    closes the connection in the middle of the bytes
  silent-fetch:UID   never answers it
  hidden-fetch:UID, empty-fetch:UID, whole-fetch:UID    says OK and tells nothing, no byte, or all of it unasked
  no-move            answers NO to MOVE
  no-expunge         answers NO to STORE
  bad-idle           answers BAD to IDLE, without any text
  no-idle            answers NO to IDLE
  short-pieces       gives at most 20000 bytes of whatever is asked for
  small-size, large-size    tells a tenth, or ten times, of a mail's length
"""
import argparse, os, re, socket, ssl, threading

options = argparse.ArgumentParser()
options.add_argument("cert"), options.add_argument("key"), options.add_argument("folder")
options.add_argument("--port", type=int, default=0)
options.add_argument("--capability", default="IMAP4rev1 IDLE MOVE UIDPLUS")
options.add_argument("--fault", action="append", default=[])
given = options.parse_args()
faults = set(given.fault)
moved = os.path.join(given.folder, "moved")
os.makedirs(moved, exist_ok=True)
# Conversations move mails one at a time.
lock = threading.Lock()
# What a server says of a mail it cannot give may be the mail's own words: made up, for the tests to look for.
CANARY = b"AB123456C"


def path_of(uid):
    return os.path.join(given.folder, f"{uid}.eml")


def uids():
    found = (re.fullmatch(r"(\d+)\.eml", name) for name in os.listdir(given.folder))
    return sorted(int(name[1]) for name in found if name)


def bytes_of(uid):
    """As it goes over the line; None if it is not there."""
    try:
        with open(path_of(uid), "rb") as file:
            return file.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    except FileNotFoundError:
        return None


def told_size(size):
    return size // 10 if "small-size" in faults else size * 10 if "large-size" in faults else size


def copies_away(uid):
    with lock:
        content, number = bytes_of(uid), len(os.listdir(moved)) + 1
        if content is not None:
            with open(os.path.join(moved, f"{number}.eml"), "wb") as file:
                file.write(content)


def removes(uid):
    with lock:
        try:
            os.remove(path_of(uid))
        except FileNotFoundError:
            pass


class Conversation:
    def __init__(self, connection):
        self.connection, self.buffer, self.known, self.deleted = connection, b"", uids(), set()

    def line(self, seconds=None):
        """The next line; None if it did not come in time."""
        self.connection.settimeout(seconds)
        while b"\r\n" not in self.buffer:
            try:
                chunk = self.connection.recv(65536)
            except TimeoutError:
                return None
            if not chunk:
                raise ConnectionError
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode()

    def says(self, *lines):
        self.connection.settimeout(None)
        for line in lines:
            self.connection.sendall((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def news(self):
        """Tells what came and went, by place."""
        now, lines = uids(), []
        for place in range(len(self.known), 0, -1):
            if self.known[place - 1] not in now:
                lines.append(f"* {place} EXPUNGE")
        if set(now) - set(self.known):
            lines.append(f"* {len(now)} EXISTS")
        self.known = now
        if lines:
            self.says(*lines)

    def goes_on(self):
        self.says("* OK made up")
        while True:
            tag, command, *rest = self.line().split(" ", 2)
            if (command := command.upper()) == "UID":
                command, *rest = rest[0].split(" ", 1)
                command = "UID" + command.upper()
            if command == "LOGOUT":
                return self.says("* BYE", f"{tag} OK")
            done = getattr(self, command, lambda tag, rest: "BAD unknown")(tag, *rest or [""])
            if done != "":
                self.says(f"{tag} {done or 'OK done'}")

    def LOGIN(self, tag, rest):
        return None if rest.replace('"', "") == "hbms@council.example correct horse" else "NO [AUTHENTICATIONFAILED] who are you"

    def CAPABILITY(self, tag, rest):
        self.says(f"* CAPABILITY {given.capability}")

    def SELECT(self, tag, rest):
        self.known = uids()
        self.says("* FLAGS (\\Deleted)", f"* {len(self.known)} EXISTS", "* 0 RECENT",
                  "* OK [UIDVALIDITY 7] made up", f"* OK [UIDNEXT {max([0, *self.known]) + 1}] made up")
        return "OK [READ-WRITE] made up"

    def NOOP(self, tag, rest):
        self.news()

    def CREATE(self, tag, rest):
        return "NO [ALREADYEXISTS] it is there"

    def UIDFETCH(self, tag, rest):
        if rest.upper() == "1:* (UID RFC822.SIZE)":
            sizes = ((place, uid, bytes_of(uid)) for place, uid in enumerate(self.known, 1))
            lines = [f"* {place} FETCH (UID {uid} RFC822.SIZE {told_size(len(content))})"
                     for place, uid, content in sizes if content is not None]
            return self.says(*lines)
        asked = re.fullmatch(r"(\d+) \(UID BODY\.PEEK\[\]<(\d+)\.(\d+)>\)", rest)
        if not asked:
            return "BAD not that"
        uid, start, count = map(int, asked.groups())
        content = bytes_of(uid)
        if content is None or uid not in self.known:
            return None
        if f"silent-fetch:{uid}" in faults:
            return ""
        if f"no-fetch:{uid}" in faults:
            return f"NO [SERVERBUG] no mail about {CANARY.decode()} today"
        if f"hidden-fetch:{uid}" in faults:
            return None
        place = self.known.index(uid) + 1
        if f"whole-fetch:{uid}" in faults:
            return self.says(f"* {place} FETCH (UID {uid} BODY[] ".encode() + b"{%d}\r\n" % len(content) + content + b")")
        if f"empty-fetch:{uid}" in faults:
            content = b""
        head = f"* {place} FETCH (UID {uid} BODY[]<{start}> ".encode()
        if f"garbage-fetch:{uid}" in faults:
            return self.says(head + b"!" + CANARY + b"\xff\x00))) " + CANARY)
        piece = content[start:start + min(count, 20000 if "short-pieces" in faults else count)]
        answer = head + b"{%d}\r\n" % len(piece) + piece
        if f"close-fetch:{uid}" in faults:
            self.connection.sendall(answer[:-len(piece) // 2])
            raise ConnectionError
        self.says(answer + b")")

    def UIDMOVE(self, tag, rest):
        if "no-move" in faults:
            return "NO [CANNOT] it stays"
        uid = int(rest.split()[0])
        copies_away(uid), removes(uid), self.news()

    def UIDCOPY(self, tag, rest):
        copies_away(int(rest.split()[0]))

    def UIDSTORE(self, tag, rest):
        if "no-expunge" in faults:
            return "NO [CANNOT] it stays"
        self.deleted.add(int(rest.split()[0]))

    def UIDEXPUNGE(self, tag, rest):
        if (uid := int(rest)) in self.deleted:
            removes(uid), self.news()

    def IDLE(self, tag, rest):
        if "bad-idle" in faults:
            self.connection.sendall(f"{tag} BAD\r\n".encode())
            return ""
        if "no-idle" in faults:
            return "NO not today"
        self.says("+ idling")
        while (line := self.line(0.05)) is None:
            self.news()
        return None if line.upper() == "DONE" else "BAD DONE was expected"


def serves(plain):
    try:
        with tls.wrap_socket(plain, server_side=True) as connection:
            Conversation(connection).goes_on()
    except OSError:
        pass


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(given.cert, given.key)
listener = socket.create_server(("127.0.0.1", given.port))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serves, args=[listener.accept()[0]], daemon=True).start()
