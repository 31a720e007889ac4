"""Work in a fork that kills itself in the middle of it."""

import os
import signal
import sys


def run_until(work, watched, point, *, kinds=("call", "c_call")):
    """Do some work until a call; gives how many calls there were, or None when it was killed.

    Args:
        watched: parts of the paths of files whose calls are counted.
        point: the call, from 1; 0 lets it end.
        kinds: of calls, as `sys.setprofile` names them.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame, event, _):
            nonlocal calls
            if event in kinds and any(part in frame.f_code.co_filename for part in watched):
                calls += 1
                if calls == point:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        work()
        sys.setprofile(None)
        os.write(writing, str(calls).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    counted = os.read(reading, 100)
    os.close(reading)
    assert os.WIFSIGNALED(status) or status == 0, status
    return int(counted) if counted else None
