#!/usr/bin/python3
"""picket in one mesh with Serf's agents, and with Alertmanager's: they take it for their own.

    tests/interop/interop.py BUILD [CASE...]

Each case runs in a network namespace of its own, several at once: they wait more
than they compute. The last line sums up, as doctest does.
"""

import concurrent.futures
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from agents import PATIENCE, Alertmanager, Broken, Mesh, Serf, key, wait_until  # noqa: E402

# Something for picket's agents to tell each other of.
CHECKS = '[tcp.self]\naddress = "127.0.0.1:9"\ninterval = "2s"\ntimeout = "1s"\n'


def both_ways(build, keys, seconds):
    """picket joins a mesh of three of Serf's; one of Serf's joins by way of picket."""
    with Mesh(build, keys=keys, checks=CHECKS) as mesh:
        first = mesh.serf()
        mesh.serf(first)
        mesh.serf(first)
        picket = mesh.picket(first)
        mesh.serf(picket)
        mesh.picket(picket)
        mesh.expect_all_alive()
        mesh.hold(seconds)


def plain(build):
    """A mixed mesh stays alive for a minute, push/pulls included."""
    both_ways(build, (), 60)


def key_16(build):
    both_ways(build, [key(16)], 10)


def key_24(build):
    both_ways(build, [key(24)], 10)


def key_32(build):
    both_ways(build, [key(32)], 10)


def key_ring(build):
    """Two keys, and picket seals with the one that is the second to Serf."""
    keys = [key(16, 1), key(32, 2)]
    with Mesh(build, keys=keys) as mesh:
        first = mesh.serf()
        mesh.serf(first)
        mesh.keys = keys[::-1]
        mesh.picket(first)
        mesh.picket(first)
        mesh.expect_all_alive()
        mesh.hold(10)


def mixed(build, profile="lan"):
    mesh = Mesh(build, profile=profile, checks=CHECKS)
    first = mesh.serf()
    mesh.serf(first)
    mesh.picket(first)
    mesh.picket(first)
    mesh.expect_all_alive()
    return mesh


def killed(build):
    """Who is killed is failed to both kinds, whichever kind it is."""
    with mixed(build) as mesh:
        _, serf, _, picket = mesh.agents
        serf.kill()
        alive = {agent.name: "alive" for agent in mesh.agents}
        mesh.expect({**alive, serf.name: "failed"})
        picket.kill()
        mesh.expect({**alive, serf.name: "failed", picket.name: "failed"})


def stopped(build):
    """Who is stopped is failed to both kinds, and alive again when it goes on."""
    with mixed(build) as mesh:
        _, serf, _, picket = mesh.agents
        everybody = {agent.name: "alive" for agent in mesh.agents}
        for victim in (picket, serf):
            victim.stop()
            others = [agent for agent in mesh.agents if agent is not victim]
            mesh.expect({**everybody, victim.name: "failed"}, others)
            victim.resume()
            mesh.expect(everybody)


def left(build):
    """Who leaves is known to have left, not failed, by both kinds."""
    with mixed(build) as mesh:
        _, serf, _, picket = mesh.agents
        everybody = {agent.name: "alive" for agent in mesh.agents}
        picket.run("leave")
        others = [agent for agent in mesh.agents if agent is not picket]
        mesh.expect({**everybody, picket.name: "left"}, others)
        serf.run("leave")
        others = [agent for agent in others if agent is not serf]
        mesh.expect({**everybody, picket.name: "left", serf.name: "left"}, others)
        for agent in mesh.those_of(Serf):
            if "EventMemberFailed" in agent.log():
                raise Broken(f"{agent.name} took a leave for a failure")


def events(build):
    """Serf's user events and queries reach Serf's agents past picket's, which stay quiet."""
    with Mesh(build, checks=CHECKS) as mesh:
        first = mesh.serf()
        mesh.picket(first)
        mesh.serf(mesh.agents[1])
        mesh.picket(first)
        mesh.serf(mesh.agents[3])
        mesh.expect_all_alive()
        serfs = mesh.those_of(Serf)
        for number, sender in enumerate(serfs):
            event = f"deploy{number}"
            sender.run("event", "-coalesce=false", event, "v1")
            wait_until(lambda: all(f"user-event: {event}" in agent.log() for agent in serfs),
                       f"the event {event} reaches every one of Serf's agents", PATIENCE)
            answer = sender.run("query", "-timeout=15s", f"uptime{number}")
            for agent in serfs:
                if f"Ack from '{agent.name}'" not in answer:
                    raise Broken(f"{agent.name} acknowledges a query; {sender.name} got\n{answer}")
        mesh.hold(10)


def alertmanager(build):
    """A cluster of three with a member of picket's stays settled."""
    with Mesh(build, delegate_version=(0, 0, 0), port=9094) as mesh:
        first = mesh.alertmanager()
        mesh.alertmanager(first)
        mesh.alertmanager(first)
        picket = mesh.picket(first)
        members = mesh.those_of(Alertmanager)

        def settled():
            return all(agent.cluster().get("status") == "ready" and
                       len(agent.cluster().get("peers", [])) == 4 for agent in members)

        wait_until(settled, "all of Alertmanager's are ready and count four peers", PATIENCE)

        def look():
            if not settled():
                return f"the cluster stays settled: {[a.cluster() for a in members]}"
            states = picket.members().values()
            if sorted("alive" if s == "suspect" else s for s in states) != ["alive"] * 4:
                return f"picket holds all four alive: {picket.members()}"
            return ""

        mesh.hold(10, look)


AT_ONCE = 6
CASES = {case.__name__: case for case in (plain, key_16, key_24, key_32, key_ring, killed, stopped,
                                          left, events, alertmanager)}


def run_case(build, name):
    try:
        CASES[name](build)
    except Broken as broken:
        print(f"{name}: {broken}")
        sys.exit(1)


def in_namespace(build, name):
    here = os.path.abspath(__file__)
    prepare = os.path.join(os.path.dirname(here), "..", "in-namespace")
    namespace = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-Urnm"]
    return subprocess.run([*namespace, prepare, sys.executable, here, "--here", build, name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    if sys.argv[1] == "--here":
        return run_case(*sys.argv[2:])
    build, *names = sys.argv[1:]
    names = names or list(CASES)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for name, case in zip(names, pool.map(lambda name: in_namespace(build, name), names)):
            if case.returncode != 0:
                failed += 1
                print(f"==== {name} fails\n{case.stdout}")
    print(f"[doctest] test cases: {len(names)} | {len(names) - failed} passed | {failed} failed | "
          "0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
