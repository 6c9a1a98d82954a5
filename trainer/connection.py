"""Whether somebody listens at an address, without TensorFlow."""

import socket


def refusal(host: str, port: int, seconds: float) -> str:
    """Returns why an address accepts no connection; empty when it does.

    Args:
      host: a name or a number; one of IPv6 may stand in brackets.
      port: from 0 to 65,535.
      seconds: to wait for an answer.
    """
    try:
        socket.create_connection((host.strip("[]"), port), seconds).close()
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    except UnicodeError:
        return "that is no name of a host"
    return ""
