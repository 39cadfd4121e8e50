"""GitHub Actions on this machine, as far as our workflow needs it: reads the YAML and executes each `run:` block.

Every job has a clone and an environment of its own. `uses:` steps are known by name; an unknown one is an error, and
so is an expression that asks for what the event does not have.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ci_issuer import Runner
from ruamel.yaml import YAML

WORKFLOW = ".github/workflows/hubpub.yml"
REPOSITORY = "acme/training"
SHELLS = {
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "python": (sys.executable,),
}
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\b(?:github|needs|steps)(?:\.[\w-]+)+")


@dataclass
class JobRun:
    """How a job ended."""

    ran: bool
    failed: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""
    blocks: list[str] = field(default_factory=list)
    workspace: Path = Path()


@dataclass
class Actions:
    """The provider: what a push or a pull request of a repository sets off.

    Attributes:
        origin: the repository that jobs clone.
        scratch: where jobs have their folders.
        issuer: who signs the ID tokens of jobs that may have one.
        variables: what every step has besides, such as the Hub's address.
        comments: what stands below the pull request.
    """

    origin: Path
    scratch: Path
    issuer: Runner
    variables: Mapping[str, str]
    comments: Comments
    runs: int = 0

    def push_tag(self, tag: str) -> dict[str, JobRun]:
        """Tag what is committed, and run what that sets off."""
        git(self.origin, "tag", tag)
        return self.run_tag(tag)

    def run_tag(self, tag: str) -> dict[str, JobRun]:
        """Run the workflow of a tag, maybe once more."""
        return self._run("push", f"refs/tags/{tag}", tag, {})

    def pull_request(self, branch: str, *, head: str = REPOSITORY) -> dict[str, JobRun]:
        """Run the workflow of a pull request from a branch; `head`: the repository that it comes from."""
        event = {"pull_request": {"number": 7, "head": {"repo": {"full_name": head}}}}
        return self._run("pull_request", "refs/pull/7/merge", branch, event)

    def _run(self, name: str, ref: str, checkout: str, event: Mapping[str, Any]) -> dict[str, JobRun]:
        self.runs += 1
        shown = subprocess.run(
            ["git", "show", f"{checkout}:{WORKFLOW}"], cwd=self.origin, capture_output=True, check=True
        )
        workflow = YAML(typ="safe", pure=True).load(shown.stdout)
        github = {
            "event_name": name,
            "ref": ref,
            "repository": REPOSITORY,
            "token": "ghs_ofThisJob",
            "event": event,
        }
        done: dict[str, JobRun] = {}
        for key, job in workflow["jobs"].items():
            context = {"github": github, "needs": _needs(job, done), "steps": {}}
            needed = all(not done[each].failed or "cancelled()" in job["if"] for each in context["needs"])
            if needed and _holds(job["if"], context):
                done[key] = self._job(key, job, workflow["defaults"]["run"], context, checkout)
            else:
                done[key] = JobRun(ran=False)
        return done

    def _job(
        self,
        key: str,
        job: Mapping[str, Any],
        defaults: Mapping[str, str],
        context: dict[str, Any],
        checkout: str,
    ) -> JobRun:
        folder = self.scratch / f"{self.runs}-{key}"
        for each in ("home", "temp", "workspace"):
            (folder / each).mkdir(parents=True)
        ran = JobRun(ran=True, workspace=folder / "workspace")
        for step in job["steps"]:
            if ran.failed and "cancelled()" not in str(step.get("if", "")):
                continue
            if "uses" in step:
                self._use(step["uses"], ran.workspace, checkout)
                continue
            environment = self._environment(folder, job, context, checkout)
            environment |= {k: _text(v, context) for k, v in step.get("env", {}).items()}
            for file in ("output", "summary"):
                (folder / file).write_text("")
            script = folder / "script"
            script.write_text(_text(step["run"], context))
            within = step.get("working-directory", defaults.get("working-directory", "."))
            process = subprocess.run(
                [*SHELLS[step.get("shell", defaults["shell"])], script],
                cwd=ran.workspace / within,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
            )
            ran.blocks.append(step["name"])
            ran.log += f"── {step['name']}\n{process.stdout}{process.stderr}"
            ran.summary += (folder / "summary").read_text()
            ran.failed |= process.returncode != 0
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": _outputs((folder / "output").read_text())}
        ran.outputs = {name: _text(value, context) for name, value in job.get("outputs", {}).items()}
        return ran

    def _use(self, action: str, workspace: Path, checkout: str) -> None:
        name = action.split("@")[0]
        if name == "actions/checkout":
            git(workspace, "clone", "--quiet", str(self.origin), ".")
            git(workspace, "checkout", "--quiet", checkout)
        elif name != "actions/setup-python":
            raise AssertionError(f"nothing here does what {action} does")

    def _environment(
        self, folder: Path, job: Mapping[str, Any], context: Mapping[str, Any], checkout: str
    ) -> dict[str, str]:
        """What a step of a runner has, and nothing of ours: the ID token only where the job's permissions say so."""
        ref = context["github"]["ref"]
        whole = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.comments.url,
            "GITHUB_EVENT_NAME": context["github"]["event_name"],
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_REF": ref,
            "GITHUB_REF_NAME": ref.removeprefix("refs/tags/").removeprefix("refs/pull/"),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            **self.variables,
        }
        if job["permissions"].get("id-token") == "write":
            said = {"repository": REPOSITORY, "ref": ref, "environment": job.get("environment")}
            self.issuer.claims = said
            whole |= self.issuer.variables
        return whole


class Comments:
    """GitHub's comments of a pull request, over HTTP: `url` is what jobs have as GITHUB_API_URL."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.calls: list[str] = []
        comments = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

            def _answer(self) -> None:
                assert self.headers["Authorization"] == "Bearer ghs_ofThisJob"
                comments.calls.append(f"{self.command} {self.path}")
                length = int(self.headers["Content-Length"] or 0)
                said = json.loads(self.rfile.read(length))["body"] if length else ""
                body = json.dumps(comments.answer(self.command, self.path, said)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = _answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, body: str) -> Any:
        """List, add, or write anew."""
        if method == "GET":
            return self.bodies
        if method == "POST":
            self.bodies.append({"id": len(self.bodies), "user": {"type": "Bot"}, "body": body})
            return self.bodies[-1]
        one = self.bodies[int(path.rsplit("/", 1)[1])]
        one["body"] = body
        return one

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody."""
    who = ("-c", "user.name=alice", "-c", "user.email=alice@example.com")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def _needs(job: Mapping[str, Any], done: Mapping[str, JobRun]) -> dict[str, Any]:
    needed = job.get("needs", [])
    names = [needed] if isinstance(needed, str) else needed
    return {name: {"outputs": done[name].outputs} for name in names}


def _value(name: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for part in name.split("."):
        if not isinstance(value, Mapping):
            raise AssertionError(f"{name} is nothing here")
        value = value.get(part, "")  # GitHub's null, which equals ''
        if value == "":
            return ""
    return value


def _text(text: str, context: Mapping[str, Any]) -> str:
    """A text with its expressions' values."""
    return _EXPRESSION.sub(lambda found: str(_value(found[1].strip(), context)), str(text))


def _holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Whether an `if:` holds."""
    inner = _EXPRESSION.sub(r"\1", condition).replace("!cancelled()", "True").replace("&&", "and")
    return bool(eval(_NAME.sub(lambda found: repr(_value(found[0], context)), " ".join(inner.split()))))


def _outputs(text: str) -> dict[str, str]:
    """A GITHUB_OUTPUT file: `name=value`, and `name<<END … END`."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if "<<" in line.split("=")[0]:
            name, end = line.split("<<", 1)
            body = []
            while (each := next(lines)) != end:
                body.append(each)
            found[name] = "\n".join(body)
        elif line:
            name, _, value = line.partition("=")
            found[name] = value
    return found
