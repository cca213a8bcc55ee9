#!/usr/bin/python3
"""Cold calls of the CLI on a month of history, beside /bin/true in turn.

    tests/bench/cli.py BUILD DIRECTORY [DAYS]

BUILD holds picket; DIRECTORY what the history bench left (month/picket.db: DAYS (30) of 100 checks
at 10 s; steady/picket.db: three hours of 1,000, most of it in the journal). Each call is a process of its own. Read the ratios: the time of a
process depends on what else the machine does.
"""

import os
import statistics
import subprocess
import sys
import time

BASE = 1_795_402_800  # Where the bench's outcomes begin.
RUNS = 41


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def run_ms(command):
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    code = os.waitpid(pid, 0)[1]
    assert code == 0, (command, code)
    return (time.perf_counter() - begin) * 1000


def peak_mib(command):
    """The most memory that the command had, less what any process of its size has."""
    script = ("import os, resource, sys\n"
              "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,"
              " file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])\n"
              "print(os.wait4(pid, 0)[2].ru_maxrss / 1024)")
    return float(subprocess.run([sys.executable, "-c", script, *command], check=True,
                                capture_output=True, text=True).stdout)


def main():
    build, directory = sys.argv[1], sys.argv[2]
    days = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    end = BASE + days * 86_400
    picket = f"{build}/picket"

    def window(*words, since, until=end, which="month"):
        return [picket, *words, "--db", f"{directory}/{which}/picket.db",
                "--since", moment(until - since), "--until", moment(until)]

    calls = [
        ("`picket --help`", [picket, "--help"], 5),
        (f"availability and percentiles of {days} days",
         window("availability", "check-50", "--slo", "99.9", since=days * 86_400), 30),
        (f"availability of 100 checks over {days} days",
         window("availability", since=days * 86_400), None),
        ("availability of 1,000 checks over three hours, with an objective",
         window("availability", "--slo", "99.9", since=3 * 3_600, until=BASE + 3 * 3_600,
                which="steady"), None),
        (f"{days} days plotted", window("history", "check-50", "--plot", since=days * 86_400), 30),
        ("every outcome of a day, as JSON lines", window("export", "check-50", since=86_400), 30),
        ("a day as a table", window("history", "check-50", since=86_400), 30),
        ("two hours, outcome by outcome", window("history", "check-50", since=7_200), 30),
    ]
    times = {what: [] for what, _, _ in calls}
    idle = []
    for _ in range(RUNS):
        idle.append(run_ms(["/bin/true"]))
        for what, command, _ in calls:
            times[what].append(run_ms(command))
    base = statistics.median(idle)
    for what, command, target in calls:
        median = statistics.median(times[what])
        met = "-" if target is None else "yes" if median <= target else "**no**"
        print(f"| cold: {what} | {median:.1f} ms (least {min(times[what]):.1f}), "
              f"{median / base:.1f} times `/bin/true`, {peak_mib(command):.0f} MiB "
              f"| {f'{target} ms' if target else '-'} | {met} |", flush=True)
    print(f"| for comparison: `/bin/true` | {base:.1f} ms (least {min(idle):.1f}), "
          f"{peak_mib(['/bin/true']):.0f} MiB | - | - |", flush=True)


main()
