"""Notebooks as their readers meet them: run for their own demo client in Chinese, and opened in a real JupyterLab.

Both are slow, so each notebook is run once for all tests, in a copy of the project that is thrown away.
"""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from filelock import FileLock

from crmkit.report.folders import read_json
from crmkit.report.lab import write_copies

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests"
PATIENCE = 120


class Project:
    """A copy of the notebooks and params files beside the demo data; every client reports in Chinese.

    All processes of tests share it, so that a notebook is run by the first that asks for it, and the others wait for that.
    """

    def __init__(self, home):
        self.home = home
        self.lock = FileLock(f"{home}.lock")
        with self.lock:
            if not home.is_dir():
                self.fill(home)

    @staticmethod
    def fill(home):
        home.mkdir()
        shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
        (home / "params").mkdir()
        (home / "data").symlink_to(ROOT / "data", target_is_directory=True)
        for path in (ROOT / "params").glob("*.yml"):
            text = re.sub(r"^language:.*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
            (home / "params" / path.name).write_text(f"{text}\nlanguage: zh\n", encoding="utf-8")
        for folder in (path for path in (ROOT / "params").iterdir() if path.is_dir()):
            shutil.copytree(folder, home / "params" / folder.name)

    def client(self, analysis):
        """The client that a notebook is opened for when nothing is changed in it."""
        cells = json.loads((self.home / "notebooks" / f"{analysis}.ipynb").read_text(encoding="utf-8"))["cells"]
        declared = next(cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
        first = ast.parse("".join(declared["source"])).body[0]
        return ast.literal_eval(first.value)

    def run(self, analysis):
        """What ``crmkit run`` leaves of a notebook: the folder with its page and its record."""
        told = self.home / f"{analysis}.json"
        with self.lock:
            if not told.is_file():
                command = [sys.executable, "-m", "crmkit", "run", self.client(analysis), "--only", analysis]
                home = {"CRMKIT_HOME": str(self.home)}
                done = subprocess.run(command, capture_output=True, text=True, env=os.environ | home)
                told.write_text(json.dumps([done.returncode, done.stdout + done.stderr]), encoding="utf-8")
        code, said = json.loads(told.read_text(encoding="utf-8"))
        assert code == 0, said
        kept = (self.home / "reports" / self.client(analysis)).glob(f"*/runs/*/{analysis}/report.json")
        return max(kept, key=lambda path: path.stat().st_mtime).parent


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        own = tmp_path_factory.getbasetemp()
        home = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "project-in-chinese"
        patch.setenv("CRMKIT_HOME", str(home))
        yield Project(home)


class Server:
    """A Jupyter server, spoken to as a browser does."""

    def __init__(self, url):
        self.url = url

    def ask(self, path, content=None, method=None):
        data = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.url}api/{path}", data, {"Authorization": f"token {TOKEN}"}, method=method)
        with urlopen(request, timeout=PATIENCE) as reply:
            return json.loads(reply.read() or b"null")

    @contextmanager
    def opened(self, path):
        """A kernel for a notebook, started where the notebook is, as JupyterLab does when it is opened."""
        wanted = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("sessions", wanted)
        kernel = Kernel(self.url, session["kernel"]["id"])
        try:
            yield kernel
        finally:
            kernel.socket.close()
            self.ask(f"sessions/{session['id']}", method="DELETE")


class Kernel:
    """A kernel behind a server."""

    def __init__(self, url, name):
        from websocket import create_connection

        address = f"{url.replace('http', 'ws', 1)}api/kernels/{name}/channels?token={TOKEN}"
        self.socket = create_connection(address, timeout=PATIENCE)

    def send(self, kind, content):
        """Send a request; returns its reply, and everything that was put out on the way."""
        name = uuid.uuid4().hex
        header = {"msg_id": name, "msg_type": kind, "session": "tests", "username": "", "version": "5.4"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        reply, put_out, idle = None, [], False
        while reply is None or not idle:
            received = self.socket.recv()
            assert received, "the server has closed the connection"
            got = json.loads(received)
            if got["parent_header"].get("msg_id") != name:
                continue
            if got["channel"] == "shell":
                reply = got["content"]
            elif got["msg_type"] == "status":
                idle = got["content"]["execution_state"] == "idle"
            else:
                put_out.append({"kind": got["msg_type"], **got["content"]})
        return reply, put_out

    def run(self, code):
        """What a cell puts out."""
        asked = {"code": code, "silent": False, "store_history": True, "allow_stdin": True, "stop_on_error": True}
        reply, put_out = self.send("execute_request", asked)
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", []))
        return put_out

    def run_notebook(self, content):
        """What each code cell of a notebook puts out, from the top to the bottom."""
        return {
            cell["id"]: self.run("".join(cell["source"])) for cell in content["content"]["cells"] if cell["cell_type"] == "code"
        }


@pytest.fixture(scope="session")
def open_lab(project, tmp_path_factory):
    """``crmkit lab [NAME]``, without a browser; one for each client, ended after the tests."""
    servers, running = {}, []

    def opened(client=None):
        if client not in servers:
            if client is not None:
                write_copies(client, home=project.home)
            servers[client] = start(client)
        return servers[client]

    def start(client):
        own = tmp_path_factory.mktemp("jupyter")
        folders = {f"JUPYTER_{name}_DIR": str(own / name.lower()) for name in ("RUNTIME", "CONFIG", "DATA")}
        command = [sys.executable, "-m", "crmkit", "lab", *([client] if client else [])]
        options = ["--no-browser", "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
        environment = os.environ | folders | {"IPYTHONDIR": str(own / "ipython"), "MPLBACKEND": "agg"}
        with (own / "log").open("w") as log:
            process = subprocess.Popen([*command, *options], stdout=log, stderr=log, env=environment, cwd=project.home)
        running.append(process)
        return Server(_address(own, process))

    yield opened
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=30)


def _address(own, process):
    """Where a server listens, once it does: it writes its address down some time before that."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        for path in (own / "runtime").glob("jpserver-*.json"):
            if (url := read_json(path).get("url")) and _answers(url):
                return url
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{(own / 'log').read_text()}")


def _answers(url):
    place = urlsplit(url)
    with socket.socket() as tried:
        return tried.connect_ex((place.hostname, place.port)) == 0
