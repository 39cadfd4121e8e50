"""What the kernel does for a child process: no network, no life after its parent's, a measured memory.

Linux does all three; elsewhere each call says so by what it returns, and the child runs all the same.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000  # unshare(2)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1  # prctl(2)


def leave_network() -> str:
    """Move this process into a network namespace of its own, in which there is nothing, not even loopback.

    To be called before any thread is started (a user namespace can only be left for by a single thread).

    Returns:
        `namespace`, or `offline variables` where the kernel or a container's policy does not allow it.
    """
    if not sys.platform.startswith("linux"):
        return "offline variables"
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) == 0:
        return "namespace"
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return "offline variables"
    try:
        # Without a map of its own, files made from here on would seem to belong to `nobody`.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError:
        pass  # names of owners only; access is decided by the ids outside
    return "namespace"


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies; ends it at once if that has happened already."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the parent died before its child had begun")


def session_memory(session: int) -> int:
    """Bytes of anonymous and shared memory that all processes of a session hold; 0 where /proc cannot tell.

    Pages of mapped files (weights read by mmap) are left out: the kernel takes those back when it must.
    """
    total_kib = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            # Field 6 of stat(5), counted from behind the command's name, which may hold spaces.
            if int((status.parent / "stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError, IndexError):
            continue  # it ended while we looked
        total_kib += sum(int(fields[key].split()[0]) for key in ("RssAnon", "RssShmem") if key in fields)
    return total_kib * 1024
