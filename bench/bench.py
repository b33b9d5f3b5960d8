"""Measures a real node over its real API: throughput on small texts, and slots under remote latency.

Every part starts its own node with its own embedded PostgreSQL (default fsync) in a temporary directory, sends traffic
to loopback only, and ends what it started.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/support"))

from generated_documents import write_texts  # noqa: E402
from millrace_node import Node  # noqa: E402


def bench_throughput(build, work, documents):
    texts = os.path.join(work, "texts")
    write_texts(texts, documents, 1024, seed=1)
    node = Node(build, work, "")
    try:
        before = node.total("millrace_db_transactions_total")
        dataset, seconds = node.run("throughput", [texts])
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

        def watch(_):
            busy.append(sum(v for (n, l), v in node.metrics().items()
                            if n == "millrace_slots" and "document" in l and "idle" not in l))

        _, seconds = node.run("latency", [texts], watch)
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
        dataset, seconds = node.run("files", [folder])
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


def run_parts(parts, only):
    """(name, function of a folder) each, in a folder of its own; all, or the one that is named."""
    for name, part in parts:
        if only in (None, name):
            work = tempfile.mkdtemp(prefix="millrace-bench-", dir="/var/tmp")
            os.chmod(work, 0o755)  # as root, the database runs as another user
            try:
                part(work)
            finally:
                shutil.rmtree(work, ignore_errors=True)


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
    run_parts(parts, o.only)


if __name__ == "__main__":
    main()
