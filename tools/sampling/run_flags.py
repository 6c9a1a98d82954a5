"""The flags that every tool has which works on a trained generator.

A tool shows them in its own help with `flags.adopt_module_key_flags(run_flags)`.
"""

from absl import flags

RUN = flags.DEFINE_string(
    "run", None, "The run's folder, for its newest checkpoint, or one checkpoint.", required=True
)
OUTPUT = flags.DEFINE_string("output", None, "The folder to write to.", required=True)
