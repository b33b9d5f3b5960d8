"""What a text says, as a multiset of words; and the words of reference Markdown, without its syntax.

A word is a run of letters (with their marks) or a run of digits, after NFKC and lower-casing, so "r²", "r^2" and "r 2"
are the same two words. A Han or Kana sign is a word of its own, because such text has no spaces. Signs that change no
letter (soft hyphens, joiners, direction marks, the Arabic tatweel) are left out first.
"""
import collections
import html
import re
import unicodedata

INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u0640"))

LINK = re.compile(r"!?\[((?:[^\[\]]|\\.|\[[^\]]*\])*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
LIST_MARKER = re.compile(r"^(\s*(?:>\s*)*)(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s)?", re.M)
FENCE = re.compile(r"^\s*(```|~~~)[^\n]*$", re.M)
TAG = re.compile(r"</?(?:a|b|br|div|i|li|ol|p|span|sub|sup|table|tbody|td|th|thead|tr|u|ul)\b[^<>]*>")
TEX_FRAME = re.compile(r"\\begin\{[^}]*\}(?:\{[^}]*\})?|\\end\{[^}]*\}|\b0pt\b")
TEX_FUNCTIONS = {"cos", "exp", "lim", "ln", "log", "max", "min", "sin", "tan"}


def words_of(text):
    found = collections.Counter()
    run, kind_of_run = "", ""
    for sign in unicodedata.normalize("NFKC", text).translate(INVISIBLE).lower() + " ":
        kind = kind_of(sign)
        if run and (kind != kind_of_run or kind == "ideograph"):
            found[run] += 1
            run = ""
        if kind:
            run += sign
        kind_of_run = kind
    return found


def kind_of(sign):
    if "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uf900" <= sign <= "\ufaff":
        return "ideograph"
    return {"L": "letter", "M": "letter", "N": "digit"}.get(unicodedata.category(sign)[0], "")


def reference_words(markdown):
    return words_of(without_syntax(markdown))


def without_syntax(markdown):
    """Leaves out comments (image placeholders), fences with their language, the markers of lists and tasks, the targets
    of links, HTML tags, entities and escapes, emphasis, and TeX commands but functions and Greek letters."""
    text = re.sub(r"<!--.*?-->", " ", markdown, flags=re.S)
    text = FENCE.sub(" ", text)
    text = LIST_MARKER.sub(r"\1", text)
    text = LINK.sub(r"\1", text)
    text = re.sub(r"\$[^$]+\$", lambda formula: without_tex(formula[0]), text)
    text = html.unescape(TAG.sub(" ", text))
    return re.sub(r"\*\*|~~|\\(?=[_*`|#])", "", text)


def without_tex(formula):
    return re.sub(r"\\([A-Za-z]+)", lambda command: f" {said_by(command[1])} ", TEX_FRAME.sub(" ", formula))


def said_by(command):
    if command in TEX_FUNCTIONS:
        return command
    case = "CAPITAL" if command[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {command.upper().replace('LAMBDA', 'LAMDA')}")
    except KeyError:
        return ""


def recall_and_precision(reference, ours):
    """The shares of the reference's words that are ours, and of our words that are the reference's."""
    common = sum((reference & ours).values())
    return tuple(common / sum(words.values()) if words else 1.0 for words in (reference, ours))
