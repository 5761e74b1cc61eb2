"""What the processes of `pegbar serve` are forked from (cli/forking.py): this module is imported there alone.

Pegbar is loaded once, for all of them. No thread runs here, nothing is open, and nothing is made that depends on what
only a process of the server knows: the address of the database, the place of the sockets.
"""

import signal

from setproctitle import setproctitle

from pegbar.core.work.processes import end_with_parent, loading

end_with_parent(signal.SIGKILL)
setproctitle("pegbar loaded")
with loading():
    import pegbar.cli.serve  # noqa: F401
    from pegbar.app import load_domains

    load_domains()
