"""openmails.py MAILDIR HOME OUT: takes the attachments out of the mails in MAILDIR/new; gpg decrypts each into OUT.

What an administrator would write behind fetchmail: one gpg a mail, one after the other. Nothing is synced or recorded.
Holds: a mail is moved to MAILDIR/cur once gpg has decrypted what it carries and found its signature good.
"""

import email
import email.policy
import subprocess
import sys
from pathlib import Path

maildir, home, out = map(Path, sys.argv[1:])
gpg = ["gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", "--trust-model", "always", "--pinentry-mode",
       "loopback", "--passphrase", ""]
for path in sorted((maildir / "new").iterdir()):
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    for attachment in mail.iter_attachments():
        name = Path(attachment.get_filename()).name.removesuffix(".asc")
        if (out / name).exists():
            # A mail that was fetched twice.
            continue
        sealed = attachment.get_payload(decode=True)
        subprocess.run([*gpg, "-o", out / name, "--decrypt"], input=sealed, check=True, stderr=subprocess.DEVNULL)
    path.rename(maildir / "cur" / f"{path.name}:2,S")
