#!/usr/bin/python3
"""Figures of a mesh, picket's beside Serf's in one run: what `make bench` prints for docs/PERFORMANCE.md.

    tests/bench/mesh.py BUILD [--only footprint,start,kill,hogs,loss] [--sizes 20,50]
                        [--seconds 180] [--repeats 5]

Every mesh lives in a network namespace of its own, which this script makes and removes;
needs root. An agent's log lines are stamped as they arrive. Both kinds run at the same
time, mesh beside mesh, so that the machine's noise hits both; they start one after the
other where starting is what is measured.
"""

import argparse
import atexit
import collections
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def address(number):
    return f"127.0.{number // 250}.{number % 250 + 1}"


class Serf:
    name = "Serf"
    join = re.compile(r"EventMemberJoin: n(\d+) ")
    failed = re.compile(r"EventMemberFailed: n(\d+) ")
    suspect = re.compile(r"Suspect n(\d+) has failed")

    def __init__(self, _build):
        pass

    def command(self, number, directory, seed):
        ip = address(number)
        command = ["serf", "agent", f"-node=n{number}", f"-bind={ip}:7946",
                   f"-rpc-addr={ip}:7373", "-profile=lan", "-log-level=info"]
        return command + ([f"-retry-join={address(seed)}:7946", "-retry-interval=1s"] if seed else [])


class Picket:
    name = "picket"
    join = re.compile(r"\bn(\d+) (?:joined|is back), at ")
    failed = re.compile(r"\bn(\d+) has failed")
    suspect = re.compile(r"\bn(\d+) does not answer")

    def __init__(self, build):
        self.build = build

    def command(self, number, directory, seed):
        own = os.path.join(directory, f"n{number}")
        os.makedirs(os.path.join(own, "checks.d"), exist_ok=True)
        config = os.path.join(own, "picket.toml")
        seeds = f'"{address(seed)}:7946"' if seed else ""
        with open(config, "w") as file:
            file.write(f'[agent]\nname = "n{number}"\nstate_dir = "{own}/state"\n'
                       f'socket = "{own}/picket.sock"\nchecks = ["{own}/checks.d"]\n'
                       f'[gossip]\nbind = "{address(number)}:7946"\njoin = [{seeds}]\n')
        return [f"{self.build}/picketd", "--config", config]


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")


class Mesh:
    """Agents of one kind in a network namespace; every change that one of them logs."""

    made = 0

    def __init__(self, kind, size):
        self.kind = kind
        self.size = size
        Mesh.made += 1
        self.namespace = f"picket-bench-{os.getpid()}-{Mesh.made}"
        self.directory = tempfile.mkdtemp(prefix="picket-bench.")
        self.processes = {}
        self.changes = []                             # (when, observer, what, member)
        self.alive = collections.defaultdict(set)     # Whom each observer holds alive.
        self.poll = select.epoll()
        self.readers = {}
        self.open = True
        run("ip", "netns", "add", self.namespace)
        run("ip", "netns", "exec", self.namespace, "ip", "link", "set", "lo", "up")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        atexit.register(self.close)

    def start(self, number):
        seed = 1 if number != 1 else None
        self.alive[number] = {number}
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace,
             *self.kind.command(number, self.directory, seed)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(process.stdout.fileno(), False)
        self.processes[number] = process
        self.readers[process.stdout.fileno()] = [number, process, b""]
        self.poll.register(process.stdout.fileno(), select.EPOLLIN | select.EPOLLHUP)

    def start_all(self, stagger):
        for number in range(1, self.size + 1):
            self.start(number)
            time.sleep(0.5 if number == 1 else stagger)
        return self.wait_complete(120)

    def read(self):
        while self.open:
            for fd, _ in self.poll.poll(0.2):
                now = time.monotonic()
                reader = self.readers[fd]
                try:
                    data = os.read(fd, 65536)
                except BlockingIOError:
                    continue
                if not data:
                    self.poll.unregister(fd)
                    self.readers.pop(fd)[1].stdout.close()
                    continue
                *lines, reader[2] = (reader[2] + data).split(b"\n")
                for line in lines:
                    self.note(now, reader[0], reader[1], line.decode(errors="replace"))

    def note(self, now, observer, process, line):
        if self.processes.get(observer) is not process:
            return
        for what in ("join", "failed", "suspect"):
            match = getattr(self.kind, what).search(line)
            if not match:
                continue
            member = int(match.group(1))
            self.changes.append((now, observer, what, member))
            if what == "join":
                self.alive[observer].add(member)
            elif what == "failed":
                self.alive[observer].discard(member)

    def wait_complete(self, seconds):
        """The moment at which everybody held everybody alive; None when it is not reached."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(len(self.alive[number]) == self.size for number in self.processes):
                return max((when for when, _, what, _ in self.changes if what == "join"),
                           default=time.monotonic())
            time.sleep(0.02)
        return None

    def lose(self, percent):
        rules = "table ip loss { chain in { type filter hook input priority 0; policy accept;" \
                f' iifname "lo" numgen random mod 100 < {percent} drop; }}; }}'
        run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", text=rules)

    def pids(self):
        return [process.pid for process in self.processes.values() if process.poll() is None]

    def cpu(self):
        """Seconds of all agents together."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def wire(self):
        """IP bytes that went over the namespace's lo, each packet once."""
        with open(f"/proc/{self.pids()[0]}/net/dev") as file:
            for line in file:
                if line.strip().startswith("lo:"):
                    return int(line.split(":")[1].split()[0])
        return 0

    def memory(self):
        """Medians over the agents, in MiB: resident, proportional, private dirty."""
        rows = []
        for pid in self.pids():
            found = {}
            with open(f"/proc/{pid}/smaps_rollup") as file:
                for line in file:
                    words = line.split()
                    if words[0] in ("Rss:", "Pss:", "Private_Dirty:"):
                        found[words[0]] = int(words[1]) / 1024
            rows.append([found["Rss:"], found["Pss:"], found["Private_Dirty:"]])
        return [statistics.median(column) for column in zip(*rows)]

    def kill(self, number):
        """kill -9; seconds until the first and the last of the others logged it failed."""
        others = set(self.processes) - {number}
        seen_before = len(self.changes)
        begin = time.monotonic()
        self.processes[number].kill()
        told = {}
        while len(told) < len(others) and time.monotonic() < begin + 60:
            for when, observer, what, member in self.changes[seen_before:]:
                if what == "failed" and member == number and observer in others:
                    told.setdefault(observer, when - begin)
            time.sleep(0.02)
        self.processes[number].wait()
        complete = len(told) == len(others)
        return (min(told.values()), max(told.values())) if complete else (None, None)

    def revive(self, number):
        for members in self.alive.values():
            members.discard(number)
        self.start(number)
        return self.wait_complete(60)

    def close(self):
        if not self.open:
            return
        self.open = False
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        self.thread.join()
        run("ip", "netns", "del", self.namespace)
        shutil.rmtree(self.directory)


def table(title, head, rows):
    print(f"\n### {title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def both(kinds, sizes):
    """A running, complete mesh of each kind and size."""
    meshes = [Mesh(kind, size) for size in sizes for kind in kinds]
    for mesh in meshes:
        if mesh.start_all(0.04) is None:
            print(f"(the mesh of {mesh.size} of {mesh.kind.name} was not complete within 120 s)")
    time.sleep(10)
    return meshes


def footprint(kinds, options):
    meshes = both(kinds, options.footprint_sizes)
    time.sleep(options.settle)
    before = [(mesh.cpu(), mesh.wire()) for mesh in meshes]
    time.sleep(options.window)
    rows = []
    for mesh, (cpu, wire) in zip(meshes, before):
        share = (mesh.cpu() - cpu) / options.window / mesh.size * 100
        rate = (mesh.wire() - wire) / options.window / mesh.size
        resident, proportional, dirty = mesh.memory()
        rows.append([mesh.size, mesh.kind.name, f"{resident:.1f}", f"{proportional:.1f}",
                     f"{dirty:.1f}", f"{share:.3f}", f"{rate:.0f}"])
        mesh.close()
    table(f"At rest, {options.window} s",
          ["n", "agent", "RSS MiB", "PSS MiB", "private dirty MiB", "CPU % of a core",
           "IP bytes/s per agent"], rows)


def start_at_once(kinds, options):
    rows = []
    for kind in kinds:
        taken = []
        for _ in range(options.repeats):
            mesh = Mesh(kind, options.start_size)
            for number in range(1, mesh.size + 1):
                mesh.start(number)
            begin = time.monotonic()
            end = mesh.wait_complete(120)
            taken.append(None if end is None else max(0.0, end - begin))
            mesh.close()
        rows.append([kind.name, ", ".join("not in 120" if t is None else f"{t:.1f}" for t in taken)])
    table(f"{options.start_size} agents started at once: seconds from the last start until everybody "
          "knows everybody", ["agent", "seconds, each run"], rows)


def kills(kinds, options):
    meshes = both(kinds, options.sizes)
    results = {id(mesh): [] for mesh in meshes}

    def repeat(mesh):
        for trial in range(options.repeats):
            victim = 2 + trial * 7 % (mesh.size - 1)
            results[id(mesh)].append(mesh.kill(victim))
            mesh.revive(victim)
            time.sleep(3 + 0.37 * trial)

    threads = [threading.Thread(target=repeat, args=(mesh,)) for mesh in meshes]
    for thread in threads:
        thread.start()
    rows = []
    for thread, mesh in zip(threads, meshes):
        thread.join()
        seen = [trial for trial in results[id(mesh)] if trial[0] is not None]
        lost = options.repeats - len(seen)
        if seen:
            first, last = ([trial[i] for trial in seen] for i in (0, 1))
            rows.append([mesh.size, mesh.kind.name, f"{statistics.median(first):.1f}",
                         f"{statistics.median(last):.1f} ({min(last):.1f}–{max(last):.1f})", lost])
        else:
            rows.append([mesh.size, mesh.kind.name, "–", "–", lost])
    for mesh in meshes:
        mesh.close()
    table(f"kill -9 of one agent, {options.repeats} times",
          ["n", "agent", "first other logs it failed, s", "all others do, s", "not within 60 s"], rows)


def watch(kinds, options, sizes, title, percent, hogs):
    """What is declared failed while nobody is."""
    meshes = both(kinds, sizes)
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    for mesh in meshes:
        if percent:
            mesh.lose(percent)
    before = [(len(mesh.changes), mesh.cpu(), mesh.wire()) for mesh in meshes]
    time.sleep(options.seconds)
    rows = []
    for mesh, (changes, cpu, wire) in zip(meshes, before):
        since = mesh.changes[changes:]
        failed = [member for _, _, what, member in since if what == "failed"]
        rows.append([mesh.size, mesh.kind.name, sum(what == "suspect" for _, _, what, _ in since),
                     len(failed), len(set(failed)),
                     f"{(mesh.cpu() - cpu) / options.seconds / mesh.size * 100:.2f}",
                     f"{(mesh.wire() - wire) / options.seconds / mesh.size:.0f}"])
    for process in burning:
        process.kill()
        process.wait()
    for mesh in meshes:
        mesh.close()
    table(f"{title}, {options.seconds} s, nobody killed",
          ["n", "agent", "suspicions logged", "times declared failed, over all observers",
           "members ever declared failed", "CPU %", "IP bytes/s per agent"], rows)


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--only", default="footprint,start,kill,hogs,loss")
    parser.add_argument("--agents", default="Serf,picket")
    parser.add_argument("--sizes", type=numbers, default=[20, 50], help="of kill, hogs and loss")
    parser.add_argument("--footprint-sizes", type=numbers, default=[20, 50, 100])
    parser.add_argument("--start-size", type=int, default=50)
    parser.add_argument("--settle", type=int, default=15, help="seconds before the footprint")
    parser.add_argument("--window", type=int, default=60, help="seconds of the footprint")
    parser.add_argument("--seconds", type=int, default=180, help="of hogs and loss")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--loss-runs", type=int, default=3, help="at 30 %% loss")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kinds = [kind(options.build) for kind in (Serf, Picket) if kind.name in options.agents]
    only = options.only.split(",")
    if "footprint" in only:
        footprint(kinds, options)
    if "start" in only:
        start_at_once(kinds, options)
    if "kill" in only:
        kills(kinds, options)
    if "hogs" in only:
        watch(kinds, options, options.sizes, "Two processes that burn a core each", 0, 2)
    if "loss" in only:
        watch(kinds, options, options.sizes, "10 % of all packets lost", 10, 0)
        for _ in range(options.loss_runs):
            watch(kinds, options, options.sizes, "30 % of all packets lost", 30, 0)


if __name__ == "__main__":
    main()
