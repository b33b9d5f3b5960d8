"""Documents of Office 97-2003: a Word document and a PowerPoint presentation, each in an OLE compound file, and such a
file as Excel's, which is refused. Only what readers need; the layouts are those of MS-CFB, MS-XLS, MS-DOC and MS-PPT."""

import struct

SECTOR = 512
END_OF_CHAIN, FAT_SECTOR, FREE, NOTHING = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF, 0xFFFFFFFF


# --- Compound files ---------------------------------------------------------------------------------------------

def entry(name, kind, right, child, start, size):
    text = (name + "\0").encode("utf-16-le")
    return (text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, NOTHING, right, child)
            + bytes(36) + struct.pack("<IQ", start, size))


def compound_file(streams):
    """Streams are filled up to 4096 bytes, below which they would stand elsewhere."""
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    chains, sectors, at = [], [], 2  # behind the table of sectors and the directory, a sector each
    entries = [entry("Root Entry", 5, NOTHING, 1, END_OF_CHAIN, 0)]
    for number, name in enumerate(names, 1):
        data = streams[name].ljust(4096, b"\0")
        data += bytes(-len(data) % SECTOR)
        count = len(data) // SECTOR
        right = number + 1 if number < len(names) else NOTHING
        entries.append(entry(name, 2, right, NOTHING, at, len(data)))
        chains += [at + i + 1 for i in range(count - 1)] + [END_OF_CHAIN]
        sectors.append(data)
        at += count
    assert len(entries) <= 4 and at <= 128
    table = [FAT_SECTOR, END_OF_CHAIN] + chains
    table += [FREE] * (128 - len(table))
    header = (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
              + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, END_OF_CHAIN, 0, END_OF_CHAIN, 0)
              + struct.pack("<109I", 0, *[FREE] * 108))
    directory = b"".join(entries).ljust(SECTOR, b"\0")
    return header + struct.pack("<128I", *table) + directory + b"".join(sectors)


# --- Excel ------------------------------------------------------------------------------------------------------

def biff(kind, data=b""):
    return struct.pack("<HH", kind, len(data)) + data


def xls():
    """A workbook without sheets: it is told by its container alone."""
    begin = biff(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0x0DBB, 0x07CC, 0, 6))
    return compound_file({"Workbook": begin + biff(0x000A)})


# --- Word -------------------------------------------------------------------------------------------------------

TEXT_AT = 1024  # in the stream, behind the header
IN_TABLE = struct.pack("<HB", 0x2416, 1)
ROW_END = IN_TABLE + struct.pack("<HB", 0x2417, 1)
LIST_ITEM = struct.pack("<HB", 0x260A, 0) + struct.pack("<HH", 0x460B, 1)
HIDDEN = struct.pack("<HB", 0x083C, 1)


def doc_style(identifier, name, base):
    text = struct.pack("<H", len(name)) + (name + "\0").encode("utf-16-le")
    out = struct.pack("<HHHHH", identifier, 1 | base << 4, 2, 0, 0) + text
    out += struct.pack("<HH", 2, 0) + struct.pack("<H", 0)
    return struct.pack("<H", len(out)) + out


def doc_page(starts, properties, slot, encode):
    """A page of properties: where each run starts, what changes there. `slot`: bytes of a run's entry."""
    page = bytearray(SECTOR)
    page[0:4 * len(starts)] = struct.pack("<%dI" % len(starts), *starts)
    count, free = len(properties), SECTOR - 2
    for i, change in enumerate(properties):
        data = encode(change)
        if not data:
            continue
        free -= len(data) + len(data) % 2
        page[free:free + len(data)] = data
        page[4 * len(starts) + slot * i] = free // 2
    assert free > 4 * len(starts) + slot * count
    page[-1] = count
    return bytes(page)


def doc_paragraph_change(change):
    style, sprms = change
    data = struct.pack("<H", style) + sprms
    return bytes([len(data) // 2 + 1]) + data if len(data) % 2 else bytes([0, len(data) // 2]) + data


def doc(paragraphs, notes=(), headers=(), encrypted=False):
    """Paragraphs: text with its mark at the end, style, changes, and the changes of its characters. The first half is
    kept in bytes of code page 1252, the rest in UTF-16, as Word does where a document needs it."""
    everything = list(paragraphs) + [(t, 0, b"", b"") for t in list(notes) + list(headers)]
    half = len(paragraphs) // 2
    text, places, characters = b"", [TEXT_AT], 0
    for number, (content, *_) in enumerate(everything):
        text += content.encode("cp1252" if number < half else "utf-16-le")
        places.append(TEXT_AT + len(text))
    count = [sum(len(p[0]) for p in part) for part in (everything[:half], everything[half:])]
    split = places[half]
    pieces = struct.pack("<III", 0, count[0], sum(count))
    pieces += struct.pack("<HIH", 0, TEXT_AT * 2 | 0x40000000, 0) + struct.pack("<HIH", 0, split, 0)
    styles = [doc_style(0, "Normal", 0xFFF), doc_style(1, "heading 1", 0), doc_style(2, "heading 2", 0)]
    sheet = struct.pack("<HHHHHHHHHH", 18, len(styles), 10, 1, 0x5B, 15, 0, 0, 0, 0)
    pages_at = -(-(TEXT_AT + len(text)) // SECTOR)
    table, where = b"", {}
    for index, data in ((1, sheet + b"".join(styles)),
                        (12, struct.pack("<III", places[0], places[-1], pages_at)),
                        (13, struct.pack("<III", places[0], places[-1], pages_at + 1)),
                        (33, b"\2" + struct.pack("<I", len(pieces)) + pieces)):
        where[index] = (len(table), len(data))
        table += data
    header = struct.pack("<HHHHHHHI", 0xA5EC, 0xC1, 0, 0x409, 0, 0x1200 | (0x100 if encrypted else 0), 0xBF, 0)
    header = header.ljust(24, b"\0") + struct.pack("<II", TEXT_AT, TEXT_AT + len(text))
    header += struct.pack("<H", 14) + bytes(28) + struct.pack("<H", 22)
    lengths = [0] * 22
    lengths[3] = sum(len(p[0]) for p in paragraphs)
    lengths[4], lengths[5] = sum(map(len, notes)), sum(map(len, headers))
    header += struct.pack("<22I", *lengths) + struct.pack("<H", 93)
    for index in range(93):
        header += struct.pack("<II", *where.get(index, (0, 0)))
    stream = (header.ljust(TEXT_AT, b"\0") + text).ljust(pages_at * SECTOR, b"\0")
    stream += doc_page(places, [p[3] for p in everything], 1, lambda c: bytes([len(c)]) + c if c else b"")
    stream += doc_page(places, [(p[1], p[2]) for p in everything], 13, doc_paragraph_change)
    return compound_file({"WordDocument": stream, "1Table": table})


# --- PowerPoint -------------------------------------------------------------------------------------------------

def record(kind, data, instance=0, version=0):
    return struct.pack("<HHI", instance << 4 | version, kind, len(data)) + data


def container(kind, *children, instance=0):
    return record(kind, b"".join(children), instance, 15)


def ppt_text(kind, text):
    out = record(0x0F9F, struct.pack("<I", kind))
    if all(ord(c) < 256 for c in text):
        return out + record(0x0FA8, text.encode("latin-1"))
    return out + record(0x0FA0, text.encode("utf-16-le"))


def ppt_page(kind, atom, boxes):
    shapes = [container(0xF004, container(0xF00D, box)) for box in boxes]
    return container(kind, atom, container(0x040C, container(0xF002, container(0xF003, *shapes))))


def ppt(slides, encrypted=False):
    """Slides: texts of the outline, texts of shapes of their own, notes. The last slide's first version stays in the
    stream, as PowerPoint leaves it there after a quick save."""
    stream, places, lists, notes_list = b"", {}, b"", b""
    for number, (outline, own, notes) in enumerate(slides, 1):
        boxes = [record(0x0F9E, struct.pack("<I", i)) for i in range(len(outline))] + [ppt_text(*t) for t in own]
        atom = record(0x03EF, struct.pack("<I8xIIHH", 0, 0, number if notes else 0, 0, 0), version=2)
        places[1 + number] = len(stream)
        stream += ppt_page(0x03EE, atom, boxes)
        lists += record(0x03F3, struct.pack("<IIiII", 1 + number, 0, len(outline), 255 + number, 0))
        lists += b"".join(ppt_text(*t) for t in outline)
        if notes:
            places[100 + number] = len(stream)
            stream += ppt_page(0x03F0, b"", [ppt_text(4, "Printed on the notes' page only"), ppt_text(2, notes)])
            notes_list += record(0x03F3, struct.pack("<IIiII", 100 + number, 0, 0, number, 0))
    places[1] = len(stream)
    link = container(0x0FD7, record(0x0FBA, "the weir".encode("utf-16-le")),
                     record(0x0FBA, "https://example.org/weir".encode("utf-16-le"), 1))
    stream += container(0x03E8, container(0x0409, link), container(0x0FF0, lists),
                        container(0x0FF0, notes_list, instance=2))
    edit = 0
    for version in range(2):
        directory = b"".join(struct.pack("<II", 1 << 20 | part, at) for part, at in sorted(places.items()))
        directory_at = len(stream)
        stream += record(0x1772, directory)
        edit, before = len(stream), edit
        stream += record(0x0FF5, struct.pack("<IHBBIIIIHH", 0, 0, 0, 3, before, directory_at, 1, 200, 0, 0))
        if version == 0:
            last = max(part for part in places if part < 100)
            places = {last: len(stream)}
            stream += ppt_page(0x03EE, record(0x03EF, bytes(24), version=2), [ppt_text(0, "What was changed last")])
    user = record(0x0FF6, struct.pack("<IIIHHBBH", 20, 0xF3D1C4DF if encrypted else 0xE391C05F, edit, 0, 1012, 3, 0, 0))
    return compound_file({"PowerPoint Document": stream, "Current User": user})


# --- The samples ------------------------------------------------------------------------------------------------

def make_legacy(write):
    write("gauges.xls", xls())
    plain = [("The Weir at Long Reach\r", 1, b"", b""),
             ("The weir – built in 1788 – keeps the pound full.\x02\r", 0, b"", b""),
             ("A price that nobody may see.\r", 0, b"", HIDDEN),
             ("What is needed\r", 2, b"", b""),
             ("Oak boards\r", 0, LIST_ITEM, b""),
             ("See \x13 HYPERLINK \"https://example.org/weir\" \x14the survey\x15 of last year.\r", 0, b"", b"")]
    cells = [("Часть\x07", 0, IN_TABLE, b""), ("Price\x07", 0, IN_TABLE, b""), ("\x07", 0, ROW_END, b""),
             ("Boards\x07", 0, IN_TABLE, b""), ("620\x07", 0, IN_TABLE, b""), ("\x07", 0, ROW_END, b""),
             ("The trustees meet again in May.\r", 0, b"", b"")]
    notes = ["\x02 So says the deed.\r"]
    write("weir.doc", doc(plain + cells, notes, ["Long Reach, page 1\r"]))
    write("password.doc", doc(plain, encrypted=True))
    slides = [([(6, "The weir in winter")], [(4, "A talk for the trustees")], None),
              ([(0, "Ice"), (1, "Break it by hand\rNever from a boat – ever")], [(4, "Photographs: the keeper’s")],
               "Ask who was there in 1963."),
              ([(0, "An older last slide")], [], None)]
    write("winter.ppt", ppt(slides))
    write("password.ppt", ppt(slides, encrypted=True))
