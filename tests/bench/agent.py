#!/usr/bin/python3
"""Figures of one agent: what `make bench` prints for docs/PERFORMANCE.md.

    tests/bench/agent.py BUILD [--only NAME[,NAME...]]

BUILD holds picketd and picket. Everything runs on 127.0.0.1 against an nginx
that this script starts and ends; each part is bounded in time.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from targets import Nginx, free_port


class Agent:
    """One picketd with the given definitions."""

    def __init__(self, build, definitions, extra=""):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="picket-bench.")
        checks = os.path.join(self.directory, "checks.d")
        os.mkdir(checks)
        with open(os.path.join(checks, "bench.toml"), "w") as f:
            f.write(definitions)
        self.socket = os.path.join(self.directory, "picket.sock")
        config = os.path.join(self.directory, "picket.toml")
        with open(config, "w") as f:
            f.write(f'[agent]\nstate_dir = "{self.directory}/state"\nsocket = "{self.socket}"\n'
                    f'checks = ["{checks}"]\n{extra}')
        self.started = time.monotonic()
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.process = subprocess.Popen([f"{build}/picketd", "--config", config], stderr=self.log)
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() - self.started > 20:
                self.log.seek(0)
                sys.exit("picketd did not start:\n" + self.log.read())
            time.sleep(0.001)

    def picket(self, *arguments):
        return subprocess.run([f"{self.build}/picket", "--socket", self.socket, *arguments],
                              capture_output=True, text=True)

    def status(self):
        return json.loads(self.picket("status", "--json").stdout)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        figures = {}
        with open(f"/proc/{self.process.pid}/smaps_rollup") as f:
            for line in f:
                parts = line.split()
                if len(parts) == 3 and parts[2] == "kB":
                    figures[parts[0].rstrip(":")] = int(parts[1]) / 1024
        return figures["Rss"], figures["Private_Dirty"]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)


def tcp_checks(count, port, interval):
    head = f'[defaults]\ninterval = "{interval}"\n'
    return head + "".join(f'[tcp.t{i}]\naddress = "127.0.0.1:{port}"\n' for i in range(count))


def row(what, figure, target, ok):
    print(f"| {what} | {figure} | {target} | {'yes' if ok else 'NO'} |", flush=True)


def wall_ms(command, runs=50):
    """From before the spawn to after the exit, output thrown away."""
    times = []
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    for _ in range(runs):
        begin = time.perf_counter()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
        assert os.waitpid(pid, 0)[1] == 0
        times.append((time.perf_counter() - begin) * 1000)
    return times


def bench_lateness(build, port):
    agent = Agent(build, tcp_checks(5000, port, "10s"))
    try:
        time.sleep(40)
        cpu = agent.cpu_seconds()
        time.sleep(20)
        cpu = (agent.cpu_seconds() - cpu) / 20 * 100
        counters = agent.status()["agent"]["counters"]
        p99 = counters["start_lateness_p99_ms"]
        row("5,000 tcp checks at 10 s: p99 start lateness", f"under {p99} ms", "50 ms", p99 <= 50)
        row("the same: slots skipped, starts held back",
            f"{counters['slots_skipped']}, {counters['starts_held_back']}", "0, 0",
            counters["slots_skipped"] == 0)
        row("the same: CPU of the agent at 500 probes/s", f"{cpu:.1f} % of a core", "-", True)
    finally:
        agent.stop()


def bench_status(build, port):
    agent = Agent(build, tcp_checks(1000, port, "10s"))
    try:
        time.sleep(12)
        times = wall_ms([f"{build}/picket", "--socket", agent.socket, "status"])
        median = statistics.median(times)
        row("`picket status`, 1,000 checks, wall", f"{median:.1f} ms ({min(times):.1f}-{max(times):.1f})",
            "20 ms", median <= 20)
    finally:
        agent.stop()
    times = wall_ms([f"{build}/picket", "--help"])
    median = statistics.median(times)
    row("`picket --help`, wall", f"{median:.1f} ms ({min(times):.1f}-{max(times):.1f})", "5 ms",
        median <= 5)
    times = wall_ms(["/bin/true"])
    row("for comparison: `/bin/true`, wall", f"{statistics.median(times):.1f} ms", "-", True)


def bench_start(build, port):
    # Connections are seen where they arrive: at a listener of our own.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    port = listener.getsockname()[1]
    agent = Agent.__new__(Agent)
    firsts = []
    for _ in range(5):
        begin = time.monotonic()
        agent = Agent(build, tcp_checks(1000, port, "30s"))
        listener.settimeout(10)
        listener.accept()[0].close()
        firsts.append((time.monotonic() - begin) * 1000)
        asked = 1
        arrivals = [0.0]
        while asked < 1000 and time.monotonic() - begin < 10:
            listener.accept()[0].close()
            arrivals.append(time.monotonic() - begin)
            asked += 1
        everything = time.monotonic() - begin
        busiest = max(sum(1 for a in arrivals if t / 10 <= a < (t + 1) / 10) for t in range(60))
        agent.stop()
    listener.close()
    row("1,000 checks: start of the process to first probe",
        f"{statistics.median(firsts):.0f} ms ({min(firsts):.0f}-{max(firsts):.0f})", "100 ms",
        statistics.median(firsts) <= 100)
    row("1,000 checks: every check asked once within", f"{everything:.2f} s", "5 s and the start",
        everything <= 5.3)
    row("1,000 checks: most starts in a tenth of a second", f"{busiest}", "spread: about 20",
        busiest <= 60)


def bench_memory(build, port):
    idle = ('[http.a]\nurl = "http://127.0.0.1:%d/"\n[tcp.b]\naddress = "127.0.0.1:%d"\n'
            % (port, port))
    agent = Agent(build, idle)
    try:
        time.sleep(35)
        rss, dirty = agent.memory_mib()
        row("idle agent (2 checks at 30 s): RSS", f"{rss:.1f} MiB", "20 MiB", rss <= 20)
        row("idle agent: private dirty", f"{dirty:.1f} MiB", "5 MiB", dirty <= 5)
        cpu = agent.cpu_seconds()
        time.sleep(20)
        row("idle agent: CPU", f"{(agent.cpu_seconds() - cpu) / 20 * 100:.2f} % of a core", "-", True)
    finally:
        agent.stop()
    agent = Agent(build, tcp_checks(1000, port, "10s"))
    try:
        time.sleep(25)
        rss, dirty = agent.memory_mib()
        row("1,000 tcp checks at 10 s: RSS, private dirty", f"{rss:.1f}, {dirty:.1f} MiB", "-", True)
    finally:
        agent.stop()


def main():
    parts = {"lateness": bench_lateness, "status": bench_status, "start": bench_start,
             "memory": bench_memory}
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--only", default=",".join(parts))
    arguments = parser.parse_args()
    port = free_port()
    Nginx(f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 Welcome; }} }}")
    print("| figure | here | target | met |\n|---|---|---|---|")
    for name in arguments.only.split(","):
        parts[name](arguments.build, port)


if __name__ == "__main__":
    main()
