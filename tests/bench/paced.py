#!/usr/bin/python3
"""An agent with 100 http checks at 10 s, beside the bare paced loop and the peers: part of `make bench`.

    tests/bench/paced.py BUILD [--seconds N]

BUILD holds picketd, picket and bare_loops. All ask one nginx on 127.0.0.1 ten times a second
for the same window: the agent; libcurl's own loop, one start each 100 ms; blackbox_exporter,
which this script asks at that pace; monit with a cycle of 10 s. CPU is what the kernel counts
for the process (/proc/PID/task/*/schedstat), memory what it holds at the end.
"""

import argparse
import glob
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from probes import Blackbox, Servers  # noqa: E402

CHECKS, INTERVAL = 100, 10


def cpu_seconds(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total / 1e9


def memory_mib(pid):
    """RSS and private dirty."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f.readlines()[1:]:
            name, kib = line.split()[:2]
            found[name] = int(kib) / 1024
    return found["Rss:"], found["Private_Dirty:"]


def start_agent(build, servers, directory):
    os.makedirs(f"{directory}/checks.d")
    with open(f"{directory}/checks.d/web.toml", "w") as f:
        for i in range(CHECKS):
            f.write(f"[http.c{i}]\nurl = \"http://127.0.0.1:{servers.http}/\"\n"
                    f"interval = \"{INTERVAL}s\"\n")
    with open(f"{directory}/picket.toml", "w") as f:
        f.write(f"[agent]\nname = \"a1\"\nstate_dir = \"{directory}/state\"\n"
                f"socket = \"{directory}/picket.sock\"\nchecks = [\"{directory}/checks.d\"]\n")
    return servers.start([f"{build}/picketd", "--config", f"{directory}/picket.toml"])


def all_passing(build, directory):
    status = subprocess.run([f"{build}/picket", "--socket", f"{directory}/picket.sock", "status",
                             "--json"], capture_output=True, text=True)
    return status.stdout.count('"finding": "passed"') + status.stdout.count('"finding":"passed"')


def start_monit(servers, directory):
    config = f"{directory}/monitrc"
    with open(config, "w") as f:
        f.write(f"set daemon {INTERVAL}\nset logfile {directory}/monit.log\n"
                f"set idfile {directory}/monit.id\nset statefile {directory}/monit.state\n"
                f"set pidfile {directory}/monit.pid\n")
        for i in range(CHECKS):
            f.write(f"check host c{i} with address 127.0.0.1\n  if failed port {servers.http} "
                    "protocol http request \"/\" then alert\n")
    os.chmod(config, 0o600)
    return servers.start(["monit", "-I", "-c", config])


class Scraper(threading.Thread):
    """Asks blackbox_exporter, as Prometheus would, ten times a second."""

    def __init__(self, port, target):
        super().__init__(daemon=True)
        self.port, self.target = port, target

    def run(self):
        due = time.monotonic()
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", f"/probe?module=http&target={self.target}")
                connection.getresponse().read()
            except OSError:
                return  # It has ended.
            connection.close()
            due += INTERVAL / CHECKS
            time.sleep(max(due - time.monotonic(), 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="picket-bench-")
    os.chmod(directory, 0o755)
    servers = Servers(directory)
    try:
        url = f"http://127.0.0.1:{servers.http}/"
        count = (arguments.seconds + 40) * CHECKS // INTERVAL
        running = {
            "picket": start_agent(arguments.build, servers, directory),
            "bare libcurl loop": servers.start(
                [f"{arguments.build}/bare_loops", "paced", str(count),
                 str(INTERVAL * 1000 // CHECKS), "127.0.0.1", str(servers.http), url]),
        }
        if shutil.which(Blackbox.PROGRAM):
            blackbox = Blackbox(servers, directory)
            running["blackbox_exporter"] = blackbox.process
            Scraper(blackbox.port, url).start()
        if shutil.which("monit"):
            running["monit (one burst)"] = start_monit(servers, directory)
        time.sleep(1.5 * INTERVAL)  # Every check has been asked once.
        before = {name: cpu_seconds(process.pid) for name, process in running.items()}
        time.sleep(arguments.seconds)
        spent = {name: (cpu_seconds(process.pid) - before[name]) / arguments.seconds * 100
                 for name, process in running.items()}
        print(f"{all_passing(arguments.build, directory)} of {CHECKS} checks pass\n")
        print("| 100 http checks at 10 s | CPU, % of a core | to the bare loop | RSS, MiB "
              "| private dirty, MiB |\n|---|---|---|---|---|")
        for name, process in running.items():
            rss, dirty = memory_mib(process.pid)
            print(f"| {name} | {spent[name]:.3f} | {spent[name] / spent['bare libcurl loop']:.2f} "
                  f"| {rss:.1f} | {dirty:.1f} |")
    finally:
        servers.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
