"""Runs documents through a real node with its own database, then checks what must hold after any run.

One line a check; exit code 0 where all hold, else 1. What it started is ended and removed, also on Ctrl-C.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/support"))

from generated_documents import write_mixed  # noqa: E402
from millrace_node import Node  # noqa: E402

SIZES = {"smoke": 100, "load": 1000, "full": 21000}
DATASET = "plan"
MOST_FAILED = 0.01  # of generated documents
LOG_LINES_SHOWN = 5
SECONDS_BETWEEN_REPORTS = 10

DEDUCTIONS = f"""
select count(*), coalesce(min((t.metadata->>'documents')::bigint), 0),
       coalesce(bool_and(t.id = s.credit_transaction_id), false)
from datasets s
left join credit_transactions t on t.type = 'batch_deduction' and (t.metadata->>'dataset_id')::bigint = s.id
where s.name = '{DATASET}' and t.id is not null"""

BALANCES = """
select a.name, a.balance, coalesce(sum(t.amount), 0)
from credit_accounts a left join credit_transactions t on t.account_id = a.id
group by a.id order by a.id"""

REFUNDS = f"""
select coalesce(sum(c.refunded), 0), coalesce(sum(c.cost), 0)
from credit_charges c join datasets s on s.id = c.dataset_id where s.name = '{DATASET}'"""

CHUNKS = f"""
select (select count(*) from chunks_v1 where dataset = '{DATASET}'),
       (select coalesce(sum(chunks), 0) from documents_v1 where dataset = '{DATASET}'),
       (select chunks from datasets_v1 where dataset = '{DATASET}')"""

DOCUMENTS_WITH_GAPS = f"""
with found as (
  select document_id, count(*) as chunks, min(ordinal) as first, max(ordinal) as last from chunks group by document_id)
select count(*), min(d.uri)
from documents d
join datasets s on s.id = d.dataset_id and s.name = '{DATASET}'
left join found f on f.document_id = d.id
where coalesce(f.chunks, 0) <> d.chunks or (d.chunks > 0 and (f.first <> 0 or f.last <> d.chunks - 1))"""

LEFT_OVER = "select (select count(*) from queue_ready), (select count(*) from queue_leases)"


class Report:
    def __init__(self):
        self.broken = 0

    def check(self, holds, what):
        self.broken += not holds
        print(f"  {'ok    ' if holds else 'BROKEN'}  {what}")


def files_of(folder, most, seed):
    """Up to `most` files of a folder, the same ones for the same seed."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        paths = (os.path.join(parent, name) for name in sorted(names) if not name.startswith("."))
        found += [path for path in paths if os.path.isfile(path)]
    if not found:
        raise SystemExit(f"FILES={folder} has no files; name a folder with documents")
    return found if len(found) <= most else random.Random(seed).sample(found, most)


def reporting():
    last = time.monotonic()

    def watch(dataset):
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            print(f"  {dataset['total'] - dataset['remaining']:,} of {dataset['total']:,}", flush=True)

    return watch


def check_credits(report, node, documents, failed):
    rows = node.sql(DEDUCTIONS)
    count, paid, linked = int(rows[0][0]), int(rows[0][1]), rows[0][2] == "t"
    report.check(count == 1, f"batch deductions of the dataset: {count} (1)")
    report.check(paid == documents, f"documents it pays for: {paid:,} ({documents:,})")
    report.check(linked, "the dataset's credit_transaction_id is that deduction")
    for account, balance, total in node.sql(BALANCES):
        report.check(balance == total,
                     f"balance of `{account}`: {int(balance):,}; sum of its transactions: {int(total):,}")
    refunded, cost = (int(n) for n in node.sql(REFUNDS)[0])
    report.check(refunded == failed * cost, f"credits refunded: {refunded:,} ({failed:,} failed documents at {cost})")


def check_documents(report, node, dataset, documents, generated):
    total, ready, failed = dataset["total"], dataset["ready"], dataset["failed"]
    report.check(total == documents, f"documents of the dataset: {total:,} ({documents:,} submitted)")
    report.check(ready + failed == total, f"ready {ready:,} + failed {failed:,} = {total:,}")
    waiting, leased = (int(n) for n in node.sql(LEFT_OVER)[0])
    report.check(waiting + leased == 0, f"left in the queue: {waiting} ready, {leased} leased (0)")
    share = failed / max(total, 1)
    if generated:
        report.check(share < MOST_FAILED, f"failures: {100 * share:.2f} % (under {100 * MOST_FAILED:.0f} %)")
    else:
        print(f"          failures: {failed:,} ({100 * share:.2f} %)")
    stored, promised, counted = (int(n) for n in node.sql(CHUNKS)[0])
    report.check(stored == promised == counted,
                 f"chunks in chunks_v1: {stored:,}; by documents: {promised:,}; by progress: {counted:,}")
    gaps, example = node.sql(DOCUMENTS_WITH_GAPS)[0]
    report.check(gaps == "0", f"documents whose chunks are not 0, 1, 2, …: {gaps} (0) {example}".rstrip())


def check_database(report, node):
    shown = subprocess.run(
        [node.millrace, "config", "show", "--json", "--config", node.config],
        stdout=subprocess.PIPE, check=True, text=True,
    )
    database = json.loads(shown.stdout)["database"]
    most = database["pool_size"] + database["max_overflow"]
    peak = node.total("millrace_db_connections", 'state="peak"')
    report.check(0 < peak <= most, f"connections at the peak: {peak:.0f} (at most {most})")
    with open(os.path.join(node.data, "postgres.log"), errors="replace") as log:
        waits = [line.strip() for line in log if "still waiting for" in line or "deadlock detected" in line]
    report.check(not waits, f"lock waits over 100 ms in the server's log: {len(waits)} (0)")
    for line in waits[:LOG_LINES_SHOWN]:
        print(f"          {line[:150]}")


def print_errors(node):
    rows = node.sql_file(os.path.join(ROOT, "sql/monitoring/errors.sql"))
    for code, _, documents, dead, _, example, message in rows:
        print(f"  {code:<24} {int(documents):7,}   dead letters {dead}   {example[-60:]}: {message[:90]}")


def restore(options, work):
    """Where the node will find it. A dataset of an earlier plan makes room for this one."""
    millrace = os.path.join(options.build, "app/millrace")
    data = ["--data", os.path.join(work, "data")]
    subprocess.run([millrace, "db", "restore", options.restore, *data], check=True)
    listed = subprocess.run([millrace, "status", "--json", *data], stdout=subprocess.PIPE, check=True, text=True)
    if any(dataset["dataset"] == DATASET for dataset in json.loads(listed.stdout)["datasets"]):
        subprocess.run([millrace, "delete", DATASET, *data], check=True)


def run_plan(options, work):
    count = SIZES[options.size]
    generated = options.files is None
    if generated:
        folder = os.path.join(work, "documents")
        written = write_mixed(folder, count, options.seed)
        paths, documents = [folder], count
        print(f"{options.size}: {count:,} generated documents, {written / 2**20:.1f} MiB, seed {options.seed}",
              flush=True)
    else:
        paths = files_of(options.files, count, options.seed)
        documents = len(paths)
        print(f"{options.size}: {documents:,} documents of {options.files}, seed {options.seed}", flush=True)
    if options.restore is not None:
        restore(options, work)
    node = Node(options.build, work, "", longest_wait=options.longest_wait)
    try:
        dataset, seconds = node.run(DATASET, paths, reporting())
        report = Report()
        check_documents(report, node, dataset, documents, generated)
        check_credits(report, node, documents, dataset["failed"])
        check_database(report, node)
        print(f"  {seconds:.1f} s, {dataset['total'] / max(seconds, 0.001):,.0f} documents/s, "
              f"VmHWM of the node {node.memory_mib():.0f} MiB")
        print_errors(node)
    finally:
        node.stop()
    print(f"{options.size}: " + (f"{report.broken} checks BROKEN" if report.broken else "all checks hold"))
    return 1 if report.broken else 0


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("size", choices=SIZES)
    options.add_argument("--build", default="build/release")
    options.add_argument("--files", help="a folder of your own documents")
    options.add_argument("--restore", help="a backup: the plan runs on its database")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--longest-wait", type=float, default=6 * 3600, help="seconds until it gives up")
    o = options.parse_args()
    if not os.access(os.path.join(o.build, "app/millrace"), os.X_OK):
        raise SystemExit(f"{o.build} has no app/millrace; run `make build`")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    work = tempfile.mkdtemp(prefix="millrace-plan-", dir="/var/tmp")
    os.chmod(work, 0o755)  # as root, the database runs as another user
    try:
        return run_plan(o, work)
    except urllib.error.HTTPError as e:
        raise SystemExit(f"the node refused (HTTP {e.code}): {e.read().decode(errors='replace')[:500]}")
    except KeyboardInterrupt:
        print("interrupted; the node has been stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
