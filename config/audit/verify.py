#!/usr/bin/env python3
"""Verifies an audit export of hbcourier with nothing but Python's standard library.

    python3 verify.py EXPORT --vkey FILE [--anchors FOLDER] [--allow-uncovered] [--json]

It shares no code with hbcourier and must come to the same verdict. FILE holds the ledger's public key as you were given it
by another way than the export; FOLDER holds checkpoints that you have kept. Exit status: 0 yes, 1 no, 2 usage, 3 unreadable.
"""
import argparse, base64, hashlib, json, os, re, sys

LINE_MAX, NOTE_MAX, NOTES_MAX = 8 << 20, 64 << 10, 200_000
sha256 = lambda data: hashlib.sha256(data).digest()
leaf = lambda line: sha256(b"\0" + line)
node = lambda left, right: sha256(b"\1" + left + right)

# Ed25519, RFC 8032 section 5.1: points are (X, Y, Z, T).
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, I = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, p):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, p)
        n, p = n >> 1, add(p, p)
    return total

def point(data):
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * I % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError("not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))

def is_signed(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    if s >= L:
        return False
    x, y = point(key)[:2]
    r = add(times(s, BASE), times(k, (P - x, y, 1, (P - x) * y % P)))
    inverse = pow(r[2], -1, P)
    x, y = r[0] * inverse % P, r[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]

def b64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:  # there is one way of writing it
        raise ValueError("not base64")
    return data

def read_vkey(text):
    """A key as it is given to auditors: (name, id, key)."""
    name, ident, rest = text.strip(" \t\r\n").split("+", 2)
    data = b64(rest)
    if len(data) != 33 or data[0] != 1 or not name or re.search(r"[\s\x00-\x1f\x7f-\x9f]", name):
        raise ValueError("not an Ed25519 vkey")
    if sha256(name.encode() + b"\n" + data)[:4].hex() != ident:
        raise ValueError("its middle piece does not fit the rest")
    return name, bytes.fromhex(ident), data[1:]

def read_note(data, vkey):
    """What a note of a checkpoint says, if this key has signed it: (size, root). ValueError otherwise."""
    name, ident, key = vkey
    note, ours = data.decode(), []
    if len(data) > NOTE_MAX or any(c < " " and c != "\n" for c in note) or not note.endswith("\n"):
        raise ValueError("not a note")
    text, signatures = note.rsplit("\n\n", 1)
    for line in signatures[:-1].split("\n"):
        mark, who, signature = line.split(" ", 2)
        signature = b64(signature)
        if mark != "\u2014":
            raise ValueError("a line behind its text is no signature")
        if who == name and signature[:4] == ident:
            ours.append(signature[4:])
    if len(ours) != 1 or len(ours[0]) != 64 or not is_signed(key, text.encode() + b"\n", ours[0]):
        raise ValueError("not signed by your key, altered or forged")
    origin, size, root = text.split("\n")
    if origin != name or not re.fullmatch(r"0|[1-9][0-9]{0,19}", size, re.A) or len(b64(root)) != 32:
        raise ValueError("not a checkpoint of this ledger")
    if int(size) >= 2**64:
        raise ValueError("no ledger is so long")
    return int(size), b64(root)

def read_notes(files, vkey):
    """files: (where, bytes, kept elsewhere). Gives {size: [(root, kept elsewhere, where)]} and those not believed."""
    marks, problems = {}, []
    for where, data, anchor in files:
        try:
            size, root = read_note(data, vkey)
            marks.setdefault(size, []).append((root, anchor, where))
        except ValueError as why:
            problems.append(f"{where} is not believed: {why}.")
    return marks, problems

class Tree:
    """RFC 6962 section 2.1, as it grows, beside what was signed of it."""
    def __init__(self, marks):
        self.marks, self.size, self.stack, self.wrong, self.own_wrong = marks, 0, [], None, False
        self.proven, self.anchored = (0, sha256(b"")), 0
        self.compare()

    def push(self, hashed):
        height = 0
        while self.stack and self.stack[-1][0] == height:
            height, hashed = height + 1, node(self.stack.pop()[1], hashed)
        self.stack.append((height, hashed))
        self.size += 1
        if self.size in self.marks:
            self.compare()

    def root(self):
        total = None
        for _, hashed in reversed(self.stack):
            total = hashed if total is None else node(hashed, total)
        return sha256(b"") if total is None else total

    def compare(self):
        root, marks = self.root(), self.marks.get(self.size, [])
        bad = [mark for mark in marks if mark[0] != root]
        if bad and self.wrong is None:
            self.wrong = self.size
        self.own_wrong |= any(not anchor for _, anchor, _ in bad)
        if self.wrong is None and marks:
            self.proven = (self.size, root)
            if any(anchor for _, anchor, _ in marks):  # whoever has the key can sign the others anew
                self.anchored = self.size

    def end(self):
        """What was signed of more than there is, is wrong too."""
        beyond = [size for size in self.marks if size > self.size]
        self.own_wrong |= any(not anchor for size in beyond for _, anchor, _ in self.marks[size])
        if self.wrong is None and beyond:
            self.wrong = min(beyond)
        return self

class Leaves(list):
    """The hashes of leaves.txt up to the first line that is none, and their tree."""
    def __init__(self, lines, marks):
        self.broken, self.tree = False, Tree(marks)
        for line in lines:
            if not re.fullmatch(rb"[0-9a-f]{64}\n", line):
                self.broken = True
                break
            self.append(bytes.fromhex(line[:-1].decode()))
            self.tree.push(self[-1])
        self.tree.end()
        self.covered = max(marks, default=0)

    def get(self, index):
        return self[index] if index < len(self) else None

class Walk:
    """Each line beside its hash. Feed it lines with their ends, then ask what is wrong; copy.copy() is good in between."""
    def __init__(self, leaves):
        self.leaves, self.place = leaves, 0
        self.differs = self.unended = self.numbered = None
        self.own = Tree(leaves.tree.marks) if leaves.tree.wrong is not None else None

    def line(self, raw):
        place, self.place = self.place, self.place + 1
        ended, text = raw.endswith(b"\n"), raw.removesuffix(b"\n")
        hashed = leaf(text) if len(text) <= LINE_MAX else None
        number = re.match(rb'\{"seq":(0|[1-9][0-9]{0,19}),', text) if hashed else None
        number = int(number[1]) if number and int(number[1]) < 2**64 else None
        if self.differs and "next" not in self.differs:
            self.differs = {**self.differs, "next": hashed}
        if self.differs is None and (hashed is None or self.leaves.get(place) != hashed):
            self.differs = {"at": place, "there": True, "ended": ended, "hash": hashed, "number": number}
        if not ended and self.unended is None:
            self.unended = place
        if number != place and self.numbered is None:
            self.numbered = place
        if self.own:
            self.own.push(hashed or sha256(b""))

    def end(self):
        """(kind or None, index or None, proven size, its root). kind is what is wrong with entries or their hashes."""
        leaves, differs = self.leaves, self.differs
        if differs is None and (leaves.broken or leaves.get(self.place) is not None):
            differs = {"at": self.place, "there": False}
        tree, found = self.own.end() if self.own else leaves.tree, []
        if differs and (self.own is None or differs["at"] < leaves.tree.proven[0]):
            found = [(differs["at"], 0, self.kind(differs))]
        elif differs and tree.wrong is None:
            return "leaves", differs["at"], *tree.proven
        found += [(at, 1, "cut") for at in [self.unended] if at is not None]
        found += [(at, 2, "misnumbered") for at in [self.numbered] if at is not None]
        if found:
            at, _, kind = min(found)
        elif tree.wrong is None:
            kind, at = None, None
        elif tree.wrong > self.place:
            kind, at = "cut", self.place
        else:
            kind, at = ("rewritten", tree.proven[0]) if tree.own_wrong else ("fork", tree.anchored)
        return kind, at, *tree.proven

    def kind(self, differs):
        leaves, at, proven = self.leaves, differs["at"], self.leaves.tree.proven[0]
        if not differs["there"]:
            return "leaves" if at >= proven and at == leaves.covered else "cut"
        if not differs["ended"]:
            return "cut"
        expected, following, number = leaves.get(at), differs.get("next"), differs["number"]
        if expected is None and leaves.broken:
            return "leaves"
        if number is not None and number < proven and number != at and leaves[number] == differs["hash"]:
            if number < at:
                return "doubled"
            return "moved" if following and following in (expected, leaves.get(at + 1)) else "missing"
        return "inserted" if expected is None or following == expected else "altered"

SAYS = {
    None: "All entries are as they were signed.", "altered": "This entry is not the one that was recorded.",
    "missing": "This entry was removed.", "inserted": "This line is no entry: it was inserted.",
    "doubled": "An earlier entry stands here again.", "moved": "A later entry stands here: the order is another.",
    "cut": "From this entry on all is missing.", "misnumbered": "This line bears another number than its place's.",
    "rewritten": "From this entry on something was rewritten, and the hashes with it.",
    "fork": "From this entry on the key has signed another history, of which a checkpoint was kept elsewhere.",
    "leaves": "The entries are right; this line of leaves.txt was altered.", "note": "Not every checkpoint is believed.",
    "unproven": "There is no checkpoint: nothing is proven.", "vkey": "The key inside the export is not yours.",
    "uncovered": "From this entry on no checkpoint covers what is there.",
}

def verdict(walk, problems=(), other_vkey=False, allow_uncovered=False):
    kind, at, _, root = walk.end()
    covered, marks = walk.leaves.covered, walk.leaves.tree.marks
    if kind is None:
        if problems:
            kind = "note"
        elif not marks:
            kind = "unproven"
        elif walk.place > covered and not allow_uncovered:
            kind, at = "uncovered", covered
        elif other_vkey:
            kind = "vkey"
    open_end = kind is None and walk.place > covered
    says = f"Entry {covered if open_end else at}: " if open_end or at is not None else ""
    says = " ".join([says + SAYS["uncovered" if open_end else kind], *problems])
    return {"ok": kind is None, "entries": walk.place, "root": root.hex(), "first_bad": at, "kind": kind, "says": says}

def notes_in(folder, called, anchor):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".txt") and not name.startswith("."))
    if len(names) > NOTES_MAX:
        raise OSError(f"{folder} holds more than {NOTES_MAX} files")
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            shown = os.fsencode(name).decode(errors="replace")  # a name need not be UTF-8
            yield f"{called}/{shown}", file.read(NOTE_MAX + 1), anchor

def lines_of(path, longest):
    with open(path, "rb") as file:
        while line := file.readline(longest + 1):
            if not line.endswith(b"\n") and len(line) > longest:  # too long: the rest of it is passed over
                while (more := file.readline(longest)) and not more.endswith(b"\n"):
                    pass
                line = line + b"\n" if more.endswith(b"\n") else line
            yield line

def verify(export, vkey, anchors=None, allow_uncovered=False):
    files = list(notes_in(os.path.join(export, "checkpoints"), "checkpoints", False))
    files += list(notes_in(anchors, "anchors", True)) if anchors else []
    marks, problems = read_notes(files, vkey)
    walk = Walk(Leaves(lines_of(os.path.join(export, "leaves.txt"), 64), marks))
    for line in lines_of(os.path.join(export, "entries.jsonl"), LINE_MAX):
        walk.line(line)
    inside, other = os.path.join(export, "vkey"), False
    if os.path.exists(inside):
        try:
            with open(inside, "rb") as file:
                other = read_vkey(file.read(4096).decode()) != vkey
        except ValueError:
            other = True
    return verdict(walk, problems, other, allow_uncovered)

def main():
    parser = argparse.ArgumentParser(description="Verify an audit export of hbcourier.")
    parser.add_argument("export")
    for name, metavar in (("--vkey", "FILE"), ("--anchors", "FOLDER")):
        parser.add_argument(name, metavar=metavar, required=name == "--vkey")
    for name in ("--allow-uncovered", "--json"):
        parser.add_argument(name, action="store_true")
    args = parser.parse_args()
    try:
        with open(args.vkey, "rb") as file:
            vkey = read_vkey(file.read(4096).decode())
        found = verify(args.export, vkey, args.anchors, args.allow_uncovered)
    except (OSError, ValueError) as why:
        print(f"Could not verify {args.export}: {why}", file=sys.stderr)
        return 3
    print(json.dumps(found) if args.json else f"{found['says']}\nEntries  {found['entries']}\nRoot     {found['root']}")
    return 0 if found["ok"] else 1

if __name__ == "__main__":
    sys.exit(main())
