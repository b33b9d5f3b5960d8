"""Sample messages, data and marked-up texts for make_samples.py."""

import base64
import json


def base64_lines(data):
    text = base64.b64encode(data).decode()
    return "\n".join(text[i:i + 76] for i in range(0, len(text), 76))


def part(content_type, body, *headers):
    return "\n".join((f"Content-Type: {content_type}",) + headers) + f"\n\n{body}\n"


def multipart(kind, boundary, parts):
    """Headers and body of a multipart."""
    body = "".join(f"--{boundary}\n{p}\n" for p in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}--{boundary}--\n'


def attachment(content_type, name, data):
    return part(content_type, base64_lines(data), "Content-Transfer-Encoding: base64",
                f'Content-Disposition: attachment; filename="{name}"')


def message(subject, sender, body, more=""):
    return (f"From: {sender}\nTo: Mill Trust <trust@example.org>\nSubject: {subject}\n"
            f"Date: Tue, 7 May 2024 09:30:00 +0100\nMessage-ID: <2@example.org>\nMIME-Version: 1.0\n{more}{body}")


def report(docx, archive, png):
    page = part('text/html; charset="iso-8859-1"', "<p>The report is attached. It cost =A3120.</p>"
                '<p><img src=3D"cid:plan" alt=3D""></p>', "Content-Transfer-Encoding: quoted-printable")
    plain = part("text/plain", "The report is attached.")
    image = part("image/png; name=plan.png", base64_lines(png), "Content-Transfer-Encoding: base64", "Content-ID: <plan>")
    text = multipart("related", "rel", [multipart("alternative", "alt", [plain, page]), image])
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return message("=?utf-8?Q?Report_on_the_m=C3=BChle?=", "=?koi8-r?B?6dfBzg==?= <ivan@example.org>",
                   multipart("mixed", "mix", [text, attachment(word, "lower-mill.docx", docx),
                                              attachment("application/zip", "photos.zip", archive)]))


def forwarded(png):
    inner = message("The old wheel", "Ann Reed <ann@example.org>",
                    multipart("mixed", "in", [part("text/plain", "Elm lasts longest under water."),
                                              attachment("image/png", "wheel.png", png)]))
    return message("Fwd: The old wheel", "Tom <tom@example.org>",
                   multipart("mixed", "out", [part("text/plain", "See what Ann writes."),
                                              part("message/rfc822", inner)]))


DOCBOOK = """<?xml version="1.0"?>
<article xmlns="http://docbook.org/ns/docbook"><title>Leats</title>
<section><title>Digging</title><para>A leat follows the <emphasis>contour</emphasis> of the hill.</para>
<itemizedlist><listitem><para>Survey the fall.</para></listitem></itemizedlist>
<table><title>Falls</title><tgroup cols="2"><thead><row><entry>Leat</entry><entry>Fall</entry></row></thead>
<tbody><row><entry>North</entry><entry>1 in 500</entry></row></tbody></tgroup></table></section></article>
"""

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>River news</title><link>https://example.org/</link>
<item><title>Flood warning</title><link>https://example.org/flood</link><pubDate>Mon, 6 May 2024</pubDate>
<description>&lt;p&gt;The gauge at the &lt;b&gt;town bridge&lt;/b&gt; stands at four metres.&lt;/p&gt;</description></item>
</channel></rss>
"""

BOMB = ('<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol "lol">\n'
        + "".join(f'<!ENTITY lol{i} "{f"&lol{i - 1 if i > 1 else str()};" * 10}">\n' for i in range(1, 10))
        + ']>\n<lolz><text>Nothing but laughter</text><bomb>&lol9;</bomb></lolz>\n')

HANDBOOK = """==============
The mill hand
==============

:Author: Ann Reed
:Version: 3

Grinding
========

Set the *runner stone* with ``two`` wedges; the `guild <https://example.org/guild>`_ says how::

    open the sluice
    wait for the wheel

- Feed the hopper
  slowly.
- Watch the damsel.

.. figure:: stones.png
   :alt: A pair of millstones

   The bedstone lies below.

+--------+---------+
| Grain  | Bushels |
+========+=========+
| Wheat  | 12      |
+--------+---------+

======  =====
Stone   Price
======  =====
French  40
Peak    15
======  =====

.. This is a comment that nobody reads.

.. code-block:: sh

   grind --coarse
"""


def make_all(write, docx, archive, png):
    write("report.eml", report(docx, archive, png))
    write("forwarded.eml", forwarded(png))
    write("secret.eml", message("Secret", "x@example.org", multipart("encrypted", "e", [
        part("application/pgp-encrypted", "Version: 1"),
        part("application/octet-stream", "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----")])))
    write("headers-only.eml", "\ufeffFrom: miller@example.org\nTo: friends@example.org\nSubject: Nothing below this line\n")
    write("utf16.eml", message("Wide letters", "a@example.org", "Content-Type: text/plain; charset=utf-8\n\n"
                               "Häuser am Mühlbach.\n").encode("utf-16"))
    write("letters.mbox", "".join(
        f"From ann@example.org Tue May  7 09:30:0{i} 2024\n" + message(f"Letter {i}", "ann@example.org",
                                                                       f"\nThe sluice leaked {i} times.\n\n") for i in (1, 2)))
    write("works.json", json.dumps({
        "site": {"name": "Lower Mill", "built": 1784}, "notes": "Elm under water lasts. " * 20,
        "works": [{"task": "floats", "hours": 12, "by": {"name": "Reed"}}, {"task": "stones", "hours": 7.50}],
        "readings": [[1, 2], [3, 4]], "closed": None}, indent=1))
    write("cut.jsonl", '{"at": "06:00", "what": "opened"}\n{"at": "07:30", "what": "closed"}\n{"at": "08:1')
    write("leats.xml", DOCBOOK)
    write("river-news.xml", RSS)
    write("cut.xml", DOCBOOK[:340])
    write("entity-bomb.xml", BOMB)
    write("mill-hand.rst", HANDBOOK)
