"""TensorFlow's start, which takes seconds: a binary checks what it can before it comes to this.

A binary's own module imports nothing that needs TensorFlow. It is its help, its flags, and the
checks of them; its `main` calls `start` and then imports the modules that do the work.
"""

import os


def start() -> None:
    """Imports TensorFlow, quietly, without TF32, and with the operations of DUALCONTRAST_OPS.

    Raises:
      UserError: they cannot run here.
    """
    from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401
    from dualcontrast.trainer import devices

    devices.allow_tf32(False)
    asked = os.environ.get("DUALCONTRAST_OPS")
    if asked:
        devices.select_operations(asked, "DUALCONTRAST_OPS")
