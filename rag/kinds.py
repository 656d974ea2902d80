"""What kind of answer a question asks for, and whether a sentence holds one.

The kinds are those of answer typing in question answering (Li & Roth 2002, the coarse classes, cut finer where numbers
are meant), told by the question's words.
"""

import re

KINDS = (
    "percent",
    "duration",
    "money",
    "count",
    "date",
    "place",
    "person",
    "reason",
    "manner",
    "yes-no",
    "definition",
    "thing",
)


def _either(words: str) -> str:
    """A pattern for any of the phrases, which are set apart by commas."""
    return "(?:" + "|".join(phrase.strip() for phrase in words.split(",")) + ")"


def _either_number(words: str) -> str:
    """The same for nouns, in the singular or the plural."""
    return _either(",".join(re.sub("([^aeiou])y$", r"\1(?:y|ies)", word) for word in words.split(","))) + "s?"


_WHICH = r"\b(?:what|which) (?:\w+ )?"
_PLACES = _either_number(
    "city,country,place,state,town,location,region,continent,county,province,river,island,venue,area,building"
)
_PEOPLE = _either_number(
    "person,people,man,men,woman,women,king,queen,president,scientist,author,actor,leader,professor,scholar,politician,player,writer,"
    "general,emperor,pope,minister,analyst,expert"
)
_TIMES = _either_number("year,date,day,month,time,century,decade,season,era,period")
_SIZES = _either("population,number,amount,size,length,height,distance,total,rate,average")
_CURRENCIES = _either("dollars?,euros?,pounds?,roubles?,rubles?,cents?,yuan,yen,renminbi,RMB,USD")
_AUXILIARIES = _either(
    "is,are,was,were,do,does,did,can,could,has,have,had,will,would,should,may,might,isn't,aren't,wasn't,didn't,doesn't,don't"
)

_ASKED: tuple[tuple[str, str], ...] = (
    (
        "percent",
        r"\b(?:what|which|how many|how much)\b.{0,12}\b(?:percent\w*|per cent|share|proportion)\b|by how much\b",
    ),
    ("duration", r"\bhow (?:long|old)\b|\bhow many (?:years|months|weeks|days|hours|minutes|decades|centuries)\b"),
    ("money", r"\bhow much (?:money|did .* (?:cost|pay|spend|earn)|(?:does|is|was) .* (?:cost|pay|earn|worth))\b"),
    ("money", r"\bwhat (?:is|was) the (?:price|cost|budget|revenue|salary)\b|\bwhat (?:is|was|are|were) .* worth\b"),
    ("money", rf"\b(?:how many|(?:how much|value|volume|worth|sum|total)\b.* in) (?:US |American )?{_CURRENCIES}\b"),
    ("count", r"\bhow (?:many|much|far|tall|high|big|large|deep|fast|often|heavy|wide)\b"),
    ("count", rf"\bwhat {_SIZES}\b|\bwhat (?:is|was) the {_SIZES}\b"),
    ("date", rf"\bwhen\b|{_WHICH}{_TIMES}\b"),
    ("place", rf"\bwhere\b|{_WHICH}{_PLACES}\b"),
    ("person", rf"\bwho\b|\bwhom\b|\bwhose\b|{_WHICH}{_PEOPLE}\b"),
    ("reason", r"\bwhy\b|\bfor what reason\b|\bhow come\b"),
    ("reason", r"\bwhat (?:\w+ ){0,3}(?:reason|cause|caused|made|led|purpose|motive|motivated)\b"),
    ("manner", r"^\W*(?:and |but |so )?how\b"),
    ("yes-no", rf"^\W*(?:and |but |so )?{_AUXILIARIES}\b"),
    ("definition", r"^\W*what(?: is|'s|’s| are| was| were)(?: (?:a|an|the))?(?: [\w’'“”\"-]+){1,4}\W*$"),
    ("definition", r"\bwhat does .* mean\b|\bdefine\b"),
)
_ASKED_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKED)

_PLURAL = r"((?!(?:does|is|was|has|his|its|this|us|as)\b)[\w’'-]+(?<![siu])s|people|men|women|children)"
_SINGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child"}
_GOES_ON = _either(rf"{_AUXILIARIES},of,\w+ed")
_SEVERAL = re.compile(
    rf"\bwhich {_PLURAL}\b"
    rf"|\b(?:which|what) (?:(?!(?:{_AUXILIARIES}|about|if|the|an?|it|he|she|they)\b)[\w’'-]+ )?"
    rf"{_PLURAL}(?: {_GOES_ON}\b|\W*$)"
    rf"|\b(?:what|which|who) (?:else )?(?:are|were) (?:all |some )?(?:of )?(?:the|some|those|its|his|her|their) "
    rf"(?:[\w’'-]+ ){{0,4}}?{_PLURAL}\b"
    rf"|^\W*(?:and |please |can you |could you )*(?:list|name|enumerate)\b(?: [\w’'-]+){{0,4}}? {_PLURAL}\b",
    re.IGNORECASE,
)
_ACROSS = re.compile(
    r"\b(?:both|all|each of|the (?:two|three))(?: of)?(?: the| my| these)? "
    r"(?:articles|documents|texts|sources|reports|papers|files|authors)\b|"
    r"\b(?:the|these|my) (?:articles|documents|texts|sources|files)\b",
    re.IGNORECASE,
)

_COUNTS = (
    "one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen,fifteen,sixteen,seventeen,"
    "eighteen,nineteen,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety,hundreds?,thousands?,millions?,billions?,"
    "trillions?,dozens?,half,several,few"
)
COUNT_WORD = re.compile(_either(_COUNTS))
"""A number, lower-cased, that is written as a word."""

_NUMBERS = _either(f"{_COUNTS},twice,once,doubled?,tripled?")
_MONTHS = _either(
    "January,February,March,April,May,June,July,August,September,October,November,December,"
    r"Jan\.,Feb\.,Mar\.,Apr\.,Jun\.,Jul\.,Aug\.,Sept?\.,Oct\.,Nov\.,Dec\."
)
_DAYS = _either(
    "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday,yesterday,today,tonight,tomorrow,century,centuries,"
    "decades?,midnight,noon,dawn,(?:last|this|next|previous|following) "
    "(?:year|month|week|night|spring|summer|autumn|fall|winter)"
)
_SPANS = _either(r"years?,months?,weeks?,days?,hours?,minutes?,seconds?,decades?,centur(?:y|ies)")
_REASONS = _either(
    "because,due to,owing to,since,so that,in order to,as a result,therefore,thus,hence,thereby,reasons?,cause[sd]?,"
    "led to,leads? to,leading to,attributed,in response,thanks to,result(?:ing|ed),prompt(?:ed|s|ing)?,aim(?:s|ed)?,"
    "purpose,motivated,out of,for fear"
)
_PURPOSES = _either(
    r"avoid,prevent,protect,ensure,reduce,help,make,gain,counter\w*,address,allow,enable,keep,provide,support,increase,"
    "improve,maintain,create,achieve,promote"
)

_PRESENT: dict[str, tuple[re.Pattern[str], ...]] = {
    "percent": (
        re.compile(r"\d[\d.,]*\s?(?:%|percent|per cent)"),
        re.compile(r"\b(?:half|third|quarter|majority|two-thirds|doubled|tripled)\b"),
    ),
    "count": (re.compile(rf"\d|\b{_NUMBERS}\b", re.IGNORECASE),),
    "duration": (
        re.compile(rf"(?:\d[\d.,]*|\b(?:an?|{_NUMBERS}))[\s-]+(?:\w+\s+)?{_SPANS}\b", re.IGNORECASE),
        re.compile(r"\b(?:since|until|from)\b.{0,30}\d|\bage[ds]?\b", re.IGNORECASE),
    ),
    "money": (
        re.compile(r"[$€£¥]\s?\d"),
        re.compile(r"\d[\d.,]*\s?(?:[mbtr]+illion)?\s?(?:dollars?|euros?|pounds?|yuan|rubles?|USD|RMB|cents?)\b"),
    ),
    "date": (
        re.compile(rf"\b{_MONTHS}(?:\s+\d{{1,2}})?|\b{_DAYS}\b"),
        re.compile(r"\b(?:1[0-9]|20)\d\d(?:s|\b)|\b\d{1,2}(?:st|nd|rd|th)\b|\b\d{3,4}\s+(?:BC|AD|BCE|CE)\b"),
    ),
    "place": (
        re.compile(
            r"\b(?:in|at|to|from|near|into|outside|inside|across|throughout|around|of|on|towards?)\s+(?:the\s+)?[A-Z][\w’'-]+"
        ),
    ),
    "reason": (re.compile(rf"\b{_REASONS}\b|\bto {_PURPOSES}\b", re.IGNORECASE),),
    "manner": (re.compile(r"\b(?:by|through|via|using|with|in a|way|method|process|means)\b", re.IGNORECASE),),
    "definition": (
        re.compile(r"\b(?:is|are|was|were|means|refers? to|known as|called|defined|describe[sd])\b"),
        re.compile(r",\s(?:an?|the)\s|[(—–]"),
    ),
}
_NAMES = re.compile(r"\b[A-Z][\w’'-]+(?:\s+(?:(?:of|of the|de|van|von|al|bin)\s+)?[A-Z][\w’'.-]*)*")


_BEFORE_A_THING = re.compile(r"\b(?:in|at|from|to|near|through|into|the|of|by)\s+$", re.IGNORECASE)


def asked(question: str) -> str:
    """The kind of answer a question asks for, one of KINDS."""
    for kind, pattern in _ASKED_COMPILED:
        if pattern.search(question):
            return kind
    return "thing"


def asks_several(question: str) -> str | None:
    """The kind of the members of the list that a question asks for ("Which banks ...", "Who are the ...", "Name all the
    ..."), one of KINDS; None where it asks for none."""
    match = _SEVERAL.search(question)
    if match is None:
        return None
    noun = next(group for group in match.groups() if group).lower()
    singular = _SINGULAR.get(noun) or (f"{noun[:-3]}y" if noun.endswith("ies") else noun[:-1])
    return "person" if match.group().lower().startswith("who") else asked(f"which {singular}")


def asks_across(question: str) -> bool:
    """Whether a question asks what several documents say: "both articles", "all sources"."""
    return bool(_ACROSS.search(question))


def names(text: str) -> list[str]:
    """Runs of capitalised words; a sentence's opening word counts only within a longer run."""
    return [name for name, _ in names_at(text)]


def names_at(text: str) -> list[tuple[str, int]]:
    """The names, each with where it starts."""
    found = []
    for match in _NAMES.finditer(text):
        name = match.group()
        opens = match.start() == 0 or text[: match.start()].rstrip()[-1:] in '.!?“"‘'
        if opens and " " not in name:
            continue
        found.append((name, match.start()))
    return found


def people(text: str) -> list[str]:
    """The names that may be a person's: of two words or more, and not behind "the" or "in"."""
    return [name for name, start in names_at(text) if " " in name and not _BEFORE_A_THING.search(text[:start])]


VISIBLE = frozenset(_PRESENT) | {"person"}
"""The kinds whose answers can be seen in a sentence."""


def answers_in(kind: str, sentence: str, question_words: frozenset[str]) -> list[tuple[int, int, float]]:
    """The places in `sentence` that could be an answer of that kind: start, end, and how good a one, 0..1.

    `question_words` are the question's words, lower-cased: what is in the question already is no answer, save for a
    reason, a manner and a definition, which are told by words like "because". Kinds whose answers cannot be seen
    (yes-no, thing) have none.
    """
    if kind == "person":
        return [
            (start, start + len(name), 1.0 if " " in name else 0.7)
            for name, start in names_at(sentence)
            if not _stands_in(name, question_words)
        ]
    told_by_words = kind in ("reason", "manner", "definition")
    return [
        (match.start(), match.end(), 1.0)
        for pattern in _PRESENT.get(kind, ())
        for match in pattern.finditer(sentence)
        if told_by_words or not _stands_in(match.group(), question_words)
    ]


def _stands_in(text: str, words: frozenset[str]) -> bool:
    return all(word in words for word in re.findall(r"\w+", text.lower()) if len(word) > 2 or word.isdigit())
