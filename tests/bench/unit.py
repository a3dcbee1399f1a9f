"""What the service's unit gives its process besides the program.

In:  nothing. Out: the environment of a process that is started as the unit starts it.
"""

import os
import re
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "hbcourier.service"


def environment(**more):
    """Ours, with what the unit sets, and with these."""
    of_unit = dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text(), re.MULTILINE))
    assert of_unit, f"{UNIT} sets nothing that is understood here"
    return {**os.environ, **of_unit, **more}
