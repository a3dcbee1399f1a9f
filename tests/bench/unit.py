"""What the service's unit gives its process besides the program.

In:  nothing. Out: the environment of a process that is started as the unit starts it.
"""

import os
import re
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "hbcourier.service"


def environment(**more):
    """Ours, with what the unit sets, and with these."""
    return {**os.environ, **dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text(), re.MULTILINE)), **more}
