"""What the kernel does for a child process: it sees no network, no other process and no credential of the user,
does not outlive its parent, and its memory is measured.

Linux does all of it where its policy allows namespaces (namespaces(7)); elsewhere each call says so by what it
returns, and the child runs all the same. `isolate` is the file's story; the rest are its steps.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_CLONE_NEWNS = 0x00020000  # unshare(2)
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8  # mount(2)
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1  # prctl(2)
_PR_SET_NO_NEW_PRIVS = 38
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1  # netdevice(7)
_CAPABILITY_VERSION_3 = 0x20080522  # capset(2)
_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER = 0, 1, 3  # capabilities(7)


@dataclass(frozen=True)
class Isolation:
    """What the kernel took away from a process.

    Attributes:
        network: every network interface; loopback only reaches what is in here as well, where it was asked for.
        pid: the sight of all processes outside, so that nobody's /proc/PID/environ can be read.
        mount: the files and folders that were to be hidden, all of them.
    """

    network: bool = False
    pid: bool = False
    mount: bool = False

    def __str__(self) -> str:
        if not self.network:
            return "offline variables"
        more = [name for name in ("pid", "mount") if getattr(self, name)]
        return "namespaces: " + ", ".join(["network", *more]) if more else "network namespace"


def isolate(hidden: Iterable[str], *, loopback: bool = False) -> Isolation:
    """Put this program into network, process and mount namespaces of its own, as far as the kernel allows.

    To be called before any thread is started (unshare(2) moves a single thread only), with `die_with` behind it.
    Returns in the process that is to do the work. Where the kernel allows all, that is the last of three:

    - the *warden* is the caller. It cannot move: a process namespace is entered by being born into it
      (pid_namespaces(7)). It keeps the process id that the parent knows, waits, and ends as the work ended.
    - the *init* is number 1 in the namespace: with its end the kernel kills everything in there, also what has
      left the session. The work itself should not be number 1, which no signal from inside can end.
    - the *worker* is number 2, an ordinary process.

    Args:
        hidden: existing absolute paths, links followed: each file will be an empty one, each folder an empty one.
        loopback: let processes in there talk to one another; a loopback of its own leads nowhere else.
    """
    if not sys.platform.startswith("linux"):
        return Isolation()
    libc = ctypes.CDLL(None, use_errno=True)
    if not _unshare(libc, _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWNS):
        alone = _unshare(libc, _CLONE_NEWNET)
        if alone and loopback:
            _raise_loopback()
        return Isolation(network=alone)
    if loopback:
        _raise_loopback()
    told, tell = os.pipe()  # how the work ended; and with its reader, the warden, it breaks
    # A stop is sent to the whole group and is meant for the work, which may want to finish something first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    init = os.fork()
    if init:
        os.close(tell)
        _end_like(init, told)
    os.close(told)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _end_without_reader(tell)
    # Without this, what is mounted here would show outside as well, on most systems (mount_namespaces(7)).
    private = _mount(libc, "none", "/", "", _MS_REC | _MS_PRIVATE)
    pid = private and _show_only_own_processes(libc)
    mount = private and _hide(libc, hidden)
    powerless = _give_up_powers(libc)
    worker = os.fork()
    if worker:
        _be_init(worker, tell)
    os.close(tell)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return Isolation(network=True, pid=pid and powerless, mount=mount and powerless)


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


def _unshare(libc: ctypes.CDLL, namespaces: int) -> bool:
    """Leave namespaces; who has no right to may have it in a user namespace of its own (user_namespaces(7))."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(namespaces) == 0:
        return True
    if libc.unshare(_CLONE_NEWUSER | namespaces) != 0:
        return False
    try:
        # Without a map of its own, files made from here on would seem to belong to `nobody`.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError:
        pass  # names of owners only; access is decided by the ids outside
    return True


def _raise_loopback() -> None:
    """Switch the new network namespace's loopback on; it begins switched off (network_namespaces(7)).

    Where that is refused nothing is said here: whoever needs it finds out by using it.
    """
    import fcntl
    import socket

    request = struct.pack("16sh22x", b"lo", _IFF_UP)  # ifreq
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket, contextlib.suppress(OSError):
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _show_only_own_processes(libc: ctypes.CDLL) -> bool:
    """Mount a /proc of this namespace over the one that shows all (pid_namespaces(7)).

    Read-only, since root needs no capability to write the kernel's settings below /proc/sys, some of which name
    a program that is then run outside (core(5)).
    """
    return _mount(libc, "proc", "/proc", "proc", _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def _hide(libc: ctypes.CDLL, paths: Iterable[str]) -> bool:
    """Lay emptiness over each path, in this namespace only: /dev/null over a file or socket, a tmpfs over a folder."""
    done = True
    for path in paths:
        if os.path.isdir(path):
            flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
            done &= _mount(libc, "tmpfs", path, "tmpfs", flags)
        elif os.path.exists(path):  # else it was deleted meanwhile
            done &= _mount(libc, "/dev/null", path, "", _MS_BIND)
    return done


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str, flags: int) -> bool:
    encoded = [os.fsencode(text) for text in (source, target, kind)]
    return bool(libc.mount(*encoded, ctypes.c_ulong(flags), None) == 0)


def _give_up_powers(libc: ctypes.CDLL) -> bool:
    """Keep of root's powers only those over files' owners and modes: with CAP_SYS_ADMIN all mounts could be undone.

    A user namespace made later gives them anew, but may not undo the mounts of the one around it
    (mount_namespaces(7), locked mounts). No program that is run gives them back either (PR_SET_NO_NEW_PRIVS).
    """
    kept = 1 << _CAP_CHOWN | 1 << _CAP_DAC_OVERRIDE | 1 << _CAP_FOWNER
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    held = (
        ctypes.c_uint32 * 6
    )()  # effective, permitted, inheritable; twice, the second for numbers from 32 on
    if libc.capget(header, held) != 0:
        return False
    wanted = (ctypes.c_uint32 * 6)(held[0] & kept, held[1] & kept, 0, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    new_privileges_off = libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) == 0
    return bool(new_privileges_off and libc.capset(header, wanted) == 0)


def _end_without_reader(tell: int) -> None:
    """End this process if the warden died before it could be tied to the warden's life.

    Its id cannot be asked for instead: a parent outside the namespace is always 0 (pid_namespaces(7)).
    """
    broken = select.poll()
    broken.register(tell, 0)
    if broken.poll(0):
        os._exit(1)


def _be_init(worker: int, tell: int) -> NoReturn:
    """Wait for the worker, reaping whatever orphans come, and end; the kernel ends with it all that is left."""
    ended, status = os.wait()
    while ended != worker:
        ended, status = os.wait()
    os.write(tell, str(status).encode())
    os._exit(0)


def _end_like(init: int, told: int) -> NoReturn:
    """Wait for init and end as its worker ended, so that the parent sees one child with one ending."""
    _, status = os.waitpid(init, 0)  # returns when the namespace is empty
    if worker_status := os.read(told, 32):  # nothing if init was killed itself
        status = int(worker_status)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core of this process would tell nothing
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
