"""What the benches ask: nginx of one process each, and what of that is seen on the wire."""

import atexit
import bisect
import collections
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from mesh import run


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """An nginx with these server blocks, which may name files of its directory."""

    def __init__(self, servers):
        self.directory = tempfile.mkdtemp(prefix="picket-bench.")
        self.process = None
        atexit.register(self.close)
        temp = "".join(f"{kind}_temp_path {kind};" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{self.directory}/nginx.conf", "w") as file:
            file.write("daemon off; master_process off; pid pid; error_log stderr crit;"
                       "events { worker_connections 4096; }"
                       f"http {{ access_log off; {temp} {servers} }}")
        self.start()

    def start(self):
        """Returns once it listens."""
        self.process = subprocess.Popen(["nginx", "-p", ".", "-c", "nginx.conf", "-e", "stderr"],
                                        cwd=self.directory, stdin=subprocess.DEVNULL)
        pid = f"{self.directory}/pid"  # It writes this as soon as it listens.
        deadline = time.monotonic() + 10
        while not os.path.exists(pid):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("nginx did not start")
            time.sleep(0.001)
        os.unlink(pid)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Target(Nginx):
    """A web server on port 80 of addresses of its own, which breaks in one way at a time:

    refuse   it is dead, so connections to it are refused;
    swallow  nftables drop what is sent to it;
    late     its answer takes a second. It has more bytes than nginx then sends in one second,
             and no more than in two, so nginx waits a second before it sends the rest.
    """

    def __init__(self, addresses):
        self.addresses = list(addresses)
        self.table = "target_" + self.addresses[0].replace(".", "_")
        listen = "".join(f"listen {address}:80;" for address in self.addresses)
        super().__init__(f"server {{ {listen} keepalive_timeout 0; location / {{"
                         " if (-f late) { set $limit_rate 400; }"
                         f" return 200 {'ok' * 200}; }} }}")

    def spoil(self, way):
        if way == "refuse":
            self.kill()
        elif way == "late":
            open(f"{self.directory}/late", "w").close()
        else:
            run("nft", "-f", "-", text=f"table ip {self.table} {{ chain in {{"
                " type filter hook input priority 0;"
                f" ip daddr {{ {', '.join(self.addresses)} }} drop; }}; }}")

    def mend(self, way):
        if way == "refuse":
            self.start()
        elif way == "late":
            os.unlink(f"{self.directory}/late")
        else:
            run("nft", "delete", "table", "ip", self.table)


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
