"""Millrace beside what users would take instead, on the same files in the same run.

Parts: pdf (poppler-cpp alone, pdftotext a file a process, Millrace from queue to committed vectors with images off),
isolation (the same parsing in-process and in processes of its own), ocr (the tesseract command against Millrace). All
use both cores (--workers). Peers alternate, and each figure is the median of --rounds; ratios are medians of the rounds'
ratios. On a busy machine compare CPU seconds: user and system, of the whole tree of processes.
"""
import argparse
import concurrent.futures
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/support"))

from millrace_node import Node  # noqa: E402

IMAGES_OFF = "[images]\nenabled = false\n"
PIPELINE_WANTED = 0.8  # of poppler-cpp's pages/s
ISOLATION_WANTED = 5  # percent
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
TICK = os.sysconf("SC_CLK_TCK")


class Figures:
    """Wall-clock and CPU seconds of each round of one peer."""

    def __init__(self, name):
        self.name, self.seconds, self.cpu = name, [], []

    def add(self, seconds, cpu):
        self.seconds.append(seconds)
        self.cpu.append(cpu)

    def line(self, work, unit):
        seconds, cpu = statistics.median(self.seconds), statistics.median(self.cpu)
        return f"  {self.name:<44} {seconds:8.2f} s {cpu:8.2f} CPU s {work / seconds:8.0f} {unit}/s"


def median_ratio(above, below):
    return statistics.median(ratios(above, below))


def ratios(above, below):
    return [a / b for a, b in zip(above, below)]


def ratio_line(what, above, below, wanted=""):
    """The median, and all rounds beside it: where they differ much, the machine was busy and the figure says little."""
    rounds = " ".join(f"{r:.2f}" for r in ratios(above, below))
    return f"  {what:<44} {median_ratio(above, below):8.2f}   (rounds: {rounds}{wanted})"


# ---- PDF ----

def bench_pdf(o, work):
    pdfs = copies_of(o, files_of(o.files, (".pdf",)), work)
    if not pdfs:
        return print(f"pdf: skipped, {o.files} has no PDF")
    poppler, pdftotext, millrace = Figures("poppler-cpp alone"), Figures("pdftotext, a process a file"), Figures("Millrace, queue to committed vectors")
    node = Node(o.build, work, IMAGES_OFF + f"[extraction]\nprocesses = {o.workers}\n")
    try:
        for number in range(o.rounds):
            alone = poppler_alone(o, pdfs)
            poppler.add(alone["seconds"], alone["cpu_seconds"])
            if shutil.which("pdftotext"):
                pdftotext.add(*commands_in_turn(o, [["pdftotext", "-q", pdf, "/dev/null"] for pdf in pdfs]))
            before = cpu_seconds_of(node)
            dataset, seconds = node.run(f"pdf-{number}", [os.path.join(work, "files")])
            millrace.add(seconds, cpu_seconds_of(node) - before)
        peak = node.memory_mib()
    finally:
        node.stop()
    pages = alone["pages"]
    print(f"pdf: {len(pdfs)} files, {pages:.0f} pages, {o.workers} processes, images off, medians of {o.rounds}")
    print(poppler.line(pages, "pages"))
    print(pdftotext.line(pages, "pages") if pdftotext.seconds else "  pdftotext: skipped, not installed (poppler-utils)")
    print(millrace.line(pages, "pages"))
    print(f"  Millrace: {dataset['ready']} ready, {dataset['failed']} failed, {dataset['chunks']} chunks; VmHWM of the node {peak:.0f} MiB")
    print(ratio_line("pages/s of Millrace to poppler-cpp", poppler.seconds, millrace.seconds, f"; at least {PIPELINE_WANTED} wanted"))
    print(ratio_line("the same by CPU seconds", poppler.cpu, millrace.cpu))


def poppler_alone(o, pdfs):
    return next(measured([os.path.join(o.build, "bench/poppler_bench"), "--workers", str(o.workers)], pdfs))[1]


# ---- isolation ----

def bench_isolation(o, work):
    files = copies_of(o, files_of(o.files, (".pdf",)), work)
    command = [os.path.join(o.build, "bench/isolation_bench"), "--workers", str(o.workers), "--rounds", str(o.rounds),
               "--extractor", os.path.join(o.build, "app/millrace-extractor")]
    figures = {"in_process": Figures("parsed in-process"), "isolated": Figures("parsed in processes of their own")}
    for name, values in measured(command, files):
        figures[name].add(values["seconds"], values["cpu_seconds"])
    here, isolated = figures["in_process"], figures["isolated"]
    print(f"isolation: {len(files)} PDFs, {values['pages']:.0f} pages, {o.workers} processes, medians of {o.rounds}")
    print(here.line(values["pages"], "pages"))
    print(isolated.line(values["pages"], "pages"))
    print(f"  the isolation costs {100 * (median_ratio(isolated.seconds, here.seconds) - 1):+.1f} % of time,"
          f" {100 * (median_ratio(isolated.cpu, here.cpu) - 1):+.1f} % of CPU time   (at most {ISOLATION_WANTED} wanted)")


# ---- OCR ----

def bench_ocr(o, work):
    images = files_of(o.files, IMAGE_SUFFIXES)
    if not images:
        return print(f"ocr: skipped, {o.files} has no images")
    if not shutil.which("tesseract"):
        return print("ocr: skipped, the tesseract command is not installed (tesseract-ocr)")
    probe = subprocess.run([os.path.join(o.build, "app/millrace"), "extract", images[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        return print(f"ocr: skipped, this build reads no images ({probe.stderr.strip()})")
    images = copies_of(o, images, work)
    tesseract, millrace = Figures("tesseract, a process an image, a thread each"), Figures("Millrace, queue to committed vectors")
    node = Node(o.build, work, f"[extraction]\nprocesses = {o.workers}\n")
    try:
        for number in range(o.rounds):
            tesseract.add(*commands_in_turn(o, [["tesseract", image, "-"] for image in images]))
            before = cpu_seconds_of(node)
            # A dataset reads identical images once, so each round has a dataset of its own.
            dataset, seconds = node.run(f"ocr-{number}", [os.path.join(work, "files")])
            millrace.add(seconds, cpu_seconds_of(node) - before)
    finally:
        node.stop()
    print(f"ocr: {len(images)} images, {o.workers} processes, medians of {o.rounds}")
    print(tesseract.line(len(images), "images"))
    print(millrace.line(len(images), "images"))
    print(f"  Millrace: {dataset['ready']} ready, {dataset['failed']} failed, {dataset['chunks']} chunks")
    print(ratio_line("images/s of Millrace to tesseract", tesseract.seconds, millrace.seconds))
    print(ratio_line("the same by CPU seconds", tesseract.cpu, millrace.cpu))


# ---- what all parts use ----

def files_of(folder, suffixes):
    found = [os.path.join(f, name) for f, _, names in os.walk(folder) for name in names if name.lower().endswith(suffixes)]
    return sorted(found)


def copies_of(o, files, work):
    """--repeat copies of each file in work/files, so that one large file at the end does not decide the figure."""
    copies = []
    for number in range(o.repeat):
        folder = os.path.join(work, "files", str(number))
        os.makedirs(folder)
        for index, path in enumerate(files):
            copies.append(shutil.copyfile(path, os.path.join(folder, f"{index:06d}{os.path.splitext(path)[1]}")))
    return copies


def measured(command, paths):
    """The lines of a bench program: (name, {key: value}); a line may have no name."""
    done = subprocess.run(command, input="\n".join(paths) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        words = line.split()
        name = words.pop(0) if len(words) % 2 else ""
        yield name, {key: float(value) for key, value in zip(words[::2], words[1::2])}


def commands_in_turn(o, commands):
    """Seconds and CPU seconds of commands, --workers at a time."""
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with concurrent.futures.ThreadPoolExecutor(o.workers) as pool:
        list(pool.map(lambda c: subprocess.run(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment), commands))
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def cpu_seconds_of(node):
    """User and system time of a node, its database and all processes below them, with those that have ended."""
    with open(os.path.join(node.data, "postgres/postmaster.pid")) as f:
        return cpu_seconds_of_trees([node.process.pid, int(f.readline())])


def cpu_seconds_of_trees(roots):
    children, ticks = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            children.setdefault(int(fields[1]), []).append(int(name))
            ticks[int(name)] = sum(int(t) for t in fields[11:15])
    total, below = 0, list(roots)
    while below:
        process = below.pop()
        total += ticks.get(process, 0)
        below += children.get(process, [])
    return total / TICK


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", nargs="?", default="", help="a folder; default: $MILLRACE_CORPUS")
    options.add_argument("--build", default="build/release")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--repeat", type=int, default=2, help="copies of each file (2)")
    options.add_argument("--workers", type=int, default=2, help="processes of every peer (2)")
    options.add_argument("--only", choices=["pdf", "isolation", "ocr"])
    o = options.parse_args()
    o.files = o.files or os.environ.get("MILLRACE_CORPUS", "")
    if not os.path.isdir(o.files):
        options.error("name a folder of documents, as argument or in MILLRACE_CORPUS")
    for name, part in ("pdf", bench_pdf), ("isolation", bench_isolation), ("ocr", bench_ocr):
        if o.only in (None, name):
            work = tempfile.mkdtemp(prefix="millrace-peers-", dir="/var/tmp")
            os.chmod(work, 0o755)  # as root, the database runs as another user
            try:
                part(o, work)
            finally:
                shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
