"""How busy the machine is with other programs."""

import os
import time


def others_seconds() -> float:
    """Returns the processor time that all other programs have used since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    everyone = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return everyone - time.process_time()
