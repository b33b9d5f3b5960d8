"""Images with letters to read, and PDFs with images. Python's standard library only."""

import struct
import zlib

# Five by seven dots a letter, a row each from the top; bit 4 is the left dot.
LETTERS = {
    " ": (0, 0, 0, 0, 0, 0, 0),
    "A": (14, 17, 17, 31, 17, 17, 17), "B": (30, 17, 17, 30, 17, 17, 30), "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30), "E": (31, 16, 16, 30, 16, 16, 31), "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 15), "H": (17, 17, 17, 31, 17, 17, 17), "I": (14, 4, 4, 4, 4, 4, 14),
    "K": (17, 18, 20, 24, 20, 18, 17), "L": (16, 16, 16, 16, 16, 16, 31), "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17), "O": (14, 17, 17, 17, 17, 17, 14), "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17), "S": (15, 16, 16, 14, 1, 1, 30), "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14), "W": (17, 17, 17, 21, 21, 21, 10), "Y": (17, 17, 10, 4, 4, 4, 4),
}


def draw(lines, margin=6):
    """Rows of 0 (paper) and 1 (ink), one dot each."""
    width = 2 * margin + max(6 * len(line) for line in lines)
    rows = [[0] * width for _ in range(2 * margin + 11 * len(lines))]
    for i, line in enumerate(lines):
        for j, letter in enumerate(line):
            for y, bits in enumerate(LETTERS[letter]):
                for x in range(5):
                    rows[margin + 11 * i + y][margin + 6 * j + x] = bits >> (4 - x) & 1
    return rows


def enlarge(rows, times):
    return [[dot for dot in row for _ in range(times)] for row in rows for _ in range(times)]


def grey_rows(rows):
    return b"".join(bytes(20 if dot else 245 for dot in row) for row in rows)


def png(rows):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width = len(rows[0])
    grey = grey_rows(rows)
    lines = b"".join(b"\0" + grey[i:i + width] for i in range(0, len(grey), width))
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9))
            + chunk(b"IEND", b""))


def tiff(pages):
    """Black and white, PackBits: one directory a page."""
    def packed(rows):
        out = bytearray()
        for row in rows:
            row = row + [0] * (-len(row) % 8)
            line = bytes(sum(bit << (7 - i) for i, bit in enumerate(row[at:at + 8])) for at in range(0, len(row), 8))
            i = 0
            while i < len(line):
                run = 1
                while run < 128 and i + run < len(line) and line[i + run] == line[i]:
                    run += 1
                out += bytes((257 - run if run > 1 else 0, line[i]))
                i += run
        return bytes(out)

    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for rows in pages:
        data = packed(rows)
        place = len(out)
        out += data + b"\0" * (len(data) % 2)
        struct.pack_into("<I", out, link, len(out))
        tags = [(256, len(rows[0])), (257, len(rows)), (258, 1), (259, 32773), (262, 0), (273, place), (277, 1),
                (278, len(rows)), (279, len(data))]
        out += struct.pack("<H", len(tags))
        for tag, value in tags:
            out += struct.pack("<HHII", tag, 4, 1, value)
        link = len(out)
        out += b"\0\0\0\0"
    return bytes(out)


def jpeg(rows, orientation):
    """Grey, each dot a block of 8 by 8 pixels: such a block is its first coefficient alone. With EXIF's orientation."""
    def segment(marker, body):
        return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body

    exif = (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 1) + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
            + b"\0\0\0\0")
    bits, last = [], 0
    for row in rows:
        for dot in row:
            # Quantised by 8, the first coefficient is the grey less 128.
            value = -108 if dot else 117
            difference, last = value - last, value
            size = abs(difference).bit_length()
            code = difference if difference >= 0 else difference + (1 << size) - 1
            bits += [size >> i & 1 for i in (3, 2, 1, 0)]  # All sizes have codes of four bits.
            bits += [code >> i & 1 for i in range(size - 1, -1, -1)]
            bits.append(0)  # No other coefficients.
    bits += [1] * (-len(bits) % 8)
    data = bytes(sum(bit << (7 - i) for i, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8))
    height, width = 8 * len(rows), 8 * len(rows[0])
    return (b"\xff\xd8" + segment(0xE1, exif) + segment(0xDB, b"\0" + b"\x08" * 64)
            + segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
            + segment(0xC4, b"\0" + bytes((0, 0, 0, 12)) + bytes(12) + bytes(range(12)))
            + segment(0xC4, b"\x10" + bytes((1,)) + bytes(15) + b"\0")
            + segment(0xDA, b"\x01\x01\0\0\x3f\0") + data.replace(b"\xff", b"\xff\0") + b"\xff\xd9")


def turned_left(rows):
    """As a camera held on its side stores it: to be turned right by a quarter (EXIF's 6)."""
    return [list(column) for column in zip(*rows)][::-1]


def image_object(stream, rows):
    return stream(zlib.compress(grey_rows(rows), 9),
                  b" /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray"
                  b" /BitsPerComponent 8 /Filter /FlateDecode" % (len(rows[0]), len(rows)))


def scanned_letter(make_pdf, stream, rows):
    """A page that is one image with letters."""
    return make_pdf([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 430] /Contents 4 0 R"
        b" /Resources << /XObject << /Im1 5 0 R >> >> >>",
        stream(b"q 595 0 0 430 0 0 cm /Im1 Do Q"),
        image_object(stream, rows),
    ])


def illustrated(make_pdf, stream, page_of_prose, sign):
    """Two pages with a crest on both, a figure on the first, links, properties and an embedded file."""
    crest = enlarge(draw(["MILL"], 2), 4)
    above = ["The sign on the door of the mill has hung there since the old miller retired from his trade."]
    below = ["Visitors read it from the road; it is repainted each spring before the first of them come."]
    link = (b"<< /Type /Annot /Subtype /Link /Rect [72 %d 300 %d] /Border [0 0 0]"
            b" /A << /S /URI /URI (%s) >> >>")
    crest_place = b"q 60 0 0 40 500 790 cm /Crest Do Q\n"
    first = (crest_place + page_of_prose("The mill and its sign", above)
             + b"q 300 0 0 120 72 520 cm /Sign Do Q\n"
             + b"BT /F1 11 Tf 72 480 Td (" + below[0].encode() + b") Tj ET\n")
    second = crest_place + page_of_prose("The road to the mill", ["The road follows the stream and is flooded in winter."])
    resources = b" /Resources << /Font << /F1 7 0 R >> /XObject << /Crest 8 0 R /Sign 9 0 R >> >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Annots [%s]" + resources
    return make_pdf([
        b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(hours.txt) 10 0 R] >> >> >>",
        b"<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>",
        page % (5, link % (470, 492, b"https://example.org/mill")),
        page % (6, link % (720, 735, b"mailto:miller@example.org")),
        stream(first), stream(second),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        image_object(stream, crest), image_object(stream, sign),
        b"<< /Type /Filespec /F (hours.txt) /EF << /F 11 0 R >> >>",
        stream(b"Open from ten to four, but on Mondays.", b" /Type /EmbeddedFile"),
        b"<< /Title (The mill and its sign) /Author (Ada Miller) /Subject (Signs) /Keywords (mill, sign)"
        b" /CreationDate (D:20240504101500+02'00') >>",
    ], info=12)


def make(write, make_pdf, stream, page_of_prose, canal):
    sign = draw(["THE MILL IS CLOSED", "ON SUNDAY"])
    picture = write("sign.png", png(enlarge(sign, 8)))
    write("truncated.png", picture[:len(picture) * 2 // 3])
    write("sign-turned.jpg", jpeg(turned_left(sign), 6))
    write("two-pages.tif", tiff([enlarge(draw([line]), 5) for line in ("PAGE ONE OF THE LETTER", "HERE COMES THE OTHER PAGE")]))
    write("scanned-letter.pdf", scanned_letter(
        make_pdf, stream, enlarge(draw(["THE MILL IS CLOSED", "ON SUNDAY"], 100), 4)))
    write("illustrated.pdf", illustrated(make_pdf, stream, page_of_prose, enlarge(sign, 8)))
    write("cut-off.pdf", canal[:len(canal) * 2 // 3])
