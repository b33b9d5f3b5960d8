"""A real node with its own embedded PostgreSQL, for scripts that drive it over its API and ask its database."""
import itertools
import json
import os
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from datetime import datetime

POLL_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 900
DRAIN_SECONDS = 90
SEPARATOR = "\x1f"
FIRST_PORT = 20_000
PORTS = 12_000


_next_port = itertools.count(os.getpid() * 997)
_reserved = []


def free_port():
    return free_ports(1)[0]


def free_ports(count):
    """Different ones that are this process's, as tests/support/free_port.hpp reserves them."""
    ports = []
    for _ in range(PORTS):
        port = FIRST_PORT + next(_next_port) % PORTS
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            s.close()
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(s)
        ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no port is free")


class Node:
    """A `millrace node` with a data directory of its own, below `work`; ended by stop()."""

    def __init__(self, build, work, settings, longest_wait=LONGEST_WAIT_SECONDS):
        self.port = free_port()
        self.work = work
        self.data = os.path.join(work, "data")
        self.longest_wait = longest_wait
        self.millrace = os.path.join(build, "app/millrace")
        self.config = os.path.join(work, "node.toml")
        with open(self.config, "w") as f:
            f.write(
                f'[database]\nurl = "embedded:{self.data}"\n[api]\nlisten = "127.0.0.1:{self.port}"\n'
                f'[sources]\nallow = ["file:///"]\n[log]\nlevel = "warn"\n'
                f"[credits]\ninitial_grant = 100000000\n{settings}"
            )
        # Its own session: Ctrl-C reaches us alone, and stop() sends the one signal that drains; two would not.
        self.process = subprocess.Popen(
            [self.millrace, "node", "--config", self.config], stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            self.until(lambda: self.get("/readyz")["ready"], "the node is ready")
        except BaseException:
            self.stop()
            raise

    def request(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data=data, timeout=600) as answer:
            return answer.read().decode()

    def get(self, path):
        return json.loads(self.request(path))

    def until(self, condition, what):
        def check():
            if self.process.poll() is not None:
                raise SystemExit(f"the node ended (exit {self.process.returncode}) before {what}")

        return wait_until(condition, what, self.longest_wait, check)

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

    def sql(self, statement):
        """The rows of a statement, each a list of texts."""
        return self.psql("-c", statement)

    def sql_file(self, path):
        return self.psql("-f", path)

    def psql(self, *arguments):
        done = subprocess.run(
            [self.millrace, "db", "psql", "--data", self.data, "--",
             "-XAtq", "-F", SEPARATOR, "-v", "ON_ERROR_STOP=1", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        if done.returncode != 0:
            raise SystemExit(f"psql {' '.join(arguments)}: {done.stderr.strip()}")
        return [line.split(SEPARATOR) for line in done.stdout.splitlines()]

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024

    def run(self, name, paths, watch=lambda dataset: None):
        """Submits files and folders and waits until the last commit. Returns the dataset and the seconds until then."""
        self.request("/v1/datasets", {"name": name, "uris": [file_uri(path) for path in paths]})

        def ended():
            dataset = self.get(f"/v1/datasets/{name}")
            watch(dataset)
            return dataset if dataset["status"] != "processing" else None

        dataset = self.until(ended, f"dataset {name} has ended")
        seconds = parse_time(dataset["finished_at"]) - parse_time(dataset["created_at"])
        return dataset, seconds

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until(condition, what, longest_wait, check):
    """What `condition` finds; `check` raises where waiting is of no use any more."""
    end = time.monotonic() + longest_wait
    while time.monotonic() < end:
        check()
        try:
            found = condition()
            if found:
                return found
        except (OSError, ValueError):
            pass
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"gave up waiting until {what}")


def file_uri(path):
    return "file://" + urllib.parse.quote(os.fsencode(os.path.abspath(path)))


def parse_time(text):
    return datetime.fromisoformat(text).timestamp()
