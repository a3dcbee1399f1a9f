"""Drives the second verifier for the tests: what it finds of many cases, in one process.

    python3 second.py EXPORT VKEY TASK [FILE]

Prints one JSON document. The tests hold it against what the first verifier finds.
"""
import copy, functools, json, sys

sys.dont_write_bytecode = True
export, vkey_file, task = sys.argv[1:4]
sys.path.insert(0, export)
import verify  # the one in the export

with open(vkey_file) as file:
    VKEY = verify.read_vkey(file.read())


def found(walk, problems=()):
    verdict = verify.verdict(walk, problems)
    return [verdict["kind"], verdict["first_bad"], verdict["entries"], verdict["root"]]


def walked(leaves, lines):
    walk = verify.Walk(leaves)
    for line in lines:
        walk.line(line)
    return walk


def flips():
    """Every single bit of entries.jsonl, each time from the walk as it is before the line."""
    marks, problems = verify.read_notes(verify.notes_in(export + "/checkpoints", "checkpoints", False), VKEY)
    assert not problems
    leaves = verify.Leaves(verify.lines_of(export + "/leaves.txt", 64), marks)
    with open(export + "/entries.jsonl", "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    count, wrong = 0, []
    before = verify.Walk(leaves)
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else None
        raw = bytearray(line + b"\n")
        for at in range(len(raw)):
            for bit in range(8):
                raw[at] ^= 1 << bit
                walk = copy.copy(before)
                # What is read now: the line in pieces, and with the next one if it lost its end.
                text = bytes(raw) + (following + b"\n" if following is not None and at == len(line) else b"")
                pieces = text.split(b"\n")
                for piece in pieces[:-1]:
                    walk.line(piece + b"\n")
                if pieces[-1]:
                    walk.line(pieces[-1])
                elif following is not None and at < len(line):
                    walk.line(following + b"\n")
                kind, first, _, _ = walk.end()
                if first != index:
                    wrong.append([index, at, bit, kind, first])
                count += 1
                raw[at] ^= 1 << bit
        before.line(line + b"\n")
    assert before.end()[0] is None
    return {"flips": count, "wrong": wrong}


def cases(path):
    """Ledgers that were rearranged: numbers stand for lines of the export, texts for themselves."""
    with open(export + "/entries.jsonl", "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    kept = list(verify.lines_of(export + "/leaves.txt", 64))
    with open(path) as file:
        given = json.load(file)
    files = [(where, text.encode(), anchor) for where, text, anchor in given["notes"]]
    marks, problems = verify.read_notes(files, VKEY)
    answers, originals = [], verify.Leaves(kept, marks)
    for case in given["cases"]:
        some = [lines[line] if isinstance(line, int) else line.encode() for line in case["lines"]]
        raws = [line + b"\n" for line in some]
        if case["cut"]:
            raws[-1] = raws[-1][: -case["cut"]]
        leaves = originals
        if case["leaves"] == "made":
            made = [verify.leaf(raw.removesuffix(b"\n")).hex().encode() + b"\n" for raw in raws]
            leaves = verify.Leaves(made, marks)
        answers.append(found(walked(leaves, raws), problems))
    return answers


def ledgers(path):
    """Whole ledgers: lines, notes, and perhaps the text of leaves.txt, else it is made."""
    with open(path) as file:
        given = json.load(file)
    verify.read_note = functools.cache(verify.read_note)  # the same few notes come again and again
    answers = []
    for case in given:
        raws = pieces("".join(line + "\n" for line in case["lines"]).encode()[: -case.get("cut", 0) or None])
        files = [(where, text.encode(), anchor) for where, text, anchor in case["notes"]]
        marks, problems = verify.read_notes(files, VKEY)
        made = [verify.leaf(raw.removesuffix(b"\n")).hex().encode() + b"\n" for raw in raws]
        made = made if case.get("leaves") is None else pieces(case["leaves"].encode())
        answers.append(found(walked(verify.Leaves(made, marks), raws), problems))
    return answers


def pieces(text):
    """The lines of a file, with their ends as far as they have them."""
    lines = text.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def definition(hashes):
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return verify.sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return verify.node(definition(hashes[:split]), definition(hashes[split:]))


def roots(path):
    with open(path) as file:
        given = json.load(file)
    answers = []
    for lines in given:
        hashes = [verify.leaf(line.encode()) for line in lines]
        tree = verify.Tree({})
        for hashed in hashes:
            tree.push(hashed)
        answers.append([definition(hashes).hex(), tree.root().hex()])
    return answers


def files(path):
    """Altered copies of the export's other files: name and content in hexadecimal digits."""
    with open(path) as file:
        given = json.load(file)
    answers = []
    with open(export + "/entries.jsonl", "rb") as file:
        entries = file.read().split(b"\n")[:-1]
    honest = list(verify.notes_in(export + "/checkpoints", "checkpoints", False))
    believed, _ = verify.read_notes(honest, VKEY)
    for name, content in given:
        content = bytes.fromhex(content)
        if name == "leaves.txt":
            walk = walked(verify.Leaves(pieces(content), believed), [line + b"\n" for line in entries])
            answers.append(found(walk))
        else:
            marks, problems = verify.read_notes([(name, content, False)], VKEY)
            answers.append([len(problems), len(marks)])
    return answers


TASKS = {"flips": flips, "cases": cases, "ledgers": ledgers, "roots": roots, "files": files}
json.dump(TASKS[task](*sys.argv[4:]), sys.stdout)
