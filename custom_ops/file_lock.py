"""A lock between processes that the system takes back from one that dies.

Some network file systems have none. A safeguard that cannot be had must not be a wall, so there the
caller goes on without it, and says so.
"""

import errno
import fcntl
from typing import IO

# Of file systems without locks, and of a server whose lock service is not there.
_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


def acquire(file: IO, wait: bool) -> bool:
    """Locks an open file until it is closed; returns whether the file system has locks at all.

    Args:
      file: open, for any purpose.
      wait: for whoever holds the lock.

    Raises:
      BlockingIOError: another one holds it, and `wait` is not set.
      OSError: the file system has locks and this one failed.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return True
