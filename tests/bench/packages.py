"""What others are measured with, and what the bench itself needs: installs what is not there, on Debian 12."""

import os
import subprocess
import sys

PACKAGES = ["dovecot-core", "dovecot-imapd", "fetchmail", "getmail6", "gnupg", "inotify-tools", "openssl", "safecat", "sq"]


def install():
    asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}"]
    is_there = lambda package: subprocess.run([*asked, package], capture_output=True).stdout == b"installed"
    missing = [package for package in PACKAGES if not is_there(package)]
    assert os.getuid() == 0, "run this as root: it starts a Dovecot of its own, and one part sets a limit of the kernel"
    if missing:
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        for command in [["apt-get", "update"], install]:
            subprocess.run(command, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=sys.stderr)
