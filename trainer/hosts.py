"""What the hosts of a run say to each other besides gradients, and what is said of a lost one.

Words go through the store of TensorFlow's coordination service, which the chief serves and which
also notices hosts that are gone; numbers go through the strategy.
"""

import collections
import contextlib
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context as tensorflow_context

from dualcontrast.trainer import devices, errors
from dualcontrast.trainer.cluster import Cluster, check_port, wait_for_others

# How long a host waits for the others at the start: a scheduler may be slow to place them.
START_SECONDS = 600
# A host that is silent for so long counts as lost.
SILENT_SECONDS = 10
_LOOK_SECONDS = 1.0
_PART_SECONDS = 3 * SILENT_SECONDS
_PREFIX = "dualcontrast/"
_STOP_KEY = f"{_PREFIX}stop"
_TASK = re.compile(r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)")


def join(cluster: Cluster) -> "Hosts":
    """Returns the hosts of a run, once all are there. Nothing may have run in TensorFlow before.

    Raises:
      UserError: this host's port is taken.
      LostHost: the others did not come.
    """
    if len(cluster.addresses) == 1:
        return Hosts(cluster, devices.make_strategy(cluster))
    check_port(cluster)
    _configure(cluster)
    print(
        f"{cluster.name(cluster.index)} of {len(cluster.addresses)} waits for the others",
        flush=True,
    )
    if cluster.is_chief:
        wait_for_others(cluster, START_SECONDS)
    # TensorFlow waits outside of Python, which would not hear of Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return Hosts(cluster, devices.make_strategy(cluster))
    except tf.errors.OpError as error:
        raise errors.LostHost(
            f"{cluster.name(0)} or another host has not come in {START_SECONDS} seconds"
            f" ({errors.first_line(error)}): start the same command on all hosts"
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)


def _configure(cluster: Cluster) -> None:
    """Sets up what notices hosts that are gone, as the strategy would, but with limits of time."""
    counts = collections.Counter(cluster.kinds)
    _context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{cluster.kinds[0]}/replica:0/task:0",
        cluster_register_timeout_in_ms=START_SECONDS * 1000,
        heartbeat_timeout_in_ms=SILENT_SECONDS * 1000,
        coordinated_jobs=[
            coordination_config_pb2.CoordinatedJob(name=kind, num_tasks=count)
            for kind, count in counts.items()
        ],
    )


class Hosts:
    """The hosts of a run, one of them this one.

    Args:
      cluster: where they are.
      strategy: that trains on all of them.

    Attributes:
      strategy: likewise.
      is_chief: whether this host writes the run's files.
    """

    def __init__(self, cluster: Cluster, strategy: tf.distribute.Strategy):
        self._cluster, self.strategy = cluster, strategy
        self.is_chief = cluster.is_chief
        self._keys, self._look_again = 0, 0.0

    @property
    def count(self) -> int:
        return len(self._cluster.addresses)

    @property
    def replicas(self) -> range:
        """The replicas that run on this host."""
        own = self.strategy.num_replicas_in_sync // self.count
        return range(self._cluster.index * own, (self._cluster.index + 1) * own)

    def check_same(self, description: dict[str, Any], differences: Callable) -> None:
        """Checks that all hosts were started alike.

        Args:
          description: of this host's run, in JSON.
          differences: returns what differs between two of them, in words.

        Raises:
          UserError: one differs from the chief's; every host raises it.
        """
        said = self._tell_all(description)
        for index, other in enumerate(said):
            if found := differences(said[0], other):
                raise errors.UserError(
                    f"the hosts were started differently: {'; '.join(found)}, from"
                    f" {self._cluster.name(0)} to {self._cluster.name(index)}.\n"
                    "Start the same command on all, with copies of one dataset."
                )

    def on_chief(self, work: Callable[[], Any], asked: Callable[[], int] = lambda: 0) -> Any:
        """Returns what `work` returns on the chief, in JSON; the others wait for it.

        Args:
          work: what the chief does.
          asked: whether this host is to stop, which the chief learns by `is_asked` meanwhile.

        Raises:
          UserError: `work` raised it; every host does.
        """
        if self.count == 1:
            return work()
        key = self._next_key()
        if not self.is_chief:
            answer = self._wait_for(key, asked)
            if "error" in answer:
                self._part()
                raise errors.UserError(f"{self._cluster.name(0)}: {answer['error']}")
            return answer["result"]
        try:
            result = work()
        except errors.UserError as error:
            _tell(key, {"error": str(error)})
            self._part()
            raise
        _tell(key, {"result": result})
        return result

    def is_asked(self) -> bool:
        """Whether another host was asked to stop while it waits for this one, the chief."""
        if self.count == 1 or time.monotonic() < self._look_again:
            return False
        self._look_again = time.monotonic() + _LOOK_SECONDS
        return _hear(_STOP_KEY, 0.05) is not None

    def _wait_for(self, key: str, asked: Callable[[], int]) -> Any:
        has_told = False
        # In short waits: Python hears of signals in between.
        while (answer := _hear(key, _LOOK_SECONDS)) is None:
            if asked() and not has_told:
                has_told = True
                with contextlib.suppress(tf.errors.AlreadyExistsError):  # by another host
                    _tell(_STOP_KEY, True)
        return answer

    def _tell_all(self, word: Any) -> list[Any]:
        """Returns what each host has told, in their order."""
        if self.count == 1:
            return [word]
        key = self._next_key()
        _tell(f"{key}/{self._cluster.index}", word)
        found = [self._wait_for(f"{key}/{index}", lambda: 0) for index in range(self.count)]
        self._part()
        return found

    def part(self, code: int) -> int:
        """Returns the chief's `code`, once all may leave: who left before would count as lost."""
        code = self.on_chief(lambda: code)
        if self.count > 1:
            self._part()
        return code

    def _part(self) -> None:
        """Keeps the chief, and with it all that was told, until the others have heard it."""
        key = self._next_key()
        if not self.is_chief:
            # The chief may leave so soon that it takes its answer to this along.
            with contextlib.suppress(tf.errors.OpError):
                _tell(f"{key}/{self._cluster.index}", True)
            return
        ends = time.monotonic() + _PART_SECONDS
        with contextlib.suppress(tf.errors.OpError):  # one that has heard may be gone
            for index in range(1, self.count):
                while _hear(f"{key}/{index}", _LOOK_SECONDS) is None and time.monotonic() < ends:
                    pass

    def _next_key(self) -> str:
        """Returns a name for the next word, the same on all hosts."""
        self._keys += 1
        return f"{_PREFIX}{self._keys}"

    def first_of(self, number: int) -> int:
        """Returns the first number, in the hosts' order, that is not 0; 0 where all are.

        Args:
          number: of this host, from 0, small.
        """
        if self.count == 1:
            return number
        said = tf.one_hot(self._cluster.index, self.count, float(number), 0.0)
        heard = self._sum(said).numpy() / len(self.replicas)  # each replica of a host says it
        return int(next(filter(None, heard), 0))

    @tf.function(autograph=False)
    def _sum(self, said: tf.Tensor) -> tf.Tensor:
        each = self.strategy.run(tf.identity, args=(said,))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)

    def take_chiefs(self, variables: list[tf.Variable]) -> None:
        """Gives variables the values that they have on the chief, bit for bit.

        Args:
          variables: of the strategy, the same list on every host.
        """
        if self.count == 1:
            return
        for variable, value in zip(variables, self._chiefs(variables), strict=True):
            variable.assign(value)

    def _chiefs(self, variables: list[tf.Variable]) -> list[tf.Tensor]:
        """Returns the chief's values."""

        def said() -> list[tf.Tensor]:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            values = [tf.convert_to_tensor(variable) for variable in variables]
            # Sums of whole numbers are exact in float64, which every way to add up knows. And what
            # adds nothing to any number is -0: with 0 a -0 would become another number.
            wide = [tf.cast(x, tf.float64) if x.dtype.is_integer else x for x in values]
            return [tf.where(replica == 0, x, tf.constant(-0.0, x.dtype)) for x in wide]

        @tf.function(autograph=False)
        def heard() -> list[tf.Tensor]:
            add = tf.distribute.ReduceOp.SUM
            each = self.strategy.run(said)
            return [self.strategy.reduce(add, value, axis=None) for value in each]

        return [tf.cast(x, variable.dtype) for x, variable in zip(heard(), variables)]

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Ends this host's part of a run when another one is lost.

        Raises:
          LostHost: in place of what TensorFlow raises then.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self.count == 1 or not _is_about_hosts(error):
                raise
            raise errors.LostHost(self._words_for_loss(error)) from error

    def _words_for_loss(self, error: tf.errors.OpError) -> str:
        named = [
            self._cluster.index_of(kind, int(task)) for kind, task in _TASK.findall(str(error))
        ]
        lost = next((index for index in named if index != self._cluster.index), None)
        who = "another host" if lost is None else self._cluster.name(lost)
        return (
            f"{who} ended or cannot be reached: this one ends too; the same command on all hosts"
            " goes on from the newest checkpoint"
        )


def _is_about_hosts(error: tf.errors.OpError) -> bool:
    kinds = (
        tf.errors.UnavailableError,
        tf.errors.DeadlineExceededError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
    )
    return isinstance(error, kinds) or "Collective ops is aborted" in str(error)


def _tell(key: str, word: Any) -> None:
    _context().set_config_key_value(key, json.dumps(word))


def _hear(key: str, seconds: float) -> Any:
    """Returns a word, None where nobody has told it so far."""
    try:
        return json.loads(_context().get_config_key_value(key, int(seconds * 1000)))
    except tf.errors.DeadlineExceededError:
        return None


def _context():
    return tensorflow_context.context()
