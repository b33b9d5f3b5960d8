"""Documents made of pronounceable words: the same seed gives the same bytes."""
import html
import os
import random

SMALLEST_BYTES, LARGEST_BYTES = 512, 20 * 1024


def vocabulary(rng):
    syllables = [c + v for c in "bcdfghklmnprstvw" for v in ("a", "e", "i", "o", "u", "ar", "en", "is", "on", "ul")]
    return ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(8000)]


def sentence(rng, words):
    return " ".join(rng.choice(words) for _ in range(rng.randint(6, 16))).capitalize() + "."


def path_of(folder, number, suffix):
    part = os.path.join(folder, f"{number // 1000:03d}")
    os.makedirs(part, exist_ok=True)
    return os.path.join(part, f"{number:06d}{suffix}")


def write_texts(folder, count, size, seed):
    """`count` text files of about `size` bytes."""
    rng = random.Random(seed)
    words = vocabulary(rng)
    for i in range(count):
        sentences, length = [], 0
        while length < size:
            sentences.append(sentence(rng, words))
            length += len(sentences[-1]) + 1
        with open(path_of(folder, i, ".txt"), "w") as f:
            f.write(" ".join(sentences)[:size] + "\n")


def paragraphs(rng, sentences, size):
    """Paragraphs of about `size` bytes together."""
    length = 0
    while length < size:
        paragraph = " ".join(rng.choices(sentences, k=rng.randint(2, 8)))[: size - length]
        length += len(paragraph) + 1
        yield paragraph


def plain_text(rng, sentences, size):
    return "\n\n".join(paragraphs(rng, sentences, size))


def markdown(rng, sentences, size):
    parts = [f"# {rng.choice(sentences)[:40]}"]
    for i, paragraph in enumerate(paragraphs(rng, sentences, size - len(parts[0]))):
        heading = f"## {paragraph[:24]}\n\n" if i % 3 == 0 else ""
        parts.append(heading + (f"- {paragraph}" if i % 5 == 4 else paragraph))
    return "\n\n".join(parts)


def html_page(rng, sentences, size):
    body = "\n".join(
        (f"<h2>{html.escape(p[:24])}</h2>\n" if i % 3 == 0 else "") + f"<p>{html.escape(p)}</p>"
        for i, p in enumerate(paragraphs(rng, sentences, size))
    )
    return f"<!doctype html>\n<html><head><title>{sentences[0]}</title></head><body>\n{body}\n</body></html>\n"


def csv_table(rng, sentences, size):
    rows = ["number,place,remark,amount"]
    length = len(rows[0])
    while length < size:
        rows.append(f'{len(rows)},{rng.choice(sentences)[:12]},"{rng.choice(sentences)}",{rng.randint(1, 9999)}')
        length += len(rows[-1]) + 1
    return "\n".join(rows) + "\n"


FORMATS = {".txt": plain_text, ".md": markdown, ".html": html_page, ".csv": csv_table}


def write_mixed(folder, count, seed):
    """`count` files of all FORMATS, from half a KiB to 20 KiB of text, most of them small. Returns their bytes."""
    rng = random.Random(seed)
    words = vocabulary(rng)
    sentences = [sentence(rng, words) for _ in range(5000)]
    written = 0
    for i in range(count):
        suffix = rng.choice(list(FORMATS))
        size = int(SMALLEST_BYTES * (LARGEST_BYTES / SMALLEST_BYTES) ** rng.random())
        text = FORMATS[suffix](rng, sentences, size)
        with open(path_of(folder, i, suffix), "w") as f:
            written += f.write(text)
    return written
