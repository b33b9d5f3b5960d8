"""PowerPoint and Excel samples: slides.pptx, budget.xlsx, ledger.xlsb. Called by make_samples.py, which lends its helpers."""

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "application/vnd.openxmlformats-officedocument."
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ' f'xmlns:r="{RELATIONSHIPS}"'
SLIDE = ('xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
         'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
         'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
         'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
         'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
         f'xmlns:r="{RELATIONSHIPS}"')


def rels(*entries):
    """Each entry: identifier, kind, target, and True for a target outside of the package."""
    return (XML + f'<Relationships xmlns="{PACKAGE}/relationships">' + "".join(
        f'<Relationship Id="{e[0]}" Type="{RELATIONSHIPS}/{e[1]}" Target="{e[2]}"'
        + (' TargetMode="External"' if len(e) > 3 else "") + "/>" for e in entries) + "</Relationships>")


def package(main, main_type, parts, properties):
    types = (XML + f'<Types xmlns="{PACKAGE}/content-types">'
             '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
             '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
             f'<Override PartName="/{main}" ContentType="{main_type}"/></Types>')
    core = (XML + f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
            + "".join(f"<{name}>{value}</{name}>" for name, value in properties) + "</cp:coreProperties>")
    top = rels(("rId1", "officeDocument", main), ("rId2", "metadata/core-properties", "docProps/core.xml"))
    return [("[Content_Types].xml", types), ("_rels/.rels", top), ("docProps/core.xml", core)] + parts


# --- Slides ---------------------------------------------------------------------------------------------------

def run(text, extra=""):
    return f"<a:p>{extra}<a:r><a:rPr lang=\"en\"/><a:t>{text}</a:t></a:r></a:p>"


def shape(paragraphs, placeholder=None, name="Shape"):
    kind = f'<p:nvPr><p:ph type="{placeholder}"/></p:nvPr>' if placeholder else "<p:nvPr/>"
    return (f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="{name}"/><p:cNvSpPr/>{kind}</p:nvSpPr><p:spPr/>'
            f"<p:txBody><a:bodyPr/>{''.join(paragraphs)}</p:txBody></p:sp>")


def slide(*shapes, root="sld"):
    return (XML + f"<p:{root} {SLIDE}><p:cSld><p:spTree><p:nvGrpSpPr/><p:grpSpPr/>{''.join(shapes)}</p:spTree>"
            f"</p:cSld></p:{root}>")


def frame(inside, description=""):
    return (f'<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="Frame" descr="{description}"/><p:nvPr/>'
            f"</p:nvGraphicFramePr><a:graphic><a:graphicData>{inside}</a:graphicData></a:graphic></p:graphicFrame>")


def cell(text, merge=""):
    return f"<a:tc{merge}><a:txBody><a:bodyPr/>{run(text) if text else '<a:p/>'}</a:txBody></a:tc>"


def table(*rows):
    return "<a:tbl>" + "".join(f"<a:tr>{''.join(row)}</a:tr>" for row in rows) + "</a:tbl>"


def cache(kind, values):
    return (f"<c:{kind}Cache>" + "".join(f'<c:pt idx="{i}"><c:v>{v}</c:v></c:pt>' for i, v in enumerate(values))
            + f"</c:{kind}Cache>")


def chart(title, categories, series):
    ser = "".join(f'<c:ser><c:tx><c:strRef>{cache("str", [name])}</c:strRef></c:tx>'
                  f'<c:cat><c:strRef>{cache("str", categories)}</c:strRef></c:cat>'
                  f'<c:val><c:numRef>{cache("num", values)}</c:numRef></c:val></c:ser>' for name, values in series)
    return (XML + f"<c:chartSpace {SLIDE}><c:chart><c:title><c:tx><c:rich>{run(title)}</c:rich></c:tx></c:title>"
            f"<c:plotArea><c:barChart>{ser}</c:barChart></c:plotArea></c:chart></c:chartSpace>")


def slides_pptx(make_png):
    first = slide(shape([run("The lock keepers’ year")], "ctrTitle"),
                  shape([run("What a canal needs, month by month")], "subTitle"))
    second = slide(
        shape([run("Autumn, before the frost"), run("Sound the depth at each gate", '<a:pPr lvl="1"/>'),
               run("Grease the paddle gear")], "body"),
        shape([run("Dredging")], "title"),
        "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>"
        + shape([run("Upper pound")]) + "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>" + shape([run("Lower pound")])
        + "</p:grpSp></p:grpSp>",
        '<p:pic><p:nvPicPr><p:cNvPr id="5" name="Picture" descr="A dredger at the third lock">'
        '<a:hlinkClick r:id="rId4"/></p:cNvPr><p:nvPr/></p:nvPicPr>'
        '<p:blipFill><a:blip r:embed="rId2"/></p:blipFill><p:spPr/></p:pic>',
        '<mc:AlternateContent><mc:Choice Requires="a14">' + shape([run("Depth is read once")])
        + "</mc:Choice><mc:Fallback>" + shape([run("Depth is read once")]) + "</mc:Fallback></mc:AlternateContent>",
        shape([run("17")], "sldNum"), shape([run("Canal trust")], "ftr"))
    third = slide(
        shape([run("Stoppages")], "title"),
        frame(table([cell("Lock"), cell("Closed", ' gridSpan="2"'), cell("", ' hMerge="1"')],
                    [cell("Third", ' rowSpan="2"'), cell("May"), cell("6 days")],
                    [cell("", ' vMerge="1"'), cell("June"), cell("2 days")])),
        frame('<c:chart r:id="rId3"/>'), shape([run("Canal trust")], "ftr"))
    notes = slide(shape([run("Say why the paddle gear seized last winter.")], "body"), shape([run("2")], "sldNum"),
                  root="notes")
    comments = (XML + f'<p:cmLst {SLIDE}><p:cm authorId="0" dt="2024-03-01T09:00:00"><p:text>Ask the trust for the '
                "newer depths.</p:text></p:cm></p:cmLst>")
    main = (XML + f'<p:presentation {SLIDE}><p:sldIdLst><p:sldId id="256" r:id="rId1"/><p:sldId id="257" r:id="rId3"/>'
            '<p:sldId id="258" r:id="rId2"/></p:sldIdLst></p:presentation>')
    # The order of slides is that of the list, not that of the parts' names.
    return package("ppt/presentation.xml", OFFICE + "presentationml.presentation.main+xml", [
        ("ppt/presentation.xml", main),
        ("ppt/_rels/presentation.xml.rels", rels(
            ("rId1", "slide", "slides/slide1.xml"), ("rId2", "slide", "slides/slide2.xml"),
            ("rId3", "slide", "/ppt/slides/slide3.xml"), ("rId9", "commentAuthors", "commentAuthors.xml"))),
        ("ppt/commentAuthors.xml", XML + f'<p:cmAuthorLst {SLIDE}><p:cmAuthor id="0" name="Ada Reeve"/></p:cmAuthorLst>'),
        ("ppt/slides/slide1.xml", first), ("ppt/slides/slide3.xml", second), ("ppt/slides/slide2.xml", third),
        ("ppt/slides/_rels/slide3.xml.rels", rels(
            ("rId2", "image", "../media/dredger.png"), ("rId3", "notesSlide", "../notesSlides/notesSlide1.xml"),
            ("rId4", "hyperlink", "https://example.org/dredgers", True), ("rId5", "comments", "../comments/comment1.xml"))),
        ("ppt/slides/_rels/slide2.xml.rels", rels(("rId3", "chart", "../charts/chart1.xml"))),
        ("ppt/notesSlides/notesSlide1.xml", notes), ("ppt/comments/comment1.xml", comments),
        ("ppt/charts/chart1.xml", chart("Boats by month", ["May", "June"], [("Freight", [41, 38]), ("Pleasure", [120, 164])])),
        ("ppt/media/dredger.png", make_png(48, 32, (60, 80, 120))),
    ], [("dc:title", "The lock keepers’ year"), ("dc:creator", "Ada Reeve"), ("dcterms:created", "2024-02-01T08:00:00Z")])


# --- Workbook -------------------------------------------------------------------------------------------------

TEXTS = ["<t>Item</t>", "<t>Due</t>", "<t>Amount</t>", "<t>Share</t>", "<t>Grant</t>",
         "<r><t>New </t></r><r><rPr><b/></rPr><t>gates</t></r>", "<t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t></rPh>",
         "<t>Budget of the canal trust</t>", "<t>Works</t>", "<t>Gauge</t>", "<t>Level</t>"]
STYLES = ('<numFmts count="3"><numFmt numFmtId="164" formatCode="d\\ mmmm\\ yyyy"/>'
          '<numFmt numFmtId="165" formatCode="[$£-809]#,##0.00;[Red]\\-[$£-809]#,##0.00"/>'
          '<numFmt numFmtId="166" formatCode="[h]:mm"/></numFmts>'
          '<cellXfs count="6"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="10"/>'
          '<xf numFmtId="166"/><xf numFmtId="14"/></cellXfs>')


def c(reference, value, kind="", style=0):
    kind = f' t="{kind}"' if kind else ""
    inside = f"<is><t>{value}</t></is>" if "inlineStr" in kind else f"<v>{value}</v>"
    return f'<c r="{reference}"{kind} s="{style}">{inside}</c>'


def row(number, *cells):
    return f'<row r="{number}">{"".join(cells)}</row>'


def budget_xlsx(make_png):
    first = (XML + f"<worksheet {SHEET}><sheetData>" + row(1, c("A1", 7, "s")) + row(3, c("A3", 0, "s"), c("B3", 1, "s"),
             c("C3", 2, "s"), c("D3", 3, "s"))
             + row(4, c("A4", 8, "s"), c("B4", 45422, style=1), c("C4", 1240.5, style=2), c("D4", 0.3125, style=3))
             + row(5, c("B5", 45453.75, style=5), c("C5", -620, style=2), c("D5", 0.6875, style=3))
             + row(6, c("A6", 4, "s"), c("B6", 6, "s"), c("C6", 1, "b"), c("D6", "#N/A", "e"))
             + row(9, c("A9", "Depth", "inlineStr"), c("B9", 10, "s"))
             + row(10, c("A10", 5, "s"), c("B10", 1.25, style=4))
             + '</sheetData><mergeCells><mergeCell ref="A1:D1"/><mergeCell ref="A4:A5"/></mergeCells>'
             '<hyperlinks><hyperlink ref="A6" r:id="rId2"/></hyperlinks><drawing r:id="rId1"/></worksheet>')
    hidden = (XML + f"<worksheet {SHEET}><sheetData><row>" + "<c t=\"s\"><v>9</v></c><c t=\"s\"><v>10</v></c></row>"
              "<row><c t=\"inlineStr\"><is><t>Upper weir</t></is></c><c><v>0.1</v></c></row></sheetData></worksheet>")
    drawing = (XML + f'<xdr:wsDr {SLIDE}><xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col></xdr:from><xdr:pic><xdr:nvPicPr>'
               '<xdr:cNvPr id="2" name="P" descr="The new gates"/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rId1"/>'
               "</xdr:blipFill></xdr:pic></xdr:twoCellAnchor></xdr:wsDr>")
    comments = (XML + f'<comments {SHEET}><authors><author>Ada Reeve</author></authors><commentList><comment ref="C5" '
                'authorId="0"><text><r><t>Paid back </t></r><r><t>in June</t></r></text></comment></commentList></comments>')
    workbook = (XML + f'<workbook {SHEET}><sheets><sheet name="Spending" sheetId="2" r:id="rId2"/>'
                '<sheet name="Gauges" sheetId="1" state="hidden" r:id="rId1"/></sheets></workbook>')
    texts = f"<sst {SHEET}>" + "".join(f"<si>{t}</si>" for t in TEXTS) + "</sst>"
    return package("xl/workbook.xml", OFFICE + "spreadsheetml.sheet.main+xml", [
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", rels(
            ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "worksheet", "worksheets/sheet2.xml"),
            ("rId3", "styles", "styles.xml"), ("rId4", "sharedStrings", "sharedStrings.xml"))),
        ("xl/worksheets/sheet1.xml", hidden), ("xl/worksheets/sheet2.xml", first),
        ("xl/worksheets/_rels/sheet2.xml.rels", rels(
            ("rId1", "drawing", "../drawings/drawing1.xml"), ("rId2", "hyperlink", "https://example.org/grant", True),
            ("rId3", "comments", "../comments1.xml"))),
        ("xl/drawings/drawing1.xml", drawing), ("xl/drawings/_rels/drawing1.xml.rels", rels(("rId1", "image", "../media/gates.png"))),
        ("xl/media/gates.png", make_png(40, 24, (90, 120, 60))), ("xl/comments1.xml", comments),
        ("xl/styles.xml", XML + f"<styleSheet {SHEET}>{STYLES}</styleSheet>"), ("xl/sharedStrings.xml", XML + texts),
    ], [("dc:title", "Budget"), ("dc:creator", "Ada Reeve")])


def make_office(write, make_zip, make_png):
    write("slides.pptx", make_zip(slides_pptx(make_png)))
    write("budget.xlsx", make_zip(budget_xlsx(make_png)))
    write("ledger.xlsb", make_zip([("[Content_Types].xml", '<Types><Override ContentType="application/vnd.ms-excel.sheet.'
                                    'binary.macroEnabled.main"/></Types>'), ("xl/workbook.bin", b"\x83\x01\x00")]))
