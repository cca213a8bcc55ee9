"""Who watches in tests/bench/agreement.py: a mesh of picket, and Debian's nagios4."""

import atexit
import collections
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

from mesh import TICKS

INTERVAL = 10  # Seconds between two questions of one witness; the panel has five.
TIMEOUT = 3
LATENCY_MS = 500


def start(command, **options):
    """Starts a program at the usual priority: this script has a better one, as have the targets."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, 0), **options)


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
