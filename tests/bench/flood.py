#!/usr/bin/env python3
"""What a flood of malformed packets does to an agent: nothing that hurts.

    tests/bench/flood.py BUILD [SECONDS]      BUILD holds picketd and picket

Three agents on 127.0.0.1 to 127.0.0.3; the first one, which asks a check every second,
gets 20,000 packets a second of random bytes and broken messages, in clear and then, with a
key set, unauthenticated. Prints how late its probes were, how much memory it took, what it
refused, and whether anybody suspected it. Exits 1 where a promise is broken.
"""
import json, os, random, signal, socket, subprocess, sys, tempfile, time

RATE = 20_000
LATENESS_MS_MAX = 100
GROWTH_KIB_MAX = 5 * 1024


def picket(build, directory, index, *words):
    return subprocess.run([f"{build}/picket", "--socket", f"{directory}/{index}.sock", *words],
                          check=True, capture_output=True, text=True).stdout


def start(build, directory, index, port, keyring):
    os.makedirs(f"{directory}/checks.d", exist_ok=True)
    with open(f"{directory}/checks.d/busy.toml", "w") as file:
        file.write('[command.busy]\ncommand = ["/bin/true"]\ninterval = "1s"\ntimeout = "900ms"\n')
    with open(f"{directory}/{index}.toml", "w") as file:
        file.write(f'''[agent]
name = "a{index}"
state_dir = "{directory}/{index}"
socket = "{directory}/{index}.sock"
checks = ["{directory}/checks.d"]
[gossip]
bind = "127.0.0.{index}:{port}"
join = ["127.0.0.1:{port}"]
''' + (f'keyring = "{keyring}"\n' if keyring else ""))
    log = open(f"{directory}/{index}.log", "w")
    return subprocess.Popen([f"{build}/picketd", "--config", f"{directory}/{index}.toml"],
                            stderr=log)


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def flood(port, seconds):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setblocking(False)
    generator = random.Random(7)
    packets = []
    for i in range(4096):
        packet = generator.randbytes(generator.randrange(1, 1400))
        packets.append(bytes([generator.randrange(16)]) + packet[1:] if i % 2 else packet)
    begin, sent = time.monotonic(), 0
    while (elapsed := time.monotonic() - begin) < seconds:
        while sent < elapsed * RATE:
            try:
                sender.sendto(packets[sent % len(packets)], ("127.0.0.1", port))
            except BlockingIOError:
                pass
            sent += 1
        time.sleep(0.001)
    return sent


def measure(build, seconds, sealed):
    with tempfile.TemporaryDirectory() as directory:
        keyring = ""
        if sealed:
            keyring = f"{directory}/keyring"
            key = subprocess.run([f"{build}/picket", "key", "generate"], check=True,
                                 capture_output=True, text=True).stdout
            with open(keyring, "w") as file:
                file.write(key)
            os.chmod(keyring, 0o640)
        port = random.randrange(20000, 32000)
        agents = [start(build, directory, i, port, keyring) for i in (1, 2, 3)]
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    if json.loads(picket(build, directory, 1, "status", "--json"))["mesh"]["alive"] == 3:
                        break
                except subprocess.CalledProcessError:
                    pass
                assert time.monotonic() < deadline, "no mesh within 30 s"
                time.sleep(0.1)
            time.sleep(5)
            before = resident_kib(agents[0].pid)
            sent = flood(port, seconds)
            after = resident_kib(agents[0].pid)
            counters = json.loads(picket(build, directory, 1, "status", "--json"))["agent"]["counters"]
            suspected = picket(build, directory, 2, "events").count("a1 does not answer")
        finally:
            for agent in agents:
                agent.send_signal(signal.SIGTERM)
            for agent in agents:
                agent.wait()
    growth, lateness = after - before, counters["start_lateness_p99_ms"]
    print(f"{'sealed' if sealed else 'clear '}  {sent / seconds:8.0f} packets/s for {seconds} s: "
          f"probes at most {lateness} ms late, RSS {before} -> {after} KiB ({growth:+d}), "
          f"{counters['gossip_packets_received']} read, {counters['gossip_messages_refused']} messages "
          f"refused, suspected {suspected} times")
    return lateness <= LATENESS_MS_MAX and growth < GROWTH_KIB_MAX and suspected == 0


if __name__ == "__main__":
    duration = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    kept = [measure(sys.argv[1], duration, sealed) for sealed in (False, True)]
    sys.exit(0 if all(kept) else 1)
