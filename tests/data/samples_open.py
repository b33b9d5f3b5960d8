"""Sample documents in open formats: OpenDocument, EPUB, RTF. Called by make_samples.py."""

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    [f'xmlns:{short}="{OASIS}{long}:1.0"' for short, long in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("meta", "meta"), ("presentation", "presentation"), ("svg", "svg-compatible"), ("fo", "xsl-fo-compatible"),
        ("chart", "chart"))]
    + ['xmlns:xlink="http://www.w3.org/1999/xlink"', 'xmlns:dc="http://purl.org/dc/elements/1.1/"'])
MIME = "application/vnd.oasis.opendocument."

LETTER = """\
<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><text:p>A sentence that was struck out.</text:p>
</text:deletion></text:changed-region></text:tracked-changes>
<text:p text:style-name="Title">To the Guild of Millwrights</text:p>
<text:h text:outline-level="1">The wheel</text:h>
<text:p>The wheel of the Lower Mill has lost <text:span>eleven</text:span> of its floats<text:note text:note-class="footnote">
<text:note-citation>1</text:note-citation><text:note-body><text:p>Counted on Lady Day by the miller.</text:p></text:note-body>
</text:note><text:change text:change-id="c1"/>, and the rest are soft. We<text:s text:c="3"/>therefore ask for sixty oak floats, as
in <text:a xlink:href="https://example.org/floats">your list</text:a>.</text:p>
<text:h text:outline-level="2">What else is wanted</text:h>
<text:list><text:list-item><text:p>iron</text:p><text:list><text:list-item><text:p>sixty nails</text:p></text:list-item>
</text:list></text:list-item><text:list-item><text:p>tallow</text:p></text:list-item></text:list>
<table:table><table:table-column table:number-columns-repeated="3"/><table:table-header-rows><table:table-row>
<table:table-cell><text:p>Part</text:p></table:table-cell><table:table-cell><text:p>Wood</text:p></table:table-cell>
<table:table-cell><text:p>Count</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-row>
<table:table-cell table:number-rows-spanned="2"><text:p>Float</text:p></table:table-cell>
<table:table-cell><text:p>oak</text:p></table:table-cell><table:table-cell><text:p>60</text:p></table:table-cell>
</table:table-row><table:table-row><table:covered-table-cell/><table:table-cell><text:p>elm</text:p></table:table-cell>
<table:table-cell><text:p>4</text:p></table:table-cell></table:table-row></table:table>
<text:p>A drawing is enclosed.<draw:frame draw:name="wheel"><draw:image xlink:href="Pictures/wheel.png"/>
<svg:desc>The wheel from the lee side</svg:desc></draw:frame></text:p>
<text:p text:style-name="P1">On the second page we thank you.</text:p>
<text:p><draw:frame><draw:text-box><text:p>Seal of the mill</text:p></draw:text-box></draw:frame></text:p>"""

LETTER_STYLES = """\
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Standard">
<style:paragraph-properties fo:break-before="page"/></style:style>"""

META = """\
<dc:title>To the Guild</dc:title><meta:initial-creator>Ann Miller</meta:initial-creator>
<meta:creation-date>2024-03-25T09:00:00</meta:creation-date><meta:keyword>mill</meta:keyword>
<meta:keyword>wheel</meta:keyword>"""

SLIDES = """\
<draw:page draw:name="page1"><draw:frame presentation:class="subtitle"><draw:text-box><text:p>A talk in two slides</text:p>
</draw:text-box></draw:frame><draw:frame presentation:class="title"><draw:text-box><text:p>Eels of the upper weir</text:p>
</draw:text-box></draw:frame></draw:page>
<draw:page draw:name="page2"><draw:frame presentation:class="title"><draw:text-box><text:p>The pass</text:p></draw:text-box>
</draw:frame><draw:frame presentation:class="outline"><draw:text-box><text:list><text:list-item><text:p>a trough of gravel</text:p>
<text:list><text:list-item><text:p>kept wet</text:p></text:list-item></text:list></text:list-item></text:list></draw:text-box>
</draw:frame><draw:g><draw:custom-shape><text:p>Flow from the left</text:p></draw:custom-shape></draw:g>
<draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame>
<draw:frame presentation:class="page-number"><draw:text-box><text:p>2</text:p></draw:text-box></draw:frame>
<presentation:notes><draw:page-thumbnail/><draw:frame presentation:class="notes"><draw:text-box>
<text:p>Say why the eel pass stays open at night.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"""

CHART = """\
<chart:chart><chart:title><text:p>Eels by month</text:p></chart:title><table:table table:name="local-table"><table:table-rows>
<table:table-row><table:table-cell><text:p>May</text:p></table:table-cell><table:table-cell><text:p>310</text:p>
</table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>June</text:p></table:table-cell>
<table:table-cell><text:p>275</text:p></table:table-cell></table:table-row></table:table-rows></table:table></chart:chart>"""


def content(kind, body, styles="", root="document-content", more=""):
    return (XML + f'<office:{root} {NAMESPACES}{more} office:version="1.3">'
            f"<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:{root}>")


def odf(make_zip, kind, parts, encrypted=False):
    data = ('<manifest:encryption-data manifest:checksum="x"><manifest:algorithm/></manifest:encryption-data>'
            if encrypted else "")
    manifest = (XML + f'<manifest:manifest xmlns:manifest="{OASIS}manifest:1.0">'
                f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIME}{kind}"/>'
                f'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{data}'
                "</manifest:file-entry></manifest:manifest>")
    return make_zip([("mimetype", MIME + kind), ("META-INF/manifest.xml", manifest)] + parts)


def cells(*texts):
    return "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts)


def sheet_rows():
    """As a spreadsheet program writes them: values as shown, and blank rows and cells up to the edge."""
    blank = '<table:table-row table:number-rows-repeated="{}"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    dated = ('<table:table-cell office:value-type="float" office:value="1.4199999"><text:p>1.42 m</text:p></table:table-cell>'
             '<table:table-cell office:value-type="date" office:date-value="2024-05-03"><text:p>03/05/24</text:p>'
             "</table:table-cell>")
    return ("<table:table-row>" + cells("Levels of the river") + "</table:table-row>" + blank.format(1)
            + "<table:table-row>" + cells("Gauge", "Level", "Read on", "Remark") + "</table:table-row>"
            + "<table:table-row>" + cells("Town Bridge") + dated + '<table:table-cell table:number-columns-repeated="16381"/>'
            "</table:table-row>"
            + '<table:table-row table:number-rows-repeated="2">' + cells("spare", "none") + "<table:table-cell/>"
            + cells("not yet set") + "</table:table-row>" + blank.format(1048570))


def make_odf(write, make_zip, make_png):
    picture = ("Pictures/wheel.png", make_png(40, 30, (90, 70, 50)))
    meta = ("meta.xml", XML + f"<office:document-meta {NAMESPACES}><office:meta>{META}</office:meta></office:document-meta>")
    write("letter.odt", odf(make_zip, "text", [("content.xml", content("text", LETTER, LETTER_STYLES)), meta, picture]))
    write("password.odt", odf(make_zip, "text", [("content.xml", bytes(range(7, 200)))], encrypted=True))
    flat = (f"<text:h text:outline-level='1'>The ferry</text:h><text:p>The ferryman keeps his rope dry.</text:p>")
    write("letter-flat.fodt", content("text", flat, root="document", more=f' office:mimetype="{MIME}text"'))
    sheets = (f'<table:table table:name="Gauges">{sheet_rows()}</table:table>'
              '<table:table table:name="Blank"><table:table-row table:number-rows-repeated="1048576">'
              '<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>')
    write("sheet.ods", odf(make_zip, "spreadsheet", [("content.xml", content("spreadsheet", sheets))]))
    write("slides.odp", odf(make_zip, "presentation", [
        ("content.xml", content("presentation", SLIDES)), ("Object 1/content.xml", content("chart", CHART)),
        ("ObjectReplacements/Object 1", b"not read")]))


CONTAINER = (XML + '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
             '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>')
PACKAGE = XML + """\
<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The Keeper of the Point</dc:title><dc:creator>Ellen Marsh</dc:creator><dc:language>en</dc:language></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="one" href="text/chapter%201.xhtml" media-type="application/xhtml+xml"/>
<item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="picture" href="images/lamp.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="two"/><itemref idref="one"/></spine></package>"""
# A title without text is written as an empty tag, which swallows the page where it is read as HTML.
CHAPTER = XML + """\
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><section><header><h1>{}</h1></header>
<p><a id="p1"/>{}</p></section></body></html>"""
ENCRYPTION = (XML + '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
              'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>'
              '<enc:CipherReference URI="{}"/></enc:CipherData></enc:EncryptedData></encryption>')


def make_epub(write, make_zip, make_png):
    first = CHAPTER.format("Chapter one", "The lamp had burned for ninety years when the keeper put it out. See "
                           '<a href="https://example.org/lamps">the list of lamps</a>.<img src="../images/lamp.png" alt="The lamp"/>')
    second = CHAPTER.format("Before the first chapter", "A word to the reader, who may skip it.")
    parts = [("mimetype", "application/epub+zip"), ("META-INF/container.xml", CONTAINER), ("OEBPS/book.opf", PACKAGE),
             ("OEBPS/nav.xhtml", CHAPTER.format("Contents", "Chapter one, page 3")),
             ("OEBPS/text/chapter 1.xhtml", first), ("OEBPS/text/two.xhtml", second),
             ("OEBPS/images/lamp.png", make_png(16, 24, (240, 220, 120)))]
    fonts_only = ("META-INF/encryption.xml", ENCRYPTION.format("OEBPS/fonts/a.otf"))
    write("book.epub", make_zip(parts + [fonts_only]))
    write("password.epub", make_zip(parts + [("META-INF/encryption.xml", ENCRYPTION.format("OEBPS/text/two.xhtml"))]))


RTF = r"""{\rtf1\ansi\ansicpg1252\uc1\deff0{\fonttbl{\f0\froman\fcharset0 Times;}{\f1\fnil\fcharset2 Symbol;}}
{\colortbl;\red0\green0\blue0;}{\stylesheet{\s0 Normal;}{\s1\sbasedon0\outlinelevel0 heading 1;}{\s2\sbasedon0 heading 2;}
{\s3\sbasedon2 Chapter;}{\s9 Title;}}{\info{\title A letter}{\author Ann Miller}{\creatim\yr2024\mo3\dy25\hr9\min5}}
{\*\generator A program;}{\header The mill, page \chpgn}
\pard\s9 To the owner\par
\pard\s1 The wheel\par
\pard\plain Dear Sir, the wheel turns again\emdash it cost 40 \'80, and na\u239?ve{\v  hidden} guests pay\~more
{\footnote\pard\plain {\super\chftn} Paid on Lady Day.}. See {\field{\*\fldinst HYPERLINK "https://example.org/bill"}{\fldrslt the bill}}.{\deleted  Struck out.}\par
\pard\s3 Costs\par
{\listtext\pard\plain\f1\'b7\tab}\pard\ls1\ilvl0 oak\par
{\listtext\pard\plain\f1\'b7\tab}\pard\ls1\ilvl1 sixty floats\par
\pard\plain\trowd\clvmgf\cellx1000\cellx2000\pard\intbl Float\cell oak\cell\row
\trowd\clvmrg\cellx1000\cellx2000\pard\intbl\cell elm\par and ash\cell\row
\pard\plain A picture:{\*\shppict{\pict{\*\picprop{\sp{\sn wzDescription}{\sv The wheel at work}}}\pngblip PNG_DATA}}
{\nonshppict{\pict\wmetafile8 0102}}\par\page
On the next page we thank you.\par}
"""


def make_rtf(write, make_png):
    write("letter.rtf", RTF.replace("PNG_DATA", make_png(24, 18, (70, 90, 110)).hex()))
    russian = "".join(f"\\'{byte:02x}" for byte in "Колесо снова вращается".encode("cp1251"))
    write("letter-russian.rtf", r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 Arial;}}\pard\f0 " + russian + r"\par}")


def make_open_formats(write, make_zip, make_png):
    make_odf(write, make_zip, make_png)
    make_epub(write, make_zip, make_png)
    make_rtf(write, make_png)
