"""What the sample documents say. Each has its own topic, so that a search has something to find."""

RIVERS = """\
HOW RIVERS MAKE THEIR VALLEYS

A river is never at rest. Even where its surface looks like glass, grains of
sand roll along its bed, and with every flood the water carries away a little
more of the bank on the outer side of each bend. On the inner side the current
is slow and drops what it can no longer hold. So the bend moves, year after
year, and the valley floor grows wider.

Upstream, where the slope is steep, the water cuts downward faster than it cuts
sideways. The valley there is narrow and its sides are steep. Waterfalls mark
the places where hard rock lies over soft rock: the soft rock is scoured out
below, the hard edge breaks off, and the fall retreats.

1. Meanders and oxbow lakes

When two bends of a meander come close to each other, a flood may cut through
the narrow neck of land between them. The river takes the shorter way from then
on, and the abandoned loop is left behind as an oxbow lake, which reeds and silt
slowly fill.

2. Deltas

At the sea the river has no slope left. It spreads, splits into branches and
lays its mud down in a fan. A delta can grow by fifty metres a year.
"""

WEATHER = """\
READING THE SKY

High, thin cirrus clouds that thicken from the west are the first sign of a warm
front. The wind backs to the south, the barometer falls slowly, and about twelve
hours later steady rain sets in.

A cold front gives less warning. A dark line of towering cumulonimbus comes up,
gusts rise suddenly, and after an hour of heavy showers the air is clear and
cool. The temperature may drop by 10 \u00b0C.

Fog forms on calm nights when the ground radiates its heat away and the air above
it cools to its dew point.
"""

PRINTING_FRENCH = """\
L'imprimerie \u00e0 caract\u00e8res mobiles

Avant l'invention des caract\u00e8res mobiles, chaque livre \u00e9tait copi\u00e9 \u00e0 la main. Un
copiste exp\u00e9riment\u00e9 \u00e9crivait quelques pages par jour, et les erreurs passaient
d'un exemplaire \u00e0 l'autre. Le m\u00e9tal fondu \u00e9tait coul\u00e9 dans une matrice, puis les
lettres \u00e9taient assembl\u00e9es \u00e0 l'envers dans un composteur.

L'encre, \u00e9paissie \u00e0 l'huile de lin, \u00e9tait \u00e9tal\u00e9e avec des balles de cuir. La presse
\u00e0 vis, h\u00e9rit\u00e9e des vignerons, donnait une pression r\u00e9guli\u00e8re sur toute la feuille.
"""

CLOCKS_RUSSIAN = """\
\u041c\u0430\u044f\u0442\u043d\u0438\u043a\u043e\u0432\u044b\u0435 \u0447\u0430\u0441\u044b \u0438\u0437\u043c\u0435\u0440\u044f\u044e\u0442 \u0432\u0440\u0435\u043c\u044f \u043a\u043e\u043b\u0435\u0431\u0430\u043d\u0438\u044f\u043c\u0438 \u043c\u0430\u044f\u0442\u043d\u0438\u043a\u0430. \u041f\u0435\u0440\u0438\u043e\u0434 \u043a\u043e\u043b\u0435\u0431\u0430\u043d\u0438\u0439 \u0437\u0430\u0432\u0438\u0441\u0438\u0442
\u0442\u043e\u043b\u044c\u043a\u043e \u043e\u0442 \u0434\u043b\u0438\u043d\u044b \u043c\u0430\u044f\u0442\u043d\u0438\u043a\u0430, \u043f\u043e\u043a\u0430 \u0440\u0430\u0437\u043c\u0430\u0445 \u043d\u0435\u0432\u0435\u043b\u0438\u043a. \u0410\u043d\u043a\u0435\u0440\u043d\u044b\u0439 \u043c\u0435\u0445\u0430\u043d\u0438\u0437\u043c \u043f\u043e\u0434\u0442\u0430\u043b\u043a\u0438\u0432\u0430\u0435\u0442
\u0435\u0433\u043e \u043f\u0440\u0438 \u043a\u0430\u0436\u0434\u043e\u043c \u0445\u043e\u0434\u0435 \u0438 \u043f\u0435\u0440\u0435\u0434\u0430\u0451\u0442 \u0434\u0432\u0438\u0436\u0435\u043d\u0438\u0435 \u0441\u0442\u0440\u0435\u043b\u043a\u0430\u043c.

\u0425\u043e\u0440\u043e\u0448\u0438\u0435 \u0441\u0442\u0435\u043d\u043d\u044b\u0435 \u0447\u0430\u0441\u044b \u043e\u0442\u0441\u0442\u0430\u044e\u0442 \u043d\u0435 \u0431\u043e\u043b\u0435\u0435 \u0447\u0435\u043c \u043d\u0430 \u0441\u0435\u043a\u0443\u043d\u0434\u0443 \u0432 \u0441\u0443\u0442\u043a\u0438.
"""

PUMP_LOG = "".join(
    f"2024-03-0{1 + i // 24} {i % 24:02d}:00:00 INFO  pump-{1 + i % 2} level={200 - (i * 7) % 60}cm rate={30 + i % 9}l/s\n"
    for i in range(40))

BOOKKEEPING = """\
---
title: "Double-entry bookkeeping for small workshops"
author: The guild's clerk
---

# Double-entry bookkeeping

Every transaction is written down **twice**: once as a debit and once as a credit. When both
columns have the same sum, the books *balance*, and most slips of the pen are found out.

## Accounts

- Assets: what the workshop owns
  - cash in the drawer
  - stock of timber and iron
- Liabilities: what it owes
- Equity: what would be left

## A week's journal

| Date | Account | Debit | Credit |
|------|---------|------:|-------:|
| 3 May | Timber | 240 | |
| 3 May | Cash | | 240 |
| 7 May | Cash | 615 | |
| 7 May | Sales \\| furniture | | 615 |

The trial balance at the end of the month lists every account with its balance. See the
[worked example](https://example.org/trial-balance) for the closing entries &mdash; and for depreciation.
"""

BREAD = """\
# Baking with a sourdough starter

A starter is flour and water in which wild yeast and lactic bacteria live together.

## Feeding

1. Discard half of the starter.
2. Stir in 50 g of rye flour and 50 g of water.
3. Wait until it has doubled.

```
ratio      = starter : flour : water
weekday    = 1 : 2 : 2
slow night = 1 : 5 : 5
```

![A jar of starter at its peak](data:image/png;base64,PNG_DATA)

> A dough that is too warm ferments too fast and tastes of little.

<details><summary>Why salt last?</summary><p>Salt slows the yeast down and tightens the gluten.</p></details>
"""

LIGHTHOUSE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>The keepers of Gull Rock lighthouse</title>
<style>body { color: #222 }</style>
<script>var tracking = "this must never be read";</script>
</head>
<body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop for souvenirs</a></li></ul></nav>
<main>
<article>
<h1>The keepers of Gull Rock</h1>
<p>For ninety-one years three keepers lived on the rock, two months at a time. The lamp burned
paraffin under pressure, and its light was gathered by a Fresnel lens taller than a man.</p>
<h2>Life in the tower</h2>
<p>Water came by boat, and so did <em>coal</em>, letters and bread. In winter the boat could not land for weeks.</p>
<ul>
  <li>The first watch began at dusk
    <ul><li>wind the clockwork every ninety minutes</li></ul></li>
  <li>The fog signal sounded twice a minute</li>
</ul>
<p style="display:none">Hidden words for search engines</p>
<pre>white flash   0.4 s
darkness      4.6 s</pre>
<p>In 1988 the light became automatic.<br>The last keepers left by helicopter.</p>
<img src="data:image/png;base64,PNG_DATA" alt="The lantern room at night">
</article>
</main>
<footer>Copyright of the harbour museum</footer>
</body>
</html>
"""

TIDES = """\
<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><title>Gezeiten</title></head>
<body><h1>Ebbe und Flut</h1>
<p>Der Mond zieht das Wasser der Meere an. Auf der mondn\u00e4chsten Seite und gegen\u00fcber entstehen Flutberge,
zwischen denen sich die Erde hindurchdreht. Darum gibt es t\u00e4glich zweimal Hochwasser.</p>
<p>Bei Springtide stehen Sonne, Mond und Erde in einer Linie; der Tidenhub ist dann am gr\u00f6\u00dften.</p>
</body></html>
"""

MARKET = """\
<!doctype html>
<html><head><title>Market prices</title></head><body>
<h1>Prices at the corn exchange</h1>
<table>
<caption>Shillings a quarter, spring 1847</caption>
<thead><tr><th>Grain</th><th>Month</th><th colspan="2">Lowest and highest</th></tr></thead>
<tbody>
<tr><td rowspan="2">Wheat</td><td>March</td><td>74</td><td>79</td></tr>
<tr><td>April</td><td>77</td><td>85</td></tr>
<tr><td>Barley</td><td>March</td><td>49</td><td>52</td></tr>
</tbody></table>
<p>After the poor harvest of 1846 the price of wheat rose until June, when ships arrived from the Black Sea.</p>
</body></html>
"""

GAUGES = '''gauge,river,remarks,level_cm
Upper Weir,Arle,"Reads low, by about 3 cm, in frost",142
Town Bridge,Arle,"Known as ""the old gauge""",97
Ford,Brent,"Two lines
in one cell",61
Mill Pond,Brent,,188
'''

LEDGER = """Datum;Konto;Buchungstext;Betrag in \u20ac
03.05.2024;4400;M\u00f6belverkauf, Eiche;1.240,00
07.05.2024;3400;Holzeinkauf S\u00e4gewerk;-615,50
09.05.2024;6310;Miete Werkstatt;-780,00
"""

HARVEST = """orchard\tvariety\tpicked\tkilograms
South slope\tCox's Orange Pippin\t2023-09-18\t412
South slope\tBramley\t2023-10-02\t655
Walled garden\tConference pear\t2023-09-25\t230
"""

CANAL = [
    ("Why a canal needs locks", [
        "Water in a canal stands still and level, but the land does not. Where the land rises, the canal is built as "
        "a stair of level stretches, the pounds, and between two pounds a boat is lifted or lowered in a lock.",
        "A lock is a chamber with gates at both ends. Its walls are of brick or stone, and its floor lies as deep as "
        "the lower pound, so that a boat never touches the ground.",
    ]),
    ("Going up", [
        "The boat enters the empty chamber and the lower gates are shut behind it. Then the paddles of the upper "
        "gates are wound up with a windlass, and water flows in from the upper pound.",
        "When the levels are equal, and not before, the upper gates can be pushed open by their balance beams. The "
        "weight of water on a gate with a difference of two metres is more than ten tonnes.",
    ]),
    ("Saving water", [
        "Each passage lets a chamber of water run downhill, often 150,000 litres. In dry summers canal companies "
        "pumped it back at night, or built side ponds that keep half of it for the next boat.",
    ]),
]

BEES_LEFT = (
    "In February the queen begins to lay again, a few eggs a day at first. The cluster keeps the brood at thirty-five "
    "degrees while snow still lies on the roof of the hive. By April every fine day brings pollen from willow and "
    "hazel, and the colony doubles in four weeks. A keeper who looks in now checks for food and a laying queen and "
    "shuts the hive again quickly, because chilled brood dies.")
BEES_RIGHT = (
    "In June the hive is full, and the old queen leaves with half of the bees. A swarm hangs in a tree for an hour or "
    "a day until its scouts agree on a hollow. After the lime blossom the honey is capped and can be taken. The keeper "
    "feeds sugar in August, treats against mites, and narrows the entrance before the wasps arrive.")

MILL_WHEEL = ("The breastshot wheel of the Lower Mill is four metres in diameter and carries thirty-two floats. It last "
              "turned in 1931, and the oak shaft has kept surprisingly well under its coat of tar & lime.")
MILL_NOTE = "The mill is first named in a tithe roll of 1286."
MILL_TASKS = [("Drain the wheel pit", 0), ("build a cofferdam of clay", 1), ("set up two pumps", 1),
              ("Replace the floats", 0)]
MILL_STONES = ("The millstones are French burr, built up of blocks and bound by iron hoops. Their furrows are worn and "
               "have to be dressed with a mill bill before they can grind again.")
MILL_END = "The trustees expect the first flour in the autumn."

MINUTES = [
    "Der Gemeinderat beriet \u00fcber die Sanierung der alten Steinbr\u00fccke.",
    "Die Br\u00fccke wird ab Mai f\u00fcr Fahrzeuge \u00fcber 3,5 Tonnen gesperrt. Die Umleitung f\u00fchrt \u00fcber die Hauptstra\u00dfe.",
    "Die Kosten von 240.000 Euro tr\u00e4gt zur H\u00e4lfte das Land.",
]
