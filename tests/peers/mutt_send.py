#!/usr/bin/python3
"""mutt_send.py GNUPGHOME SIGNER RECIPIENT TO ATTACHMENT...: a mail by mutt, signed and encrypted as PGP/MIME, on standard output.

SIGNER and RECIPIENT are fingerprints of keys in GNUPGHOME; TO is the address the mail is for. mutt encrypts nothing unless
somebody sits at a terminal, so it is given one.
"""
import os, pty, select, shutil, sys, tempfile, time

gnupg, signer, recipient, to, *attachments = sys.argv[1:]
PATIENCE = 60

work = tempfile.mkdtemp()
sink, out, body, rc = (os.path.join(work, name) for name in ("sendmail", "mail", "body", "rc"))
os.mkdir(os.path.join(work, "Mail"))
with open(sink, "w") as file:
    file.write(f"#!/bin/sh\ncat > {out}.part && mv {out}.part {out}\n")
os.chmod(sink, 0o755)
with open(body, "w") as file:
    file.write("Please find this month's file attached.\n")
with open(rc, "w") as file:
    file.write(f"""set crypt_use_gpgme=yes pgp_default_key="{signer}" crypt_autosign=yes crypt_autoencrypt=yes pgp_autoinline=no
set from="transfers@partner.test" use_from=yes realname="Transfers" sendmail="{sink}" copy=no abort_unmodified=no
set editor=true charset=utf-8 send_charset=utf-8 mail_check=0 wait_key=no autoedit=yes fast_reply=yes abort_noattach=no
set abort_nosubject=no crypt_confirmhook=no pgp_self_encrypt=no
crypt-hook {to} {recipient}
""")

pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(GNUPGHOME=gnupg, TERM="xterm", HOME=work)
    attached = [word for path in attachments for word in ("-a", path)]
    os.execvp("mutt", ["mutt", "-n", "-F", rc, "-s", "Monthly file", "-i", body, *attached, "--", to])

shown, deadline = b"", time.monotonic() + PATIENCE
while not os.path.exists(out) and time.monotonic() < deadline:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            break
    else:
        # Quiet: it asks for something. Send from the menu, and take the default of any other question.
        os.write(terminal, b"y" if b"y:Send" in shown or b"([yes]/no)" in shown[-200:] else b"\n")
        shown = b""
try:
    os.kill(pid, 9)
except ProcessLookupError:
    pass
os.waitpid(pid, 0)
if not os.path.exists(out):
    sys.exit("mutt sent nothing; it showed: " + shown[-1500:].decode(errors="replace"))
with open(out, "rb") as mail:
    sys.stdout.buffer.write(mail.read())
shutil.rmtree(work)
