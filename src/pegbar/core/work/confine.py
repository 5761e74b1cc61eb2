"""Gives up what a program on an untrusted file does not need, then becomes it.

    python confine.py PARENT MEMORY PROCESSOR FILE_SIZE NICENESS FOLDER READS READ… DEVICES DEVICE… COMMAND…

READS and DEVICES say how many paths follow.

A program of its own, which imports nothing of Pegbar and little of Python: it starts before every movie. The limits
hold everywhere; what the kernel does not offer (Landlock, seccomp) is left out. Processes that are forked for an
untrusted file confine themselves by it too (forks.py).
"""

import ctypes
import os
import resource
import struct
import sys

_SIGKILL = 9
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38

# Landlock: which actions on files are ruled, by version of its interface (linux/landlock.h).
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE
_TRUNCATE, _CONTROL_DEVICE = 1 << 14, 1 << 15
_ACTIONS_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3

#: What libraries read, whatever the program. Nothing here is a secret of the server.
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store",
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/fonts", "/etc/localtime", "/etc/alternatives",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system", "/sys/fs/cgroup",
    "/dev/zero", "/dev/urandom", "/dev/random",
)  # fmt: skip

#: Calls that are refused, by machine: sockets of any kind, io_uring (which makes sockets too), looking into other
#: processes, mounting, loading code into the kernel, leaving the group of processes that is ended together. The first
#: number is the machine's name for the kernel.
_REFUSED = {
    "x86_64": (0xC000003E, (41, 53, 425, 101, 310, 311, 165, 321, 250, 272, 298, 175, 246, 109, 112)),
    "aarch64": (0xC00000B7, (198, 199, 425, 117, 270, 271, 40, 280, 219, 97, 241, 105, 104, 154, 157)),
}


def _system_call(libc: ctypes.CDLL, *arguments: int | bytes | None) -> int:
    """The result of a call to the kernel; -1 when it refuses."""
    return int(libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]))


def limit(memory: int, processor: int, file_size: int, niceness: int) -> None:
    """Limit memory, processor, files; let the machine's other work go first."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: processor,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    for name, value in limits.items():
        _, hard = resource.getrlimit(name)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))
    if niceness:
        os.nice(niceness)


def restrict_files(libc: ctypes.CDLL, reads: list[str], writes: str, devices: list[str]) -> bool:
    """Leave only these paths to this process and what it becomes; False where the kernel has no Landlock."""
    version = _system_call(libc, _LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    actions = _ACTIONS_OF_VERSION[min(version, 5)]
    attributes = struct.pack("QQQ", actions, _BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _system_call(libc, _LANDLOCK_CREATE, attributes, size, 0)
    if rules < 0:
        return False

    def allow(path: str, allowed: int) -> None:
        if not os.path.exists(path):  # noqa: PTH110 - this program starts often: it imports little
            return
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        files = allowed if os.path.isdir(path) else allowed & (_ON_FILES | _TRUNCATE | _CONTROL_DEVICE)  # noqa: PTH112
        _system_call(libc, _LANDLOCK_ADD, rules, 1, struct.pack("=Qi", files & actions, handle), 0)
        os.close(handle)

    for path in (*_SYSTEM, *reads):
        allow(path, _READING)
    allow("/dev/null", _READ_FILE | _WRITE_FILE)
    for path in devices:
        allow(path, _READING | _WRITE_FILE | _CONTROL_DEVICE)
    allow(writes, actions)
    done = _system_call(libc, _LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return done


def refuse_calls(libc: ctypes.CDLL) -> bool:
    """Have the kernel refuse `_REFUSED` with EPERM from here on; False where it has no seccomp."""
    if os.uname().machine not in _REFUSED:
        return False
    machine, refused = _REFUSED[os.uname().machine]
    load, equals, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allowed, denied = 0x7FFF0000, 0x00050001
    # Load the machine: another one's calls are refused. Load the call's number: so are those of another numbering.
    steps = [(load, 0, 0, 4), (equals, 0, len(refused) + 3, machine), (load, 0, 0, 0)]
    steps.append((at_least, len(refused) + 1, 0, 0x40000000))
    steps += [(equals, len(refused) - place, 0, number) for place, number in enumerate(refused)]
    steps += [(answer, 0, 0, allowed), (answer, 0, 0, denied)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
    return int(libc.prctl(_PR_SET_SECCOMP, 2, header, 0, 0)) == 0


def end_with_parent(parent: int) -> bool:
    """Have this process killed when its parent ends; False when that happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def confine(
    parent: int,
    memory: int,
    processor: int,
    file_size: int,
    niceness: int,
    folder: str,
    reads: list[str],
    devices: list[str],
) -> None:
    """Leave this process only what it needs in a folder, which it works in."""
    if not end_with_parent(parent):
        sys.exit(1)  # nobody waits any more
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        restrict_files(libc, reads, folder, devices)
        refuse_calls(libc)
    os.chdir(folder)
    limit(memory, processor, file_size, niceness)


def main() -> None:
    """Confine this process, and become the command."""
    parent, memory, processor, file_size, niceness = map(int, sys.argv[1:6])
    folder, how_many = sys.argv[6], int(sys.argv[7])
    reads, rest = sys.argv[8 : 8 + how_many], sys.argv[8 + how_many :]
    devices, command = rest[1 : 1 + int(rest[0])], rest[1 + int(rest[0]) :]
    confine(parent, memory, processor, file_size, niceness, folder, reads, devices)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
