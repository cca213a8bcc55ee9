#!/usr/bin/python3
"""How soon a mesh agrees, and what that costs: what `make bench` prints for docs/PERFORMANCE.md.

    tests/bench/agreement.py BUILD [--only kills,deaths,flaps,load] [--sizes 12,5,3,2,1] [--checks 20]

kills   meshes of several sizes and Debian's nagios4, side by side, each with checks and addresses
        of its own; the first check of each asks the same nginx at another address, and so on. Each
        nginx is broken once in each way, at a random moment, and mended.
deaths  many meshes of two; one agent and the service beside it die together.
flaps   targets that come and go.
load    a hundred agents with no check and with a thousand.

An outage that is the fourth of its target within an hour lasts a minute at least, by picket's own
rule: whatever else broke the targets meanwhile, such as a machine that stood still, is a column of
false alarms, and makes the last ways' ends come late.

What is promised of a figure is in PROMISED; what misses it is said at the end, and makes the exit
status 1.

Everything happens in a network namespace that this script makes for itself, on addresses of
loopback; needs root. This script and the targets run at a better priority than who watches. An
agent's log lines are stamped as they arrive, the requests at a target are counted on the wire: a
connection is one, however often its first packet is repeated.
"""

import argparse
import bisect
import collections
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

from mesh import run, table
from monitors import INTERVAL, TIMEOUT, Mesh, Nagios, Output
from targets import Nginx, Target, Wire

HOLD = 40  # Seconds that a target stays broken.
WAYS = ("refuse", "swallow", "late")

# Seconds until all tell an outage, median and worst, by the size of the mesh and the way; and
# until all tell its end, which lasts longer than the dwell.
PROMISED = {(12, "refuse"): (3, 5), (12, "swallow"): (8, 9), (12, "late"): (5.5, None),
            (3, "refuse"): (4, 6), (1, "refuse"): (None, INTERVAL + 2)}
PROMISED_END = {12: (3, 5)}
PROMISED_REQUESTS = {2: 16, 60: 4 * 60 * 5 // INTERVAL}  # In any so many seconds, of one target.
PROMISED_DEATH = (12, None)
MISSES = []


def promise(what, values, median=None, worst=None):
    """Notes what is worse than was promised."""
    if not values:
        return MISSES.append(f"{what}: nothing was measured")
    for name, limit, value in (("median", median, statistics.median(values)),
                               ("worst", worst, max(values))):
        if limit is not None and value > limit:
            MISSES.append(f"{what}: {name} {value:.1f}, promised {limit}")


class Stall(threading.Thread):
    """The longest time that even this script stood still, at the priority that the targets have."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest = 0.0
        self.start()

    def run(self):
        while True:
            before = time.monotonic()
            time.sleep(0.02)
            self.longest = max(self.longest, time.monotonic() - before - 0.02)


def seconds(values):
    """Median and worst."""
    return f"{statistics.median(values):.1f} / {max(values):.1f}" if values else "–"


def break_each_once(targets, way, gap):
    """Breaks the target of each check and mends it; {check: (when broken, when mended)}."""
    checks = list(targets)
    random.shuffle(checks)
    begin = time.monotonic() + 1
    actions = []
    for i, check in enumerate(checks):
        at = begin + (i + random.random()) * gap
        actions += [(at, check, targets[check].spoil, 0),
                    (at + HOLD, check, targets[check].mend, 1)]
    moments = collections.defaultdict(lambda: [0, 0])
    for at, check, action, which in sorted(actions, key=lambda action: action[0]):
        time.sleep(max(0, at - time.monotonic()))
        moments[check][which] = time.monotonic()
        action(way)
    time.sleep(INTERVAL + 10)
    return moments


def times_of(monitor, moments):
    """Of all outages: seconds until the first and until all observers told it; its end; what was missed."""
    first, every, over = [], [], []
    missed = 0
    for check, (broken, mended) in moments.items():
        down = monitor.first(check, "down", broken)
        up = monitor.first(check, "up", mended)
        if len(down) < monitor.observers or max(down.values()) > mended:
            missed += 1
            continue
        first.append(min(down.values()) - broken)
        every.append(max(down.values()) - broken)
        if len(up) < monitor.observers:
            missed += 1
            continue
        over.append(max(up.values()) - mended)
    return first, every, over, missed


def false_alarms(monitor, outages):
    """What was told to be down while it was not."""
    return sum(what == "down" and not any(check == broken_check and broken <= when <= mended + 1
                                          for broken_check, (broken, mended) in outages)
               for check, told in monitor.told.items() for when, _, what in told)


def kills(options, output, wire):
    monitors = [Mesh(options.build, output, size, options.checks) for size in options.sizes]
    if 1 in options.sizes:
        monitors.append(Mesh(options.build, output, 1, options.checks, gossip=False))
    if options.nagios:
        monitors += [Nagios(options.checks, *timing) for timing in ((10, 10), (10, 2), (2, 2))]
    targets = {check: Target(monitor.addresses[check] for monitor in monitors)
               for check in monitors[0].addresses}
    for monitor in monitors:
        monitor.start()
    stall = Stall()
    time.sleep(options.settle)
    began = time.monotonic()
    outages = []
    rows = []
    for way in options.ways:
        moments = break_each_once(targets, way, options.gap)
        outages += moments.items()
        for monitor in monitors:
            first, every, over, missed = times_of(monitor, moments)
            rows.append([way, monitor.name, seconds(first), seconds(every), seconds(over), missed])
            if not isinstance(monitor, Mesh):
                continue
            who = f"{monitor.name}, {way}"
            if (monitor.size, way) in PROMISED:
                promise(who, every, *PROMISED[monitor.size, way])
            if monitor.size in PROMISED_END:
                promise(f"{who}, its end", over, *PROMISED_END[monitor.size])
            promise(f"{who}, missed", [missed], worst=0)
    table(f"{options.checks} targets broken once each, at the same moment for all; seconds, "
          "median / worst", ["way", "who", "first to tell it", "all do", "all tell its end",
                             "missed"], rows)
    rows = []
    for monitor in monitors:
        addresses = monitor.addresses.values()
        for address in addresses:
            times = wire.opened[address]
            del times[:bisect.bisect_left(times, began)]
        requests = {window: wire.most_within(addresses, window) for window in PROMISED_REQUESTS}
        alarms = false_alarms(monitor, outages)
        rows.append([monitor.name, *requests.values(), alarms])
        if isinstance(monitor, Mesh):
            for window, most in requests.items():
                promise(f"{monitor.name}, requests in {window} s", [most],
                        worst=PROMISED_REQUESTS[window])
            promise(f"{monitor.name}, false alarms", [alarms], worst=0)
        monitor.stop()
    for target in targets.values():
        target.close()
    table("Requests at the target that got most, and what was told down while it was not",
          ["who", "in any 2 s", "in any 60 s", "false alarms"], rows)
    print(f"(At the targets' priority nothing stood still for longer than {stall.longest:.2f} s.)")


def deaths(options, output, _wire):
    """Of each mesh of two, the second agent dies with the service on its host."""
    meshes = [Mesh(options.build, output, 2, 2) for _ in range(options.deaths)]
    dying = [Target([mesh.addresses["c1"]]) for mesh in meshes]
    lasting = Target(mesh.addresses["c2"] for mesh in meshes)
    for mesh in meshes:
        mesh.start()
        time.sleep(0.2)
    time.sleep(40)
    moments = []
    for mesh, target in zip(meshes, dying):
        time.sleep(random.uniform(0, 1.5))
        moments.append(time.monotonic())
        mesh.processes[1].kill()
        target.kill()
    time.sleep(30)
    told = [mesh.first("c1", "down", broken).get(1) for mesh, broken in zip(meshes, moments)]
    taken = [when - broken for when, broken in zip(told, moments) if when]
    promise("two agents, one and the service die together", taken, *PROMISED_DEATH)
    promise("two agents, deaths missed", [len(told) - len(taken)], worst=0)
    table(f"Two agents; one of them and the service on its host die together, {options.deaths} times",
          ["seconds until the survivor tells it, median / worst", "missed", "false alarms"],
          [[seconds(taken), len(told) - len(taken),
            sum(len(mesh.first("c2", "down", 0)) for mesh in meshes)]])
    for mesh in meshes:
        mesh.stop()
    for target in [*dying, lasting]:
        target.close()


def flaps(options, output, _wire):
    """Targets that refuse for 15 s and answer for 15 s, again and again."""
    half = 15
    mesh = Mesh(options.build, output, 5, 4)
    targets = [Target([address]) for address in mesh.addresses.values()]
    mesh.start()
    time.sleep(40)
    began = time.monotonic()
    for turn in range(options.flaps * 60 // half):
        for i, target in enumerate(targets):
            (target.mend if turn % 2 else target.spoil)("refuse")
            if i + 1 < len(targets):
                time.sleep(half / len(targets))  # Each in a phase of its own.
        time.sleep(max(0, began + (turn + 1) * half - time.monotonic()))
    opened = [len([when for when, agent, what in mesh.told[check] if agent == 1 and what == "down"])
              for check in mesh.addresses]
    mesh.stop()
    for target in targets:
        target.close()
    promise("outages of a target that flaps, in so many minutes", opened, worst=options.flaps)
    table(f"Four targets that fail for {half} s in every {2 * half}, for {options.flaps} minutes",
          ["outages of each"], [[", ".join(map(str, opened))]])


class Crowd(Mesh):
    """A mesh with many checks of one server, which listens everywhere."""

    def __init__(self, build, output, size, checks):
        super().__init__(build, output, size, 0)
        self.checks = checks

    def definitions(self):
        return f'[defaults]\ninterval = "30s"\ntimeout = "{TIMEOUT}s"\n' + "".join(
            f'[http.c{i}]\nurl = "http://127.10.{i // 250}.{i % 250 + 1}/"\n'
            for i in range(self.checks))


def mesh_bytes():
    """What the agents have sent to each other, headers included."""
    shown = subprocess.run(["nft", "list", "counter", "ip", "crowd", "gossip"],
                           capture_output=True, text=True, check=True).stdout
    return int(re.search(r"bytes (\d+)", shown).group(1))


def load(options, output, _wire):
    nginx = Nginx("server { listen 80 backlog=4096; location / { return 200; } }")
    run("nft", "-f", "-", text="table ip crowd { counter gossip { }; chain out {"
        " type filter hook output priority 0; ip saddr 127.1.0.0/16 ip daddr 127.1.0.0/16"
        " counter name gossip; }; }")
    rows = []
    for checks in options.load_checks:
        mesh = Crowd(options.build, output, options.crowd, checks)
        mesh.start(options.load_pause)
        time.sleep(options.load_settle)
        (_, before), sent = mesh.figures(), mesh_bytes()
        time.sleep(options.window)
        (memory, after), received = mesh.figures(), mesh_bytes()
        per = options.window * mesh.size
        rows.append([mesh.size, checks, *(f"{figure:.1f}" for figure in memory),
                     f"{(after - before) / per * 100:.3f}", f"{(received - sent) / per:.0f}",
                     sum(map(len, mesh.told.values()))])
        mesh.stop()
    nginx.close()
    table(f"At rest, {options.window} s; each check asked by five witnesses every 30 s",
          ["agents", "checks that all carry", "RSS MiB", "private dirty MiB", "CPU % of a core",
           "IP bytes/s per agent between agents", "outages told"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(word) for word in text.split(",")]  # noqa: E731
    parser.add_argument("build")
    parser.add_argument("--only", default="kills,deaths,flaps,load")
    parser.add_argument("--sizes", type=numbers, default=[12, 5, 3, 2, 1])
    parser.add_argument("--ways", type=lambda text: text.split(","), default=WAYS)
    parser.add_argument("--checks", type=int, default=20)
    parser.add_argument("--no-nagios", dest="nagios", action="store_false")
    parser.add_argument("--gap", type=float, default=5, help="seconds between two kills, on average")
    parser.add_argument("--settle", type=int, default=220,
                        help="seconds before the kills: twenty answers teach what is usual")
    parser.add_argument("--deaths", type=int, default=20, help="meshes of two")
    parser.add_argument("--flaps", type=int, default=5, help="minutes of them")
    parser.add_argument("--crowd", type=int, default=100, help="agents of the load")
    parser.add_argument("--load-pause", type=float, default=1,
                        help="seconds between the starts of two of them, which share the cores")
    parser.add_argument("--load-settle", type=int, default=60)
    parser.add_argument("--load-checks", type=numbers, default=[0, 1000])
    parser.add_argument("--window", type=int, default=120, help="seconds of the load")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    if not options.inside:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "--inside"])
    run("ip", "link", "set", "lo", "up")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {options.seed}")
    random.seed(options.seed)
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    output, wire = Output(), Wire()
    for part in options.only.split(","):
        {"kills": kills, "deaths": deaths, "flaps": flaps, "load": load}[part](
            options, output, wire)
    for miss in MISSES:
        print("MISSED " + miss)
    sys.exit(1 if MISSES else 0)


if __name__ == "__main__":
    main()
