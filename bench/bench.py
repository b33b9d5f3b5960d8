"""Measures a real node over its real API: throughput on small texts, and slots under remote latency.

Every part starts its own node with its own embedded PostgreSQL (default fsync) in a temporary directory, sends traffic
to loopback only, and ends what it started.
"""
import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

POLL_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 900


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """A `millrace node` with a data directory of its own."""

    def __init__(self, build, work, settings):
        self.port = free_port()
        self.work = work
        config = os.path.join(work, "node.toml")
        with open(config, "w") as f:
            f.write(
                f'[database]\nurl = "embedded:{work}/data"\n[api]\nlisten = "127.0.0.1:{self.port}"\n'
                f'[sources]\nallow = ["file:///"]\n[log]\nlevel = "warn"\n'
                f"[credits]\ninitial_grant = 100000000\n{settings}"
            )
        self.process = subprocess.Popen([f"{build}/app/millrace", "node", "--config", config], stderr=subprocess.DEVNULL)
        self.until(lambda: self.get("/readyz")["ready"], "the node is ready")

    def request(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data=data, timeout=600) as answer:
            return answer.read().decode()

    def get(self, path):
        return json.loads(self.request(path))

    def until(self, condition, what):
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"the node ended (exit {self.process.returncode}) before {what}")
            try:
                found = condition()
                if found:
                    return found
            except (OSError, ValueError):
                pass
            time.sleep(POLL_SECONDS)
        raise SystemExit(f"gave up waiting until {what}")

    def metrics(self):
        """{(name, labels): value}"""
        values = {}
        for line in self.request("/metrics").splitlines():
            found = re.match(r"^([a-z_]+)(\{[^}]*\})? (\S+)$", line)
            if found:
                values[found[1], found[2] or ""] = float(found[3])
        return values

    def total(self, name, containing=""):
        return sum(v for (n, labels), v in self.metrics().items() if n == name and containing in labels)

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024

    def run(self, name, folder, watch=lambda: None):
        """Submits the folder and waits until its last commit. Returns the dataset and seconds from submit to then."""
        self.request("/v1/datasets", {"name": name, "uris": ["file://" + os.path.abspath(folder)]})

        def ended():
            watch()
            dataset = self.get(f"/v1/datasets/{name}")
            return dataset if dataset["status"] != "processing" else None

        dataset = self.until(ended, f"dataset {name} has ended")
        seconds = parse_time(dataset["finished_at"]) - parse_time(dataset["created_at"])
        return dataset, seconds

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()


def parse_time(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def write_texts(folder, count, size, seed):
    """`count` text files of about `size` bytes, made of pronounceable words."""
    rng = random.Random(seed)
    syllables = [c + v for c in "bcdfghklmnprstvw" for v in ("a", "e", "i", "o", "u", "ar", "en", "is", "on", "ul")]
    words = ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(8000)]
    for i in range(count):
        sentences, length = [], 0
        while length < size:
            sentence = " ".join(rng.choice(words) for _ in range(rng.randint(6, 16))).capitalize() + "."
            sentences.append(sentence)
            length += len(sentence) + 1
        part = os.path.join(folder, f"{i // 1000:03d}")
        os.makedirs(part, exist_ok=True)
        with open(os.path.join(part, f"{i:06d}.txt"), "w") as f:
            f.write(" ".join(sentences)[:size] + "\n")


def bench_throughput(build, work, documents):
    texts = os.path.join(work, "texts")
    write_texts(texts, documents, 1024, seed=1)
    node = Node(build, work, "")
    try:
        before = node.total("millrace_db_transactions_total")
        dataset, seconds = node.run("throughput", texts)
        transactions = node.total("millrace_db_transactions_total") - before
        history = node.get("/v1/credits/default/history")["transactions"]
        deductions = [t for t in history if t["type"] == "batch_deduction"]
        print(f"throughput: {dataset['ready']} of {documents} texts of 1 KiB, hashing, embedded PostgreSQL, default fsync")
        print(f"  documents/s from submit to the last commit  {documents / seconds:9.0f}   (at least 4,000 wanted)")
        print(f"  transactions a document                     {transactions / documents:9.4f}   (at most 0.05)")
        print(f"  connections at the peak                     {node.total('millrace_db_connections', 'peak'):9.0f}   (at most 8)")
        print(f"  deductions                                  {len(deductions):9d}   (1)")
        print(f"  status changes / updates                    {node.total('millrace_status_changes_total'):.0f} / {node.total('millrace_status_updates_total'):.0f}")
        print(f"  VmHWM of the node                           {node.memory_mib():6.0f} MiB   (under 200)")
    finally:
        node.stop()


def bench_latency(build, work, documents, latency_ms, slots):
    texts = os.path.join(work, "texts")
    write_texts(texts, documents, 512, seed=2)
    fake = subprocess.Popen(
        [find_fake_server(build), "--latency-ms", str(latency_ms), "--dimensions", "256"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = re.search(r"\d+", fake.stdout.readline())[0]
    node = Node(
        build,
        work,
        f'[documents]\nconcurrency = {slots}\n[embedder]\nprovider = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
        f'api_key_env = ""\nmodel = "fake"\ndimensions = 256\nmax_inputs = 1\nrequests_per_minute = 1000000\n'
        f"tokens_per_minute = 1000000000\nconcurrency = {slots}\n",
    )
    try:
        busy = []

        def watch():
            busy.append(sum(v for (n, l), v in node.metrics().items()
                            if n == "millrace_slots" and "document" in l and "idle" not in l))

        _, seconds = node.run("latency", texts, watch)
        possible = slots / (latency_ms / 1000)
        print(f"remote latency: {documents} texts of one chunk, {latency_ms} ms a request, {slots} slots")
        print(f"  documents/s                                 {documents / seconds:9.1f}   = {100 * documents / seconds / possible:.1f} % of what the slots allow (at least 95 wanted)")
        print(f"  document slots busy at the peak             {max(busy):9.0f}   ({slots})")
    finally:
        node.stop()
        fake.kill()


def bench_files(build, work, folder):
    node = Node(build, work, "")
    try:
        dataset, seconds = node.run("files", folder)
        print(f"files of {folder}: {dataset['ready']} ready, {dataset['failed']} failed of {dataset['total']} in {seconds:.1f} s")
        for f in dataset["failures"]:
            print(f"  {f['code']:<24} {f['documents']:6d}   {f['example'][:90]}")
        print(f"  VmHWM of the node                           {node.memory_mib():6.0f} MiB   (under 200)")
    finally:
        node.stop()


def find_fake_server(build):
    for folder, _, names in os.walk(os.path.join(build, "tests")):
        if "fake-embedding-server" in names:
            return os.path.join(folder, "fake-embedding-server")
    raise SystemExit(f"{build} has no fake-embedding-server; run `make build`")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", default="build/release")
    options.add_argument("--documents", type=int, default=21000)
    options.add_argument("--files")
    options.add_argument("--only", choices=["throughput", "latency", "files"])
    o = options.parse_args()
    parts = [
        ("throughput", lambda work: bench_throughput(o.build, work, o.documents)),
        ("latency", lambda work: bench_latency(o.build, work, 6000, 360, 100)),
    ]
    if o.files:
        parts.append(("files", lambda work: bench_files(o.build, work, o.files)))
    for name, part in parts:
        if o.only in (None, name):
            work = tempfile.mkdtemp(prefix="millrace-bench-", dir="/var/tmp")
            os.chmod(work, 0o755)  # as root, the database runs as another user
            try:
                part(work)
            finally:
                shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
