#!/usr/bin/env bash
# jupyter-server 2.21.1: the file jpserver-PID.json, by which programs find a running server and its port, is written before the server
# listens: since the socket is opened by the first turn of the event loop, whoever reads the file and asks at once is refused the
# connection. `jupyter server list` names the server all the same. The gap is short on an idle machine and long on a busy one. A script or a
# test that drives JupyterLab has to try the port until it answers; that the file is there says nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check jupyter-server==2.21.1
export JUPYTER_RUNTIME_DIR="$work/runtime" JUPYTER_CONFIG_DIR="$work/config" JUPYTER_DATA_DIR="$work/data"
mkdir -p "$work/home"
cd "$work/home"
"$work/venv/bin/python" - <<'PYTHON'
import json
import logging
import socket
from importlib.metadata import version

from jupyter_server.serverapp import ServerApp, list_running_servers

found = {}


def answers(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


class Watched(ServerApp):
    def write_server_info_file(self):
        super().write_server_info_file()
        with open(self.info_file) as file:
            self.told = json.load(file)["port"]
        found["answers when the file is there"] = answers(self.told)
        found["is listed as running"] = [one["port"] for one in list_running_servers()] == [self.told]
        self.io_loop.call_later(1, self.looked_at_later)

    def looked_at_later(self):
        found["answers a second later"] = answers(self.told)
        self.stop(from_signal=True)


app = Watched(log_level=logging.ERROR)
app.initialize(["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", "--IdentityProvider.token=finding"])
app.start()
print("jupyter-server", version("jupyter-server"))
for name, value in found.items():
    print(f"{name}: {value}")
assert found == {
    "answers when the file is there": False,
    "is listed as running": True,
    "answers a second later": True,
}, found
print("seen as described")
PYTHON
