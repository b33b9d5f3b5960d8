"""Several real nodes of one cluster on this machine and their embedded PostgreSQL, for scripts."""
import json
import os
import subprocess
import urllib.request

from millrace_node import DRAIN_SECONDS, LONGEST_WAIT_SECONDS, SEPARATOR, file_uri, free_ports, wait_until


class Cluster:
    """Nodes with a data directory of their own, below `work`; ended by stop()."""

    def __init__(self, build, work, names, settings, longest_wait=LONGEST_WAIT_SECONDS):
        self.millrace = os.path.join(build, "app/millrace")
        self.work = work
        self.longest_wait = longest_wait
        self.data = os.path.join(work, "data")
        self.config = os.path.join(work, "cluster.toml")
        ports = iter(free_ports(2 * len(names)))
        self.api = {name: next(ports) for name in names}
        self.processes = {}
        nodes = "".join(
            f'[[node]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {next(ports)}\napi = "127.0.0.1:{port}"\n'
            for name, port in self.api.items()
        )
        with open(self.config, "w") as f:
            f.write(
                f'[cluster]\nname = "bench"\n[database]\nurl = "embedded:{self.data}"\n'
                f'[api]\nlisten = "127.0.0.1:0"\n[sources]\nshared = true\nallow = ["file:///"]\n[log]\nlevel = "warn"\n'
                f"[credits]\ninitial_grant = 100000000\n{settings}{nodes}"
            )
        try:
            self.start(names[0])
            # The database stays as long as somebody holds it, whichever node is killed.
            self.keeper = self.psql_process()
            for name in names[1:]:
                self.start(name)
        except BaseException:
            self.stop()
            raise

    def launch(self, name, *more):
        with open(os.path.join(self.work, f"{name}.log"), "a") as log:
            self.processes[name] = subprocess.Popen(
                [self.millrace, "node", "--config", self.config, "--name", name, *more], stderr=log, start_new_session=True
            )

    def start(self, name):
        self.launch(name)
        self.until(lambda: self.get(name, "/readyz")["ready"], f"node {name} is ready")

    def launch_newcomer(self, name):
        """One that is not in the file."""
        self.launch(name, "--listen", f"127.0.0.1:{free_ports(1)[0]}")

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def drain(self, name):
        process = self.processes.pop(name)
        process.terminate()
        process.wait(DRAIN_SECONDS)

    def request(self, name, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api[name]}{path}", data=data, timeout=600) as answer:
            return answer.read().decode()

    def get(self, name, path):
        return json.loads(self.request(name, path))

    def submit(self, name, dataset, folder):
        self.request(name, "/v1/datasets", {"name": dataset, "uris": [file_uri(folder)]})

    def until_ended(self, dataset):
        self.until(
            lambda: self.sql(f"select status from datasets where name = '{dataset}'") not in ([], [["processing"]]),
            f"dataset {dataset} has ended",
        )

    def until(self, condition, what):
        def check():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    with open(os.path.join(self.work, f"{name}.log")) as log:
                        raise SystemExit(f"node {name} ended (exit {process.returncode}) before {what}:\n{log.read()[-2000:]}")

        return wait_until(condition, what, self.longest_wait, check)

    def psql_process(self):
        return subprocess.Popen(
            [self.millrace, "db", "psql", "--data", self.data, "--", "-XAtq", "-F", SEPARATOR, "-v", "ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )

    def sql(self, statement):
        """The rows of a statement, each a list of texts; by one connection for all."""
        end = "-- end --"
        self.keeper.stdin.write(statement + ";\n\\echo '" + end + "'\n")
        self.keeper.stdin.flush()
        rows = []
        for line in self.keeper.stdout:
            if line.rstrip("\n") == end:
                return rows
            rows.append(line.rstrip("\n").split(SEPARATOR))
        raise SystemExit(f"psql ended at: {statement}")

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(DRAIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = {}
        if hasattr(self, "keeper"):
            self.keeper.stdin.close()
            self.keeper.wait(DRAIN_SECONDS)
