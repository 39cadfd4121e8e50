"""Where this user's credentials lie, and the sockets of services that would act in this user's name.

A child is kept from them (`jail.isolate`). A list can only know what is usual: a secret that lies elsewhere in
a file which this user may read is still read by code that knows where.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

_IN_HOME = (
    ".cache/huggingface/token",
    ".cache/huggingface/stored_tokens",
    ".huggingface/token",
    ".netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".config/gh",
    ".config/gcloud",
    ".aws",
    ".azure",
    ".docker/config.json",
    ".kube",
    ".pypirc",
    ".ssh",
    ".gnupg",
    ".local/share/keyrings",
)
_NAMED_BY_VARIABLE = (
    "HF_TOKEN_PATH",
    "HF_STORED_TOKENS_PATH",
    "NETRC",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "SSH_AUTH_SOCK",
)
# A network namespace does not cut off a socket that has a path (unix(7)), and these start programs outside.
_DOORS = ("/run/dbus", "/run/systemd", "/run/docker.sock", "/run/containerd", "/run/podman")


def valuables(environment: Mapping[str, str], scratch: Path) -> tuple[str, ...]:
    """Those files, sockets and folders that exist now, absolute, links followed.

    Args:
        environment: this process's own, whose variables may name files in other places.
        scratch: where the child works; a folder that holds it cannot be taken away.
    """
    found = {os.path.realpath(path) for path in _usual(environment) if os.path.exists(path)}
    return tuple(sorted(path for path in found if not scratch.resolve().is_relative_to(path)))


def _usual(environment: Mapping[str, str]) -> Iterator[str]:
    # Two homes: the one that the environment names, and the one that any child can look up (getpwuid(3)).
    homes = {environment.get("HOME", ""), _home_of_record()} - {""}
    yield from (os.path.join(home, name) for home in homes for name in _IN_HOME)
    caches = [
        os.path.join(environment[name], "huggingface") for name in ("XDG_CACHE_HOME",) if name in environment
    ]
    caches += [environment[name] for name in ("HF_HOME",) if name in environment]
    yield from (os.path.join(cache, name) for cache in caches for name in ("token", "stored_tokens"))
    for name in _NAMED_BY_VARIABLE:
        # A variable may name any folder at all, also one that is needed; a file of credentials never is.
        yield from (path for path in environment.get(name, "").split(os.pathsep) if not os.path.isdir(path))
    yield from (*_DOORS, f"/run/user/{os.getuid()}")


def _home_of_record() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # an id without a name, as containers like to have
        return ""
