#!/usr/bin/env python3
"""Makes every sample document in this folder; README.md says what each must become.

Only Python's standard library and, for the encrypted PDF, qpdf. The same bytes come out of every run:
    python3 make_samples.py
"""

import base64
import gzip
import io
import json
import os
import random
import struct
import subprocess
import tarfile
import zipfile
import zlib

from samples_open import make_open_formats
import samples_text
from samples_legacy import make_legacy
from samples_office import make_office
from sample_texts import (
    BEES_LEFT, BEES_RIGHT, BOOKKEEPING, BREAD, CANAL, CLOCKS_RUSSIAN, GAUGES, HARVEST, LEDGER,
    LIGHTHOUSE, MARKET, MILL_END, MILL_NOTE, MILL_STONES, MILL_TASKS, MILL_WHEEL, MINUTES,
    PRINTING_FRENCH, PUMP_LOG, RIVERS, TIDES, WEATHER)

import samples_images

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = (2024, 1, 1, 0, 0, 0)


def write(name, data):
    if isinstance(data, str):
        data = data.encode("utf-8")
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)
    return data


def make_zip(parts):
    """A ZIP file with fixed times, so that its bytes never change."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def make_png(width, height, color):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes(color) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9))
            + chunk(b"IEND", b""))


# --- PDF ------------------------------------------------------------------------------------------------------

def make_pdf(objects, info=None):
    """Objects by number from 1; object 1 is the catalog. Writes header, body, cross-reference table, trailer."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<< /Size %d /Root 1 0 R" % (len(objects) + 1)
    if info:
        out += b" /Info %d 0 R" % info
    out += b" >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def stream(data, extra=b""):
    return b"<< /Length %d%s >>\nstream\n" % (len(data), extra) + data + b"\nendstream"


def escape(text):
    return text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def wrap(text, width):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return lines + [line]


def text_lines(x, y, size, lines):
    """One text object; each line lies 1.2 times the size below the last."""
    out = b"BT /F1 %d Tf %d TL %d %d Td\n" % (size, round(size * 1.2), x, y)
    for line in lines:
        out += b"(" + escape(line) + b") Tj T*\n"
    return out + b"ET\n"


def page_of_prose(heading, paragraphs):
    out = text_lines(72, 770, 18, [heading])
    y = 730
    for paragraph in paragraphs:
        lines = wrap(paragraph, 84)
        out += text_lines(72, y, 11, lines)
        y -= 13 * len(lines) + 14
    return out


def pdf_document(pages, title=None, outline=()):
    """Pages are content streams; the outline is a list of (title, page index)."""
    count = len(pages)
    first_page, first_outline = 4, 4 + 2 * count
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R" + (b" /Outlines %d 0 R" % first_outline if outline else b"") + b" >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
            count, b" ".join(b"%d 0 R" % (first_page + 2 * i) for i in range(count))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, content in enumerate(pages):
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
                       b" /Resources << /Font << /F1 3 0 R >> >> >>" % (first_page + 2 * i + 1))
        objects.append(stream(content))
    if outline:
        last = first_outline + len(outline)
        objects.append(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % (
            first_outline + 1, last, len(outline)))
        for i, (text, page) in enumerate(outline):
            number = first_outline + 1 + i
            links = (b" /Prev %d 0 R" % (number - 1) if i else b"") + (b" /Next %d 0 R" % (number + 1)
                                                                       if number < last else b"")
            objects.append(b"<< /Title (%s) /Parent %d 0 R /Dest [%d 0 R /Fit]%s >>" % (
                escape(text), first_outline, first_page + 2 * page, links))
    info = None
    if title:
        objects.append(b"<< /Title (%s) >>" % escape(title))
        info = len(objects)
    return make_pdf(objects, info)


def scanned_pdf():
    """A page that is one grey image."""
    width, height = 60, 80
    pixels = zlib.compress(b"".join(bytes((200 + (x * y) % 40,)) for y in range(height) for x in range(width)), 9)
    image = stream(pixels, b" /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray"
                           b" /BitsPerComponent 8 /Filter /FlateDecode" % (width, height))
    return make_pdf([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /XObject << /Im1 5 0 R >> >> >>",
        stream(b"q 595 0 0 842 0 0 cm /Im1 Do Q"),
        image,
    ])


def make_pdfs():
    canal = pdf_document([page_of_prose(heading, paragraphs) for heading, paragraphs in CANAL],
                         title="How a canal lock works",
                         outline=[(heading, page) for page, (heading, _) in enumerate(CANAL)])
    write("canal-locks.pdf", canal)
    left, right = wrap(BEES_LEFT, 40), wrap(BEES_RIGHT, 40)
    write("beekeeping-two-columns.pdf", pdf_document([
        text_lines(60, 770, 20, ["A year with the bees"]) + text_lines(60, 730, 11, left)
        + text_lines(320, 730, 11, right)], title="A year with the bees"))
    write("scanned-page.pdf", scanned_pdf())
    write("truncated.pdf", canal[:300])
    samples_images.make(write, make_pdf, stream, page_of_prose, canal)
    plain = write("password.pdf", canal)
    path = os.path.join(HERE, "password.pdf")
    source = path + ".tmp"
    with open(source, "wb") as file:
        file.write(plain)
    # RC4 without random parts: the file is to be the same each time, not safe.
    subprocess.run(["qpdf", "--static-id", "--allow-weak-crypto", "--encrypt", "sesame", "sesame", "128",
                    "--use-aes=n", "--", source, path], check=True)
    os.remove(source)


# --- DOCX -----------------------------------------------------------------------------------------------------

W = ('xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
     'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
     'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
     'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
     'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
     'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
     'xmlns:v="urn:schemas-microsoft-com:vml" '
     'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"')
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def text_run(text, properties=""):
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(content, style=None, extra=""):
    if not content.startswith("<"):
        content = text_run(content)
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{extra}</w:pPr>{content}</w:p>"


def list_item(text, level):
    return paragraph(text, extra=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')


def cell(content, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content if content.startswith('<') else paragraph(content)}</w:tc>"


def table(*rows):
    return "<w:tbl>" + "".join(f"<w:tr>{''.join(row)}</w:tr>" for row in rows) + "</w:tbl>"


def docx(body, styles, more=(), relationships=(), title=None):
    """`relationships` is a list of (identifier, kind, target); `more` a list of (part, bytes)."""
    def rels(entries):
        return (XML + f'<Relationships xmlns="{PACKAGE}/relationships">' + "".join(
            f'<Relationship Id="{i}" Type="{kind}" Target="{target}"/>' for i, kind, target in entries)
            + "</Relationships>")

    office = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    types = (XML + f'<Types xmlns="{PACKAGE}/content-types">'
             '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
             '<Default Extension="xml" ContentType="application/xml"/>'
             '<Default Extension="png" ContentType="image/png"/>'
             f'<Override PartName="/word/document.xml" ContentType="{office}.document.main+xml"/></Types>')
    top = [("rId1", f"{RELATIONSHIPS}/officeDocument", "word/document.xml")]
    parts = [("[Content_Types].xml", types)]
    if title:
        top.append(("rId2", f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"))
        parts.append(("docProps/core.xml", XML + f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
                      f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></cp:coreProperties>'))
    inner = [("rId1", f"{RELATIONSHIPS}/styles", "styles.xml")]
    inner += [(i, f"{RELATIONSHIPS}/{kind}", target) for i, kind, target in relationships]
    parts += [("_rels/.rels", rels(top)), ("word/_rels/document.xml.rels", rels(inner)),
              ("word/styles.xml", XML + f"<w:styles {W}>{styles}</w:styles>"),
              ("word/document.xml", XML + f"<w:document {W}><w:body>{body}</w:body></w:document>")]
    return make_zip(parts + list(more))


def style(identifier, name, based_on=None, properties=""):
    based = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return (f'<w:style w:type="paragraph" w:styleId="{identifier}"><w:name w:val="{name}"/>{based}'
            f"<w:pPr>{properties}</w:pPr></w:style>")


ENGLISH_STYLES = (style("Title", "Title") + style("Heading1", "heading 1", properties='<w:outlineLvl w:val="0"/>')
                  + style("Heading2", "heading 2", properties='<w:outlineLvl w:val="1"/>')
                  + style("Chapter", "Chapter", based_on="Heading1"))


def picture(identifier, description):
    return (f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="{description}"/><a:graphic>'
            f'<a:graphicData><pic:pic><pic:blipFill><a:blip r:embed="{identifier}"/></pic:blipFill></pic:pic>'
            "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>")


def text_box(text):
    inner = f"<w:txbxContent>{paragraph(text)}</w:txbxContent>"
    return ('<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:wsp><wps:txbx>' + inner
            + "</wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>" + inner
            + "</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>")


def mill_docx():
    body = paragraph("Restoring the Lower Mill", "Title")
    body += paragraph("The wheel", "Heading1")
    body += paragraph(text_run(MILL_WHEEL) + '<w:r><w:footnoteReference w:id="2"/></w:r>')
    body += paragraph(picture("rId7", "The oak wheel before the restoration"))
    body += paragraph("What has to be done", "Heading2")
    body += "".join(list_item(text, level) for text, level in MILL_TASKS)
    body += paragraph('<w:r><w:br w:type="page"/></w:r>' + text_run(MILL_STONES))
    body += paragraph("Costs", "Chapter")
    body += table(
        [cell("Work"), cell("Craft"), cell("Price in pounds")],
        [cell("New floats of elm", '<w:vMerge w:val="restart"/>'), cell("Millwright"), cell("1,840")],
        [cell("", "<w:vMerge/>"), cell("Labourer"), cell("620")],
        [cell("Dressing the stones", '<w:gridSpan w:val="2"/>'), cell("1,150")])
    body += paragraph(MILL_END)
    notes = (XML + f'<w:footnotes {W}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
             f'<w:footnote w:id="2">{paragraph(MILL_NOTE)}</w:footnote></w:footnotes>')
    return docx(body, ENGLISH_STYLES, title="Restoring the Lower Mill",
                more=[("word/footnotes.xml", notes), ("word/media/wheel.png", make_png(32, 20, (120, 90, 60)))],
                relationships=[("rId7", "image", "media/wheel.png"), ("rId8", "footnotes", "footnotes.xml")])


def german_docx():
    styles = style("berschrift1", "Überschrift 1") + style("berschrift2", "Überschrift 2")
    body = paragraph("Protokoll der Gemeinderatssitzung", "berschrift1")
    body += paragraph(text_run(MINUTES[0])
                      + '<w:del w:id="1" w:author="K"><w:r><w:delText>Dieser Satz wurde gestrichen.</w:delText></w:r>'
                        "</w:del>" + '<w:ins w:id="2" w:author="K">' + text_run(" Der Antrag wurde angenommen.")
                      + "</w:ins>" + text_box("Nächste Sitzung: 14. März im Rathaus"))
    body += paragraph("Beschlüsse", "berschrift2")
    body += paragraph(MINUTES[1])
    body += paragraph(text_run("geheimer Vermerk", "<w:rPr><w:vanish/></w:rPr>") + text_run(MINUTES[2]))
    return docx(body, styles)


def encrypted_office():
    """A compound file (MS-CFB) whose directory names an EncryptedPackage, as Office writes for a password."""
    def entry(name, kind):
        encoded = (name + "\0").encode("utf-16-le")
        return encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1) + b"\xff" * 12 + bytes(48)

    header = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
              + bytes(10) + struct.pack("<IIIIIIIII", 1, 1, 0, 0x1000, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0))
    header = header.ljust(512, b"\xff")
    allocation = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE).ljust(512, b"\xff")
    directory = entry("Root Entry", 5) + entry("EncryptionInfo", 2) + entry("EncryptedPackage", 2) + bytes(128)
    return header + allocation + directory


def make_docx_files():
    mill = write("lower-mill.docx", mill_docx())
    write("minutes-german.docx", german_docx())
    write("truncated.docx", mill[: len(mill) * 2 // 3])
    write("photos-named.docx", make_zip([("holiday/one.txt", "Not a document."), ("holiday/two.txt", "Nor this.")]))
    write("password.docx", encrypted_office())
    write("bomb.docx", make_zip([
        ("[Content_Types].xml", '<Types><Override ContentType="application/vnd.openxmlformats-officedocument.'
                                'wordprocessingml.document.main+xml"/></Types>'),
        ("word/document.xml", "<w:document><w:body>" + " " * (40 << 20) + "</w:body></w:document>")]))


# --- The rest -------------------------------------------------------------------------------------------------

def make_texts():
    write("rivers.txt", RIVERS)
    write("weather-utf16le.txt", b"\xff\xfe" + WEATHER.replace("\n", "\r\n").encode("utf-16-le"))
    write("weather-utf16be-without-mark.txt", WEATHER.encode("utf-16-be"))
    write("printing-latin1.txt", PRINTING_FRENCH.encode("latin-1"))
    write("clocks-koi8r.txt", CLOCKS_RUSSIAN.encode("koi8-r"))
    write("pumping-station.log", PUMP_LOG)
    write("empty.txt", "")
    write("blank.txt", " \n\t\n   \r\n")
    write("bookkeeping.md", BOOKKEEPING)
    png = base64.b64encode(make_png(4, 3, (200, 180, 40))).decode()
    write("bread.md", BREAD.replace("PNG_DATA", png))
    write("lighthouse.html", LIGHTHOUSE.replace("PNG_DATA", png))
    write("tides-latin1.html", TIDES.encode("latin-1"))
    write("market-prices.html", MARKET)
    write("deeply-nested.html", "<html><body>" + "<div>" * 600 + "<p>Text at the bottom of a deep well.</p>"
          + "</div>" * 600 + "</body></html>")
    write("page-named.txt", "<!DOCTYPE html><html><head><title>Named wrongly</title></head><body><h1>Ferries</h1>"
                            "<p>The ferry crosses the estuary every twenty minutes while the tide allows.</p></body></html>")


def make_tables():
    write("river-gauges.csv", GAUGES)
    write("ledger-semicolon.csv", LEDGER.encode("cp1252"))
    write("harvest.tsv", HARVEST)
    rows = ["station,month,rain_mm,mean_temperature_c"]
    rows += [f"Station {1 + i // 12},{1 + i % 12},{(i * 37) % 140},{(i * 7) % 23}" for i in range(450)]
    write("rainfall-long.csv", "\n".join(rows) + "\n")


def make_refused():
    write("garbage.bin", random.Random(7).randbytes(3000))
    write("picture.png", make_png(64, 48, (30, 90, 160)))
    write("archive.zip", make_zip([("a.txt", "A file in an archive.")]))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 21
        archive.addfile(info, io.BytesIO(b"A file in an archive."))
    write("archive.tar", out.getvalue())
    write("archive.tar.gz", gzip.compress(out.getvalue(), mtime=0))
    write("gauges.json", json.dumps([{"gauge": "Upper Weir", "level_cm": 142}, {"gauge": "Town Bridge", "level_cm": 97}]))
    write("events.jsonl", '{"at": "06:00", "what": "sluice opened"}\n{"at": "07:30", "what": "sluice closed"}\n')
    write("feed.xml", '<?xml version="1.0"?>\n<feed><entry>Water is rising.</entry></feed>\n')
    write("invitation.eml", "From: miller@example.org\nTo: friends@example.org\nSubject: Open day\n"
                            "Date: Sat, 4 May 2024 10:00:00 +0000\nMessage-ID: <1@example.org>\n\nCome and see the mill.\n")
    write("notes.rst", "The sluice\n==========\n\n.. note:: Keep the gate closed in winter.\n\nSee :ref:`gates`.\n")


if __name__ == "__main__":
    make_texts()
    make_tables()
    make_pdfs()
    make_docx_files()
    make_refused()
    make_open_formats(write, make_zip, make_png)
    samples_text.make_all(write, mill_docx(), make_zip([("a.txt", "A file in an archive.")]), make_png(16, 12, (90, 60, 30)))
    make_office(write, make_zip, make_png)
    make_legacy(write)
