#!/usr/bin/python3
"""How soon a mesh agrees, and what that costs: what `make bench` prints for docs/PERFORMANCE.md.

    tests/bench/agreement.py BUILD [--only kills,deaths,flaps,load] [--sizes 12,5,3,2,1] [--checks 20]

kills   meshes of several sizes and Debian's nagios4, side by side, each with checks and targets
        of its own; each target is broken once in each way, at a random moment, at the same moment
        for all of them, and mended.
deaths  many meshes of two; one agent and the service beside it die together.
flaps   targets that come and go.
load    a hundred agents with no check and with a thousand.

An outage that is the fourth of its target within an hour lasts a minute at least, by picket's own
rule: whatever else broke the targets meanwhile, such as a machine that stood still, is a column of
false alarms, and makes the last ways' ends come late.

What is promised of a figure is in PROMISED; what misses it is said at the end, and makes the exit
status 1.

Everything happens in a network namespace that this script makes for itself, on addresses of
loopback; needs root. An agent's log lines are stamped as they arrive, the requests at a target
are counted on the wire: a connection is one, however often its first packet is repeated.
"""

import argparse
import asyncio
import atexit
import bisect
import collections
import ctypes
import os
import random
import re
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from mesh import TICKS, run, table

INTERVAL = 10  # Seconds between two questions of one witness; the panel has five.
TIMEOUT = 3
LATENCY_MS = 500
LATE = 1.0     # Seconds that a late target takes.
HOLD = 40      # Seconds that a target stays broken.
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


# ---- Targets ---------------------------------------------------------------------------------

class Targets:
    """Web servers, each on an address of its own; they can refuse, swallow, or be late."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.servers = {}
        self.late = set()
        run("nft", "-f", "-", text="table ip targets { set swallowed { type ipv4_addr; };"
            " chain in { type filter hook input priority 0; ip daddr @swallowed drop; }; }")
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.stall = 0.0  # The longest time that the servers themselves stood still.
        asyncio.run_coroutine_threadsafe(self.watch(), self.loop)

    async def watch(self):
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.02)
            self.stall = max(self.stall, time.monotonic() - before - 0.02)

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def answer(self, address, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            if address in self.late:
                await asyncio.sleep(LATE)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def open(self, address):
        self.servers[address] = self.call(asyncio.start_server(
            lambda reader, writer: self.answer(address, reader, writer), address, 80))

    def close(self, address):
        async def close():
            self.servers.pop(address).close()
        self.call(close())

    def spoil(self, addresses, way):
        if way == "refuse":
            for address in addresses:
                self.close(address)
        elif way == "late":
            self.late.update(addresses)
        else:
            run("nft", "add", "element", "ip", "targets", "swallowed",
                "{ " + ", ".join(addresses) + " }")

    def mend(self, addresses, way):
        if way == "refuse":
            for address in addresses:
                self.open(address)
        elif way == "late":
            self.late.difference_update(addresses)
        else:
            run("nft", "delete", "element", "ip", "targets", "swallowed",
                "{ " + ", ".join(addresses) + " }")


class Wire:
    """When connections to the targets were opened, by address, seen on loopback."""

    def __init__(self):
        # What leaves is shown to those only who ask for all protocols: so each packet is seen once.
        self.opened = collections.defaultdict(list)
        self.seen = {}  # The last sequence number of each pair of sockets.
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.filter()
        self.socket.bind(("lo", 0x0800))
        threading.Thread(target=self.read, daemon=True).start()

    def filter(self):
        """Lets through what tcpdump calls: tcp dst port 80 and tcp[13] & 0x12 = 2."""
        code = [(0x30, 0, 0, 9), (0x15, 0, 7, 6),                     # TCP,
                (0xb1, 0, 0, 0), (0x48, 0, 0, 2), (0x15, 0, 4, 80),   # to port 80,
                (0x50, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 2),  # SYN without ACK.
                (0x06, 0, 0, 0xffff), (0x06, 0, 0, 0)]
        program = b"".join(struct.pack("HBBI", *line) for line in code)
        buffer = ctypes.create_string_buffer(program)
        self.socket.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                               struct.pack("HL", len(code), ctypes.addressof(buffer)))

    def read(self):
        while True:
            packet = self.socket.recv(128)
            now = time.monotonic()
            header = (packet[0] & 15) * 4
            pair = packet[12:20] + packet[header:header + 2]
            sequence = packet[header + 4:header + 8]
            if self.seen.get(pair) == sequence:
                continue
            self.seen[pair] = sequence
            self.opened[socket.inet_ntoa(packet[16:20])].append(now)

    def most_within(self, addresses, seconds):
        most = 0
        for address in addresses:
            times = self.opened[address]
            for i, begin in enumerate(times):
                most = max(most, bisect.bisect_left(times, begin + seconds) - i)
        return most


def start(command, **options):
    """Starts a program at the usual priority: this script, which serves the targets, has a better one."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, 0), **options)


# ---- Who watches -----------------------------------------------------------------------------

class Output:
    """Lines that processes print, stamped as they arrive."""

    def __init__(self):
        self.poll = select.epoll()
        self.readers = {}
        threading.Thread(target=self.read, daemon=True).start()

    def follow(self, pipe, on_line):
        os.set_blocking(pipe.fileno(), False)
        self.readers[pipe.fileno()] = [pipe, on_line, b""]
        self.poll.register(pipe.fileno(), select.EPOLLIN | select.EPOLLHUP)

    def read(self):
        while True:
            for fd, _ in self.poll.poll():
                now = time.monotonic()
                reader = self.readers[fd]
                data = os.read(fd, 65536)
                if not data:
                    self.poll.unregister(fd)
                    self.readers.pop(fd)[0].close()
                    continue
                *lines, reader[2] = (reader[2] + data).split(b"\n")
                for line in lines:
                    reader[1](now, line.decode(errors="replace"))


class Monitor:
    """Whoever watches `checks` targets, and tells of each as `told[check]`: (when, observer, what)."""

    numbers = iter(range(1, 250))

    def __init__(self, name, checks):
        self.name = name
        self.number = next(Monitor.numbers)
        self.addresses = {f"c{i}": f"127.9.{self.number}.{i}" for i in range(1, checks + 1)}
        self.directory = tempfile.mkdtemp(prefix="picket-bench.")
        self.processes = []
        self.told = collections.defaultdict(list)
        atexit.register(self.stop)

    def first(self, check, what, since):
        """When each observer first told it after that moment."""
        found = {}
        for when, observer, told in self.told[check]:
            if told == what and when >= since:
                found.setdefault(observer, when)
        return found

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []
        shutil.rmtree(self.directory, ignore_errors=True)


class Mesh(Monitor):
    """Agents in three zones. Without gossip, for comparison: one that is in no mesh."""

    change = re.compile(r"\b(\w+)#\d+: (over)?")

    def __init__(self, build, output, size, checks, gossip=True):
        super().__init__(f"picket, {size} agent{'s' if size > 1 else ''}" +
                         ("" if gossip else ", no mesh"), checks)
        self.build = build
        self.output = output
        self.size = size
        self.gossip = gossip
        self.panel = min(5, size)
        self.observers = size

    def definitions(self):
        return f'[defaults]\ninterval = "{INTERVAL}s"\ntimeout = "{TIMEOUT}s"\n' + "".join(
            f'[http.{check}]\nurl = "http://{address}/"\nlatency = "{LATENCY_MS}ms"\n'
            for check, address in self.addresses.items())

    def start(self, pause=0):
        os.mkdir(f"{self.directory}/checks.d")
        with open(f"{self.directory}/checks.d/checks.toml", "w") as file:
            file.write(self.definitions())
        for number in range(1, self.size + 1):
            self.start_agent(number)
            time.sleep(pause)

    def start_agent(self, number):
        own = f"{self.directory}/a{number}"
        os.makedirs(own, exist_ok=True)
        with open(f"{own}/picket.toml", "w") as file:
            file.write(f'[agent]\nname = "a{number}"\nzone = "z{number % 3}"\n'
                       f'state_dir = "{own}/state"\nsocket = "{own}/picket.sock"\n'
                       f'checks = ["{self.directory}/checks.d"]\n')
            if self.gossip:
                seeds = f'"127.1.{self.number}.1:7946"' if self.size > 1 else ""
                file.write(f'[gossip]\nbind = "127.1.{self.number}.{number}:7946"\n'
                           f'join = [{seeds}]\n')
        process = start([f"{self.build}/picketd", "--config", f"{own}/picket.toml"],
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.processes.append(process)

        def on_line(now, line):
            match = self.change.search(line)
            if match:
                self.told[match.group(1)].append((now, number, "up" if match.group(2) else "down"))
        self.output.follow(process.stdout, on_line)

    def figures(self):
        """Of an agent, the medians: MiB resident, MiB private dirty; of all: CPU seconds."""
        rows, cpu = [], 0
        for process in self.processes:
            found = {}
            with open(f"/proc/{process.pid}/smaps_rollup") as file:
                for line in file:
                    words = line.split()
                    if words[0] in ("Rss:", "Private_Dirty:"):
                        found[words[0]] = int(words[1]) / 1024
            rows.append([found["Rss:"], found["Private_Dirty:"]])
            with open(f"/proc/{process.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / TICKS
        return [statistics.median(column) for column in zip(*rows)], cpu


class Nagios(Monitor):
    """nagios4 as Debian ships it, three attempts, timed by seconds."""

    change = re.compile(r"SERVICE ALERT: h;(\w+);(?:CRITICAL;(HARD)|(OK)).*;")
    settings = """
nagios_user=root
nagios_group=root
interval_length=1
execute_host_checks=0
check_external_commands=0
use_syslog=0
log_service_retries=1
enable_notifications=0
enable_event_handlers=0
status_update_interval=10
service_check_timeout=10
enable_flap_detection=0
check_for_updates=0
retain_state_information=0
log_file=DIR/nagios.log
cfg_file=DIR/objects.cfg
object_cache_file=DIR/objects.cache
precached_object_file=DIR/objects.pre
status_file=DIR/status.dat
state_retention_file=DIR/retention.dat
command_file=DIR/rw/nagios.cmd
lock_file=DIR/lock
temp_file=DIR/tmp
temp_path=DIR
log_archive_path=DIR/archives
check_result_path=DIR/spool
query_socket=DIR/rw/nagios.qh
"""
    contact = """
define timeperiod {
 timeperiod_name always
 alias always
 monday 00:00-24:00
 tuesday 00:00-24:00
 wednesday 00:00-24:00
 thursday 00:00-24:00
 friday 00:00-24:00
 saturday 00:00-24:00
 sunday 00:00-24:00
}
define command {
 command_name nothing
 command_line /bin/true
}
define command {
 command_name http
 command_line /usr/lib/nagios/plugins/check_http -I $ARG1$ -u / -t TIMEOUT -w LATENCY -c LATENCY
}
define contact {
 contact_name nobody
 host_notifications_enabled 0
 service_notifications_enabled 0
 host_notification_period always
 service_notification_period always
 host_notification_options n
 service_notification_options n
 host_notification_commands nothing
 service_notification_commands nothing
}
define host {
 host_name h
 address 127.0.0.1
 max_check_attempts 3
 check_period always
 contacts nobody
 active_checks_enabled 0
 notification_interval 60
 notification_period always
}
"""
    service = """
define service {
 host_name h
 service_description CHECK
 check_command http!ADDRESS
 check_interval INTERVAL
 retry_interval RETRY
 max_check_attempts 3
 check_period always
 contacts nobody
 notification_interval 60
 notification_period always
}
"""

    def __init__(self, checks, interval, retry):
        super().__init__(f"nagios4, each {interval} s, again after {retry} s", checks)
        self.interval = interval
        self.retry = retry
        self.observers = 1

    def start(self):
        for name in ("spool", "archives", "rw"):
            os.mkdir(f"{self.directory}/{name}")
        objects = self.contact.replace("TIMEOUT", str(TIMEOUT)).replace(
            "LATENCY", str(LATENCY_MS / 1000))
        for check, address in self.addresses.items():
            objects += self.service.replace("CHECK", check).replace("ADDRESS", address).replace(
                "INTERVAL", str(self.interval)).replace("RETRY", str(self.retry))
        with open(f"{self.directory}/objects.cfg", "w") as file:
            file.write(objects)
        with open(f"{self.directory}/nagios.cfg", "w") as file:
            file.write(self.settings.replace("DIR", self.directory))
        open(f"{self.directory}/nagios.log", "w").close()
        self.processes.append(start(["nagios4", f"{self.directory}/nagios.cfg"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    start_new_session=True))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with open(f"{self.directory}/nagios.log") as log:
            pending = ""
            while self.processes:
                pending += log.read()
                *lines, pending = pending.split("\n")
                now = time.monotonic()
                for line in lines:
                    match = self.change.search(line)
                    if match:
                        self.told[match.group(1)].append((now, 1, "up" if match.group(3) else "down"))
                time.sleep(0.02)

    def stop(self):
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)  # Its workers too.
        super().stop()


# ---- What is measured ------------------------------------------------------------------------

def seconds(values):
    """Median and worst."""
    return f"{statistics.median(values):.1f} / {max(values):.1f}" if values else "–"


def break_each_once(targets, monitors, way, gap):
    """Breaks each target of all monitors at once and mends it; {check: (when broken, when mended)}."""
    checks = list(monitors[0].addresses)
    random.shuffle(checks)
    begin = time.monotonic() + 1
    actions = []
    for i, check in enumerate(checks):
        at = begin + (i + random.random()) * gap
        actions += [(at, check, targets.spoil, 0), (at + HOLD, check, targets.mend, 1)]
    moments = collections.defaultdict(lambda: [0, 0])
    for at, check, action, which in sorted(actions, key=lambda action: action[0]):
        time.sleep(max(0, at - time.monotonic()))
        moments[check][which] = time.monotonic()
        action([monitor.addresses[check] for monitor in monitors], way)
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


def kills(options, output, targets, wire):
    monitors = [Mesh(options.build, output, size, options.checks) for size in options.sizes]
    if 1 in options.sizes:
        monitors.append(Mesh(options.build, output, 1, options.checks, gossip=False))
    if options.nagios:
        monitors += [Nagios(options.checks, *timing) for timing in ((10, 10), (10, 2), (2, 2))]
    for monitor in monitors:
        for address in monitor.addresses.values():
            targets.open(address)
        monitor.start()
    time.sleep(options.settle)
    began = time.monotonic()
    outages = []
    rows = []
    for way in options.ways:
        moments = break_each_once(targets, monitors, way, options.gap)
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
    table("Requests at the target that got most, and what was told down while it was not",
          ["who", "in any 2 s", "in any 60 s", "false alarms"], rows)
    print(f"(The targets themselves never stood still for longer than {targets.stall:.2f} s.)")


def deaths(options, output, targets, _wire):
    """Of each mesh of two, the second agent dies with the service on its host."""
    meshes = [Mesh(options.build, output, 2, 2) for _ in range(options.deaths)]
    for mesh in meshes:
        for address in mesh.addresses.values():
            targets.open(address)
        mesh.start()
        time.sleep(0.2)
    time.sleep(40)
    moments = []
    for mesh in meshes:
        time.sleep(random.uniform(0, 1.5))
        moments.append(time.monotonic())
        mesh.processes[1].kill()
        targets.close(mesh.addresses["c1"])
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


def flaps(options, output, targets, _wire):
    """Targets that refuse for 15 s and answer for 15 s, again and again."""
    half = 15
    mesh = Mesh(options.build, output, 5, 4)
    for address in mesh.addresses.values():
        targets.open(address)
    mesh.start()
    time.sleep(40)
    began = time.monotonic()
    for turn in range(options.flaps * 60 // half):
        for i, address in enumerate(mesh.addresses.values()):
            (targets.mend if turn % 2 else targets.spoil)([address], "refuse")
            if i + 1 < len(mesh.addresses):
                time.sleep(half / len(mesh.addresses))  # Each in a phase of its own.
        time.sleep(max(0, began + (turn + 1) * half - time.monotonic()))
    opened = [len([when for when, agent, what in mesh.told[check] if agent == 1 and what == "down"])
              for check in mesh.addresses]
    mesh.stop()
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


def load(options, output, _targets, _wire):
    directory = tempfile.mkdtemp(prefix="picket-bench.")
    with open(f"{directory}/nginx.conf", "w") as file:
        file.write(f"daemon off; pid {directory}/pid; events {{ worker_connections 4096; }} http {{"
                   " access_log off; server { listen 80 backlog=4096; location / { return 200; } } }")
    nginx = start(["nginx", "-c", f"{directory}/nginx.conf", "-e", "stderr"])
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
    nginx.terminate()
    nginx.wait()
    shutil.rmtree(directory)
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
    output, targets, wire = Output(), Targets(), Wire()
    for part in options.only.split(","):
        {"kills": kills, "deaths": deaths, "flaps": flaps, "load": load}[part](options, output, targets, wire)
    for miss in MISSES:
        print("MISSED " + miss)
    sys.exit(1 if MISSES else 0)


if __name__ == "__main__":
    main()
