"""Real agents on 127.0.0.0/8: picket's, Serf's and Alertmanager's, started, asked and ended.

Every agent is number K of its mesh and lives at 127.0.0.K. Each writes a log to the
mesh's temporary directory, which goes with the mesh.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request


LATE_SPELLS_MAX = 3
# For an event that must come, also on a machine that has much else to do.
PATIENCE = 90
# For a command; longer than Serf's query in interop.py collects answers.
ANSWER_MAX = 30


class Broken(Exception):
    """A promise that did not hold, in words."""


def wait_until(condition, what, seconds):
    """Asks `condition` until it returns something true, which is then returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Broken(f"within {seconds} s: {what}")
        time.sleep(0.1)


class Agent:
    """What all agents have: a process, a log, an address."""

    kind = ""

    def __init__(self, mesh, number):
        self.mesh = mesh
        self.number = number
        self.ip = f"127.0.0.{number}"
        self.name = f"{self.kind}{number}"
        self.directory = os.path.join(mesh.directory, self.name)
        os.makedirs(self.directory, exist_ok=True)
        self.log_path = os.path.join(mesh.directory, f"{self.name}.log")
        self.process = None

    def start(self, *arguments):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen([*self.command(), *arguments], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=subprocess.STDOUT)
        log.close()

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def answers(self):
        return self.members()

    def ask(self, *command):
        """What the command prints; empty where it fails, or where the agent is held up."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_MAX)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout if done.returncode == 0 else ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class Serf(Agent):
    kind = "serf"
    port = 7946
    # What it says when an answer came late, which a busy machine can bring about as well.
    late = re.compile("Was able to connect to|Failed fallback ping: .*timeout|"
                      "Refuting a suspect message")

    def command(self):
        command = ["serf", "agent", f"-node={self.name}", f"-bind={self.ip}:7946",
                   f"-rpc-addr={self.ip}:7373", f"-profile={self.mesh.profile}", "-log-level=info"]
        if self.mesh.keys:
            path = os.path.join(self.directory, "keyring.json")
            if not os.path.exists(path):
                with open(path, "w") as file:
                    json.dump(self.mesh.keys, file)
            command.append(f"-keyring-file={path}")
        return command

    def start(self, *join):
        super().start(*[f"-retry-join={agent.ip}:7946" for agent in join], "-retry-interval=1s")

    def run(self, verb, *arguments):
        return self.ask("serf", verb, f"-rpc-addr={self.ip}:7373", *arguments)

    def members(self):
        """{name: state} as this agent lists them."""
        text = self.run("members", "-format=json")
        return {m["name"]: m["status"] for m in json.loads(text)["members"]} if text else {}

    def complaints(self):
        """What it warned of."""
        return [line for line in self.log().splitlines() if "[WARN]" in line or "[ERR]" in line]


class Picket(Agent):
    kind = "picket"

    @property
    def port(self):
        return self.mesh.port

    def command(self):
        return [os.path.join(self.mesh.build, "picketd"), "--config",
                os.path.join(self.directory, "picket.toml")]

    def start(self, *join):
        checks = os.path.join(self.directory, "checks.d")
        os.makedirs(checks, exist_ok=True)
        with open(os.path.join(checks, "checks.toml"), "w") as file:
            file.write(self.mesh.checks)
        self.socket = os.path.join(self.directory, "picket.sock")
        seeds = ", ".join(f'"{agent.ip}:{agent.port}"' for agent in join)
        gossip = {"bind": f'"{self.ip}:{self.port}"', "join": f"[{seeds}]",
                  "profile": f'"{self.mesh.profile}"',
                  "delegate_version": str(self.mesh.delegate_version)}
        if self.mesh.keys:
            ring = os.path.join(self.directory, "keyring")
            if not os.path.exists(ring):
                with open(ring, "w") as file:
                    file.write("\n".join(self.mesh.keys) + "\n")
                os.chmod(ring, 0o600)
            gossip["keyring"] = f'"{ring}"'
        with open(os.path.join(self.directory, "picket.toml"), "w") as file:
            file.write(f'[agent]\nname = "{self.name}"\nstate_dir = "{self.directory}/state"\n'
                       f'socket = "{self.socket}"\nchecks = ["{checks}"]\n[gossip]\n' +
                       "".join(f"{key} = {value}\n" for key, value in gossip.items()))
        super().start()

    def run(self, *arguments):
        return self.ask(os.path.join(self.mesh.build, "picket"), "--socket", self.socket,
                        *arguments)

    def members(self):
        text = self.run("members", "--json")
        return {m["name"]: m["state"] for m in json.loads(text)["members"]} if text else {}


class Alertmanager(Agent):
    kind = "am"
    port = 9094
    late = Serf.late

    def command(self):
        config = os.path.join(self.directory, "alertmanager.yml")
        with open(config, "w") as file:
            file.write("route:\n  receiver: none\nreceivers:\n- name: none\n")
        return ["prometheus-alertmanager", f"--config.file={config}",
                f"--storage.path={self.directory}", f"--web.listen-address={self.ip}:9093",
                f"--cluster.listen-address={self.ip}:9094", "--cluster.pushpull-interval=5s",
                "--cluster.settle-timeout=10s", "--log.level=info"]

    def start(self, *join):
        super().start(*[f"--cluster.peer={agent.ip}:{agent.port}" for agent in join])

    def cluster(self):
        """Its view of the cluster: {"status": ..., "peers": [...]}."""
        try:
            with urllib.request.urlopen(f"http://{self.ip}:9093/api/v2/status", timeout=5) as page:
                return json.load(page)["cluster"]
        except OSError:
            return {}

    def answers(self):
        return self.cluster()

    def complaints(self):
        return [line for line in self.log().splitlines()
                if "level=warn" in line or "level=error" in line]


class Mesh:
    """The agents of one case. Ends them, and removes their files, at the end of `with`."""

    def __init__(self, build, keys=(), profile="lan", delegate_version=(2, 5, 5), port=7946,
                 checks=""):
        self.build = build
        self.keys = list(keys)
        self.profile = profile
        self.delegate_version = list(delegate_version)
        self.port = port
        self.checks = checks
        self.directory = tempfile.mkdtemp(prefix="picket-interop.")
        self.agents = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for agent in self.agents:
            if agent.running():
                agent.kill()
        if error is not None:
            for agent in self.agents:
                print(f"---- the log of {agent.name}\n{agent.log()[-6000:]}")
        shutil.rmtree(self.directory)

    def add(self, kind, *join):
        agent = kind(self, len(self.agents) + 1)
        self.agents.append(agent)
        agent.start(*join)
        wait_until(agent.answers, f"{agent.name} answers", PATIENCE)
        return agent

    def serf(self, *join):
        return self.add(Serf, *join)

    def picket(self, *join):
        return self.add(Picket, *join)

    def alertmanager(self, *join):
        return self.add(Alertmanager, *join)

    def those_of(self, kind):
        return [agent for agent in self.agents if isinstance(agent, kind) and agent.running()]

    def listings(self):
        return {agent.name: agent.members() for agent in self.agents if agent.running()}

    def expect(self, expected, observers=None):
        """Waits until every running agent (or `observers`) lists exactly these states."""
        observers = observers or [agent for agent in self.agents if agent.running()]
        seen = {}

        def agreed():
            for agent in observers:
                seen[agent.name] = agent.members()
                if seen[agent.name] != expected:
                    return False
            return True

        try:
            wait_until(agreed, "", PATIENCE)
        except Broken:
            raise Broken(f"within {PATIENCE} s all list {expected}; they list {seen}") from None

    def expect_all_alive(self):
        self.expect({agent.name: "alive" for agent in self.agents})

    def hold(self, seconds, look=None):
        """For so long `look` finds nothing wrong, and nobody has anything to say of it.

        Without a `look`: everybody lists everybody alive. Answers that came late, and what
        came of them, are forgiven where a later spell goes by without: a fault of picket's
        comes back in each.
        """
        look = look or self.look_alive
        before = []
        for spell in range(1 + LATE_SPELLS_MAX):
            failed = self.watch(seconds if spell == 0 else 10, look)
            late = self.complaints()
            if not failed and late == before:
                return
            before = late
            if failed:  # The next spell begins once that is over.
                wait_until(lambda: not look(), f"this is over: {failed}", PATIENCE)
        raise Broken(f"answers stay late: {failed} {late}")

    def watch(self, seconds, look):
        """What `look` returned first that was something, within so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            failed = look()
            if failed:
                return failed
            time.sleep(1)
        return ""

    def look_alive(self):
        """Who lists somebody as failed. A suspect is alive until nobody has cleared it."""
        alive = {agent.name: "alive" for agent in self.agents}
        for name, members in self.listings().items():
            held = {who: "alive" if state == "suspect" else state for who, state in members.items()}
            if held != alive:
                return f"all stay alive: {name} lists {members}"
        return ""

    def complaints(self):
        """Of answers that came late; any other complaint breaks the case."""
        lines = [(agent, line) for agent in self.agents if isinstance(agent, (Serf, Alertmanager))
                 for line in agent.complaints()]
        others = [f"{agent.name}: {line}" for agent, line in lines if not agent.late.search(line)]
        if others:
            raise Broken("nobody has anything to complain of, but\n" + "\n".join(others))
        return [f"{agent.name}: {line}" for agent, line in lines]


def key(size, seed=1):
    """A key of so many bytes, as `serf keygen` prints one."""
    return base64.b64encode(bytes((seed * 37 + i * 11) % 256 for i in range(size))).decode()
