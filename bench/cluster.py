"""Measures several nodes of one cluster on this machine: scaling with remote work, takeover of killed nodes' documents,
how long a newcomer waits for work.

The remote work is an embedding server on loopback that answers after a while. Every part has its own embedded
PostgreSQL (default fsync) in a temporary directory and ends what it started.
"""
import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from bench import find_fake_server, run_parts  # noqa: E402
from generated_documents import write_texts  # noqa: E402
from millrace_cluster import Cluster  # noqa: E402

LATENCY_MS = 360
SPREAD_MS = 90  # Of real services no two answers take the same time; without it all slots of a node work in step.
SLOTS = 100
SECONDS = 20  # Of work for each size of the cluster.
KILLS = 20
TAKEOVER_LATENCY_MS = 1000
TAKEOVER_DOCUMENTS_A_KILL = 4500  # Enough for the time from one to the next.
TAKEN_OVER_LIMIT_SECONDS = 60
NEWCOMERS = 10
NEWCOMER_DOCUMENTS = 3000  # Enough for the time that one takes.


class RemoteWork:
    """An embedding server whose answers take latency_ms on average, evenly spread by up to spread_ms."""

    def __init__(self, build, latency_ms, spread_ms=0):
        self.process = subprocess.Popen(
            [find_fake_server(build), "--latency-ms", str(latency_ms), "--spread-ms", str(spread_ms), "--dimensions", "256"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.port = re.search(r"\d+", self.process.stdout.readline())[0]

    def settings(self, slots):
        return (
            f'[documents]\nconcurrency = {slots}\n[embedder]\nprovider = "openai"\n'
            f'base_url = "http://127.0.0.1:{self.port}/v1"\napi_key_env = ""\nmodel = "fake"\ndimensions = 256\n'
            f"max_inputs = 1\nrequests_per_minute = 1000000\ntokens_per_minute = 2000000000\nconcurrency = {slots}\n"
            f"[images]\nocr = \"off\"\n"
        )

    def stop(self):
        self.process.kill()
        self.process.wait()


def ticks_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14))  # own and of children that have ended


def cpu_seconds():
    """By the program's name, over everything that runs here."""
    seconds = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f:
                name = f.read().strip()
            seconds[name] = seconds.get(name, 0) + ticks_of(pid) / os.sysconf("SC_CLK_TCK")
        except OSError:
            pass
    return seconds


# The first and the last tenth are left out: they are how long it takes to begin and to end.
RATE = """
with t as (select finished_at, row_number() over (order by finished_at) as i, count(*) over () as n from documents)
select 0.8 * max(n) / extract(epoch from
  max(finished_at) filter (where i <= 0.9 * n) - max(finished_at) filter (where i <= 0.1 * n)) from t"""


def scale(build, work, sizes, spread_ms):
    remote = RemoteWork(build, LATENCY_MS, spread_ms)
    possible = SLOTS / (LATENCY_MS / 1000)
    print(f"scaling: texts of one chunk, {LATENCY_MS} ± {spread_ms} ms of remote work each, {SLOTS} slots a node ({possible:.0f} a second)")
    try:
        for size in sizes:
            documents = int(possible * size * SECONDS)
            place = os.path.join(work, f"nodes-{size}")
            os.mkdir(place)
            texts = os.path.join(place, "texts")
            write_texts(texts, documents, 512, seed=size)
            cluster = Cluster(build, place, [f"n{i}" for i in range(size)], remote.settings(SLOTS))
            try:
                before = cpu_seconds()
                started = time.monotonic()
                cluster.submit("n0", "scaling", texts)
                cluster.until_ended("scaling")
                elapsed = time.monotonic() - started
                used = {k: v - before.get(k, 0) for k, v in cpu_seconds().items()}
                rate = float(cluster.sql(RATE)[0][0])
                idle = 1 - sum(used.values()) / elapsed / os.cpu_count()
                parts = ", ".join(
                    f"{name} {1e3 * used.get(name, 0) / documents:.2f}"
                    for name in ("millrace", "millrace-extrac", "postgres", "fake-embedding-")
                )
                print(
                    f"  {size} nodes: {rate:7.0f} documents/s = {100 * rate / possible / size:5.1f} % of linear (95 wanted); "
                    f"cores idle {100 * max(idle, 0):2.0f} %; CPU ms a document: {parts}",
                    flush=True,
                )
            finally:
                cluster.stop()
                shutil.rmtree(place, ignore_errors=True)
    finally:
        remote.stop()


def takeover(build, work, kills, seed):
    """Of each document that a killed node had: how long until an actor of another node works on it, or it is done; of each
    of its leaderships: until another node has it."""
    remote = RemoteWork(build, TAKEOVER_LATENCY_MS)
    names = ["a", "b", "c"]
    texts = os.path.join(work, "texts")
    write_texts(texts, kills * TAKEOVER_DOCUMENTS_A_KILL, 512, seed=3)
    chance = random.Random(seed)
    cluster = Cluster(build, work, names, remote.settings(SLOTS))
    documents, leaderships = [], []
    try:
        cluster.submit("a", "takeover", texts)
        cluster.until(lambda: int(cluster.sql("select count(*) from queue_leases")[0][0]) > 30, "work is under way")
        time.sleep(8)  # a reaper trusts what it knows of suspects after it has seen the database for 5 s
        for _ in range(kills):
            victim = chance.choice(names)
            cluster.kill(victim)
            documents_of, leaderships_of = taken_over(cluster, victim, [name for name in names if name != victim])
            documents += documents_of
            leaderships += leaderships_of
            print(f"  killed {victim}: its {len(documents_of)} documents run elsewhere after {max(documents_of, default=0):.1f} s, "
                  f"its {len(leaderships_of)} leaderships are elsewhere after {max(leaderships_of, default=0):.1f} s", flush=True)
            cluster.start(victim)
            # Kills that have nothing to do with each other: a node just started trusts nobody's silence for 5 s.
            time.sleep(chance.uniform(6, 10))
        print(f"takeover: {kills} kills (seed {seed}); seconds until what the node had is elsewhere (6 wanted):")
        for what, waited in (("documents, running", sorted(documents)), ("leaderships", sorted(leaderships))):
            print(f"  {len(waited)} {what}: " + ", ".join(f"p{p} {waited[min(len(waited) - 1, len(waited) * p // 100)]:.1f}" for p in (50, 90, 99))
                  + f", most {waited[-1]:.1f}")
    finally:
        cluster.stop()
        remote.stop()


def taken_over(cluster, victim, others):
    """Seconds since now for each document and leadership of a node that was just killed; infinite beyond the limit."""
    killed = time.monotonic()
    documents = {row[0] for row in cluster.sql(
        f"select d.uri from queue_leases l join documents d on d.id = l.document_id where l.node = '{victim}'")}
    roles = {row[0] for row in cluster.sql(f"select role from leaders where node = '{victim}'")}
    waited_documents, waited_roles = [], []
    while (documents or roles) and time.monotonic() - killed < TAKEN_OVER_LIMIT_SECONDS:
        running = {actor["document"] for name in others for actor in cluster.get(name, "/v1/actors")}
        if documents:
            uris = ",".join(f"'{uri}'" for uri in documents)
            running |= {row[0] for row in cluster.sql(f"select uri from documents where finished_at is not null and uri in ({uris})")}
        led = {row[0] for row in cluster.sql(f"select role from leaders where node <> '{victim}'")}
        seconds = time.monotonic() - killed
        waited_documents += [seconds] * len(documents & running)
        waited_roles += [seconds] * len(roles & led)
        documents -= running
        roles -= led
        time.sleep(0.05)
    return waited_documents + [float("inf")] * len(documents), waited_roles + [float("inf")] * len(roles)


def newcomer(build, work, count):
    """Nodes that are not in the file, one after the other, beside one that works: from the start of the process to its first lease."""
    remote = RemoteWork(build, LATENCY_MS, SPREAD_MS)
    texts = os.path.join(work, "texts")
    write_texts(texts, count * NEWCOMER_DOCUMENTS, 512, seed=4)
    cluster = Cluster(build, work, ["a"], remote.settings(SLOTS))
    try:
        cluster.submit("a", "newcomer", texts)
        cluster.until(lambda: int(cluster.sql("select count(*) from queue_leases")[0][0]) >= SLOTS, "work is under way")
        waited = []
        for i in range(count):
            name = f"new{i}"
            started = time.monotonic()
            cluster.launch_newcomer(name)
            leased = f"select 1 from queue_leases where node = '{name}' limit 1"
            cluster.until(lambda: cluster.sql(leased), f"newcomer {name} has work")
            waited.append(time.monotonic() - started)
            cluster.drain(name)
        waited.sort()
        print(f"newcomer: {count} nodes that are not in the file; seconds from the start of the process to its first document (looked five times a second):")
        print(f"  p50 {waited[len(waited) // 2]:.2f}, most {waited[-1]:.2f}   (3 wanted)")
    finally:
        cluster.stop()
        remote.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", default="build/release")
    options.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4, 8])
    options.add_argument("--spread", type=int, default=SPREAD_MS, help="milliseconds")
    options.add_argument("--kills", type=int, default=KILLS)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options.add_argument("--newcomers", type=int, default=NEWCOMERS)
    options.add_argument("--only", choices=["scaling", "takeover", "newcomer"])
    o = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = [
        ("scaling", lambda work: scale(o.build, work, o.sizes, o.spread)),
        ("takeover", lambda work: takeover(o.build, work, o.kills, o.seed)),
        ("newcomer", lambda work: newcomer(o.build, work, o.newcomers)),
    ]
    run_parts(parts, o.only)


if __name__ == "__main__":
    main()
