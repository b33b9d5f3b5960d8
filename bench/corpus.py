"""What Millrace makes of a folder of real documents.

ready   runs all files through a node: per format how many ended `ready`, and every failure with its sentence.
recall  reads each file that has a reference in bench/corpus_references.tsv by `millrace extract` and compares words
        (bench/words.py): the share of the reference's that we have (recall), and of ours that are the reference's
        (precision, to notice text that comes twice). Averages are over files, each with the same weight.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/support"))

from millrace_node import Node  # noqa: E402
from words import recall_and_precision, reference_words, words_of  # noqa: E402

PROCESSES = 2
EXTRACT_SECONDS = 900
READY_WANTED = 97  # percent
RECALL_WANTED = {"csv": 0.95, "docx": 0.95, "epub": 0.95, "html": 0.95, "md": 0.95, "odf": 0.95, "pdf": 0.93, "pptx": 0.95,
                 "xlsx": 0.95}
FAMILIES = {"odt": "odf", "ods": "odf", "odp": "odf", "xlsm": "xlsx", "htm": "html", "jpg": "image", "png": "image",
            "tif": "image", "tiff": "image", "webp": "image"}
WORST_FILES = 5
WORDS_SHOWN = 40


def read_table(name):
    with open(os.path.join(ROOT, "bench", name), encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]


def format_of(path):
    suffix = os.path.splitext(path)[1].lstrip(".").lower()
    return FAMILIES.get(suffix, suffix or "-")


def documents_of(corpus):
    """Every file but the references, relative to the corpus."""
    found = []
    for folder, folders, names in os.walk(corpus):
        folders[:] = sorted(f for f in folders if f != "groundtruth")
        found += [os.path.relpath(os.path.join(folder, name), corpus) for name in names]
    return sorted(found)


# ---- ready ----

def print_ready(o):
    documents = [d for d in documents_of(o.corpus) if chosen(o, d)]
    cannot_count = dict(read_table("corpus_expectations.tsv"))
    outcomes, seconds, mib = run_documents(o, documents)
    per_format = collections.defaultdict(collections.Counter)
    for document in documents:
        status, code, _ = outcomes[document]
        per_format[format_of(document)][code or status] += 1
    print(f"ready: {len(documents)} files in {seconds:.1f} s; the node's VmHWM {mib:.0f} MiB (under 200 wanted)")
    print("  format   files  ready  failed by code")
    for name, codes in sorted(per_format.items()):
        failed = ", ".join(f"{code} {n}" for code, n in codes.most_common() if code != "ready")
        print(f"  {name:<8} {codes.total():5}  {codes['ready']:5}  {failed}")
    for document in documents:
        status, code, sentence = outcomes[document]
        if status != "ready":
            why = f"  [cannot count: {cannot_count[document]}]" if document in cannot_count else ""
            print(f"  {code} {document}: {sentence}{why}")
    counted = [d for d in documents if d not in cannot_count]
    ready = sum(outcomes[d][0] == "ready" for d in counted)
    print(f"  of {len(counted)} that are not broken or encrypted on purpose, ready {ready} ="
          f" {100 * ready / max(1, len(counted)):.1f} %   (at least {READY_WANTED} wanted)")


def run_documents(o, documents):
    """{document: (status, code, sentence)}, seconds, and the node's peak memory in MiB."""
    work = tempfile.mkdtemp(prefix="millrace-corpus-", dir="/var/tmp")
    os.chmod(work, 0o755)  # as root, the database runs as another user
    try:
        node = Node(o.build, work, "")
        try:
            _, seconds = node.run("corpus", [os.path.join(o.corpus, d) for d in documents])
            rows = node.sql("SELECT uri, status, coalesce(error_code, ''),"
                            " translate(coalesce(error_message, ''), E'\\n\\r', '  ') FROM documents_v1")
            mib = node.memory_mib()
        finally:
            node.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    outcomes = {}
    for uri, *outcome in rows:
        path = os.fsdecode(urllib.parse.unquote_to_bytes(uri.removeprefix("file://")))
        outcomes[os.path.relpath(path, o.corpus)] = outcome
    return outcomes, seconds, mib


# ---- recall ----

def print_recall(o):
    table = [(row + [""])[:3] for row in read_table("corpus_references.tsv")]
    rows = [(s, r) for s, r, why in table if not why and chosen(o, s) and os.path.exists(os.path.join(o.corpus, s))]
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        measured = list(pool.map(lambda row: compare(o, *row), rows))
    print("recall: share of the reference's words, averages over files")
    print("  format   files  recall  wanted  precision")
    per_format = collections.defaultdict(list)
    for m in measured:
        per_format[m.family].append(m)
    for name, files in sorted(per_format.items()):
        read = [m.precision for m in files if not m.failure]
        precision = f"{sum(read) / len(read):9.3f}" if read else "        -"
        print(f"  {name:<8} {len(files):5}  {sum(m.recall for m in files) / len(files):6.3f}"
              f"  {RECALL_WANTED.get(name, 0):6.2f}  {precision}")
    for files in per_format.values():
        worst = sorted(files, key=lambda m: m.recall)[: None if o.all else WORST_FILES]
        for m in worst:
            if o.all or m.recall < 1 or m.precision < 1:
                print_file(o, m)
    for source, reference, why in table:
        if why and not o.format and not o.names:
            print(f"  does not count: {source if source != '-' else reference}: {why}")
    print_unlisted(o, table)


Measured = collections.namedtuple("Measured", "family source recall precision failure missing extra")


def compare(o, source, reference):
    with open(os.path.join(o.corpus, reference), encoding="utf-8") as f:
        wanted = reference_words(f.read())
    text, failure = text_of(o, os.path.join(o.corpus, source))
    ours = words_of(text)
    recall, precision = recall_and_precision(wanted, ours) if not failure else (0.0, 0.0)
    # docling/FORMAT/…: the folder names the family of the reference's maker.
    return Measured(source.split("/")[1], source, recall, precision, failure, wanted - ours, ours - wanted)


def text_of(o, path):
    """The texts of a file's elements, or why there are none."""
    command = [os.path.join(o.build, "app/millrace"), "extract", "--json", path]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=EXTRACT_SECONDS)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {EXTRACT_SECONDS} s"
    if done.returncode != 0:
        return "", done.stderr.decode(errors="replace").strip().removeprefix(f"millrace: {path}: ")
    return "\n".join(e["text"] for e in json.loads(done.stdout)["elements"]), ""


def print_file(o, m):
    if m.failure:
        print(f"  {m.recall:.3f}         {m.source}: {m.failure}")
        return
    print(f"  {m.recall:.3f} {m.precision:7.3f} {m.source}")
    if o.words:
        for sign, words in ("missing", m.missing), ("extra", m.extra):
            if words:
                print(f"    {sign}: " + " ".join(f"{w}×{n}" if n > 1 else w for w, n in words.most_common(WORDS_SHOWN)))


def print_unlisted(o, table):
    listed = [reference for _, reference, _ in table]
    for folder, _, names in os.walk(o.corpus):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), o.corpus)
            if "/groundtruth/" in path and name.endswith(".md") and not any(fnmatch.fnmatchcase(path, p) for p in listed):
                print(f"  no row in bench/corpus_references.tsv: {path}")


def chosen(o, path):
    return (not o.format or o.format in (format_of(path), *path.split("/")[1:2])) and (
        not o.names or any(name in path for name in o.names))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("corpus", nargs="?", default="", help="default: $MILLRACE_CORPUS")
    options.add_argument("names", nargs="*", help="only files whose path contains one of these")
    options.add_argument("--build", default="build/release", help="where app/millrace is")
    options.add_argument("--format", help="only this format (docx, pdf, ...)")
    options.add_argument("--only", choices=["ready", "recall"])
    options.add_argument("--all", action="store_true", help="list every compared file, not the worst of each format")
    options.add_argument("--words", action="store_true", help="show the words that are missing and extra")
    o = options.parse_args()
    o.corpus = o.corpus or os.environ.get("MILLRACE_CORPUS", "")
    if not os.path.isdir(o.corpus):
        options.error("name a folder of documents, as argument or in MILLRACE_CORPUS")
    o.corpus = os.path.abspath(o.corpus)
    for name, part in ("ready", print_ready), ("recall", print_recall):
        if o.only in (None, name):
            part(o)


if __name__ == "__main__":
    main()
