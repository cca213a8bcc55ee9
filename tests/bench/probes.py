#!/usr/bin/python3
"""What one probe costs in CPU, beside the bare library loop and the peers: part of `make bench`.

    tests/bench/probes.py BUILD [--only http,https,tcp,dns,icmp,command] [--repeats N] [--count N]

BUILD holds probe_driver and bare_loops. Everything runs on 127.0.0.1 against servers that this
script starts and ends. Each figure is CPU (user and system) of the asking process alone, in
microseconds a probe, 8 at once, a new connection each; the median of the repeats, which take
turns so that the machine's moods meet both alike. Peers are measured where they are installed.
"""

import argparse
import http.client
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from targets import Nginx, free_port

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
AT_ONCE = 8


def await_port(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Servers:
    """An nginx, plain and with TLS, and an nsd with one zone, where it is installed."""

    def __init__(self, directory):
        self.http, self.https, self.dns = free_port(), free_port(), free_port()
        self.certificate = f"{directory}/site.pem"
        self.processes = []
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-keyout", f"{directory}/site.key", "-out", self.certificate, "-subj",
             "/CN=localhost", "-days", "30", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True)
        Nginx("ssl_session_cache off; ssl_session_tickets off;"
              f"server {{ listen 127.0.0.1:{self.http} backlog=4096;"
              " location / { return 200 ok; } }"
              f"server {{ listen 127.0.0.1:{self.https} ssl backlog=4096;"
              f" ssl_certificate {self.certificate}; ssl_certificate_key {directory}/site.key;"
              " location / { return 200 ok; } }")
        if shutil.which("nsd", path="/usr/sbin:/usr/bin"):
            self.start_nsd(directory)

    def start(self, command):
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL))
        return self.processes[-1]

    def start_nsd(self, directory):
        with open(f"{directory}/zone", "w") as f:
            f.write("$ORIGIN picket.test.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n"
                    "@ NS ns\nns A 127.0.0.1\nwww A 127.0.0.1\n")
        with open(f"{directory}/nsd.conf", "w") as f:
            f.write(f"server:\n ip-address: 127.0.0.1\n port: {self.dns}\n username: \"\"\n"
                    f" chroot: \"\"\n zonesdir: \"{directory}\"\n database: \"\"\n"
                    f" zonelistfile: \"{directory}/zone.list\"\n xfrdfile: \"{directory}/xfrd\"\n"
                    f" xfrdir: \"{directory}\"\n pidfile: \"{directory}/nsd.pid\"\n"
                    " server-count: 1\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n"
                    "zone:\n name: picket.test\n zonefile: zone\n")
        self.start(["/usr/sbin/nsd", "-d", "-c", f"{directory}/nsd.conf"])
        await_port(self.dns)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def cost(command):
    """Microseconds of CPU a run, as probe_driver and bare_loops tell."""
    output = subprocess.run(command, capture_output=True, text=True, timeout=300)
    words = output.stdout.split()
    if len(words) != 4 or words[1] != "0":
        sys.exit(f"{' '.join(command)}: {output.stdout}{output.stderr}")
    return float(words[3]) / int(words[0]) * 1e6


def process_cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


class Blackbox:
    """prometheus-blackbox-exporter, asked over HTTP; its whole process is counted."""

    PROGRAM = "prometheus-blackbox-exporter"

    def __init__(self, servers, directory):
        self.port = free_port()
        config = f"{directory}/blackbox.yml"
        with open(config, "w") as f:
            f.write("modules:\n"
                    "  http: {prober: http, http: {preferred_ip_protocol: ip4, "
                    f"tls_config: {{ca_file: {servers.certificate}}}}}}}\n"
                    "  tcp: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}\n"
                    "  dns: {prober: dns, dns: {preferred_ip_protocol: ip4, transport_protocol: udp,"
                    " query_name: www.picket.test, query_type: A}}\n"
                    "  icmp: {prober: icmp, icmp: {preferred_ip_protocol: ip4}}\n")
        self.process = servers.start([self.PROGRAM, f"--config.file={config}",
                                      f"--web.listen-address=127.0.0.1:{self.port}"])
        await_port(self.port)

    def cost(self, module, target, count):
        left = [count]
        lock = threading.Lock()

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            while True:
                with lock:
                    if left[0] == 0:
                        return
                    left[0] -= 1
                connection.request("GET", f"/probe?module={module}&target={target}")
                if b"\nprobe_success 1" not in connection.getresponse().read():
                    failed.append(target)

        failed = []
        before = process_cpu(self.process.pid)
        threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            return None
        return (process_cpu(self.process.pid) - before) / count * 1e6


def tool_cost(command, runs_of):
    """Microseconds of CPU a run of a tool, which tells in its output how many it made."""
    if not shutil.which(command[0]):
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, capture_output=True, text=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(runs_of, output.stdout + output.stderr)
    return spent / int(found.group(1)) * 1e6 if found else None


def raw_tool(name, servers):
    """Name and cost of the leanest tool that asks the same: wrk (unverified), fping."""
    if name in ("http", "https"):
        url = f"{name}://127.0.0.1:{servers.http if name == 'http' else servers.https}/"
        return "wrk", tool_cost(["wrk", "-t", "1", "-c", str(AT_ONCE), "-d", "2", "-H",
                                 "Connection: close", url], r"(\d+) requests in")
    if name == "icmp":
        return "fping", tool_cost(["fping", "-q", "-c", "2000", "-p", "1", "127.0.0.1"],
                                  r"= (\d+)/")
    return "", None


def kinds(servers):
    """Of each: definition, arguments of the bare loop, module and target of blackbox, target ratio."""
    url, tls = f"http://127.0.0.1:{servers.http}/", f"https://127.0.0.1:{servers.https}/"
    return {
        "http": (f'[http.x]\nurl = "{url}"\n', ["127.0.0.1", str(servers.http), url],
                 ("http", url), 1.45),
        "https": (f'[http.x]\nurl = "{tls}"\nca_file = "{servers.certificate}"\n',
                  ["127.0.0.1", str(servers.https), tls], ("http", tls), 1.15),
        "tcp": (f'[tcp.x]\naddress = "127.0.0.1:{servers.http}"\n',
                ["127.0.0.1", str(servers.http)], ("tcp", f"127.0.0.1:{servers.http}"), 1.3),
        "dns": (f'[dns.x]\nname = "www.picket.test"\nserver = "127.0.0.1:{servers.dns}"\n',
                ["127.0.0.1", str(servers.dns)], ("dns", f"127.0.0.1:{servers.dns}"), 2.5),
        "icmp": ('[icmp.x]\naddress = "127.0.0.1"\npackets = 1\n', ["127.0.0.1", "0"],
                 ("icmp", "127.0.0.1"), 1.9),
        "command": ('[command.x]\ncommand = ["/bin/true"]\n', ["127.0.0.1", "0"], None, 1.5),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--only", default="http,https,tcp,dns,icmp,command")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--count", type=int, default=4000)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="picket-bench-")
    os.chmod(directory, 0o755)
    servers = Servers(directory)
    try:
        blackbox = Blackbox(servers, directory) if shutil.which(Blackbox.PROGRAM) else None
        print("| probe | picket | bare library loop | ratio | target | met | raw tool "
              "| blackbox_exporter |")
        print("|---|---|---|---|---|---|---|---|")
        for name in arguments.only.split(","):
            definition, target, peer, limit = kinds(servers)[name]
            file = f"{directory}/{name}.toml"
            with open(file, "w") as f:
                f.write(definition)
            count = arguments.count // 4 if name in ("https", "command") else arguments.count
            driver = [f"{arguments.build}/probe_driver", file, str(count), str(AT_ONCE)]
            bare = [f"{arguments.build}/bare_loops", {"command": "spawn"}.get(name, name),
                    str(count), str(AT_ONCE)] + target
            ours, floor = [], []
            for _ in range(arguments.repeats):
                floor.append(cost(bare))
                ours.append(cost(driver))
            ratio = statistics.median(ours) / statistics.median(floor)
            tool, raw = raw_tool(name, servers)
            other = blackbox.cost(*peer, max(count // 2, 500)) if blackbox and peer else None
            print(f"| {name} | {statistics.median(ours):.1f} ({min(ours):.1f}-{max(ours):.1f}) "
                  f"| {statistics.median(floor):.1f} ({min(floor):.1f}-{max(floor):.1f}) "
                  f"| {ratio:.2f} | {limit} | {'yes' if ratio <= limit else '**no**'} "
                  f"| {f'{tool} {raw:.0f}' if raw else '-'} "
                  f"| {f'{other:.0f}' if other else '-'} |", flush=True)
    finally:
        servers.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
