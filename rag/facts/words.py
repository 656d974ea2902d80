"""The words of a sentence: what each is found by, and which are names."""

import re
from dataclasses import dataclass

from index.words import STOPWORDS, places, stem


def listed(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


_PHRASES = {
    ("united", "states"): "us",
    ("united", "kingdom"): "uk",
    ("great", "britain"): "uk",
    ("european", "union"): "eu",
    ("united", "nations"): "un",
    ("per", "cent"): "percent",
}
_SAME = """
us usa america american americans; uk britain british briton britons; china chinese sino prc; france french
frenchman; germany german germans; netherlands dutch holland; spain spanish spaniard spaniards; poland polish;
greece greek greeks; turkey turkish turks; sweden swedish swedes; denmark danish danes; finland finnish finns;
ireland irish; scotland scottish scots; england english; wales welsh; switzerland swiss; portugal portuguese; norway
norwegian norwegians; taiwan taiwanese; japan japanese; vietnam vietnamese; thailand thai; philippines filipino
filipinos philippine; israel israeli israelis; ukraine ukrainian ukrainians; europe european europeans; russia
russian russians; korea korean koreans; iran iranian iranians; iraq iraqi iraqis; india indian indians; italy
italian italians; syria syrian syrians; cuba cuban cubans; mexico mexican mexicans; canada canadian canadians;
brazil brazilian brazilians; argentina argentine argentinian; chile chilean; colombia colombian colombians;
venezuela venezuelan; peru peruvian; egypt egyptian egyptians; libya libyan; algeria algerian; morocco moroccan;
tunisia tunisian; kenya kenyan; nigeria nigerian nigerians; ethiopia ethiopian; ghana ghanaian; somalia somali;
sudan sudanese; africa african africans; asia asian asians; australia australian australians; austria austrian
austrians; belgium belgian belgians; bulgaria bulgarian; croatia croatian; serbia serbian serbs; hungary hungarian
hungarians; romania romanian; czechia czech czechs; slovakia slovak; slovenia slovenian; estonia estonian; latvia
latvian; lithuania lithuanian; belarus belarusian; moldova moldovan; georgia georgian; armenia armenian; azerbaijan
azerbaijani; kazakhstan kazakh; uzbekistan uzbek; afghanistan afghan afghans; pakistan pakistani pakistanis;
bangladesh bangladeshi; nepal nepali nepalese; indonesia indonesian; malaysia malaysian; singapore singaporean;
mongolia mongolian; arabia saudi arab arabs; lebanon lebanese; jordan jordanian; palestine palestinian palestinians;
yemen yemeni; qatar qatari; kuwait kuwaiti; iceland icelandic; cyprus cypriot; malta maltese; albania albanian;
bosnia bosnian; macedonia macedonian; jamaica jamaican; haiti haitian; panama panamanian; bolivia bolivian; paraguay
paraguayan; uruguay uruguayan; ecuador ecuadorian; tibet tibetan; soviet ussr; antarctica antarctic; arctic; paris
parisian; rome roman romans; california californian; texas texan; chief ceo; saturday sat; january jan; february
feb; april apr; august aug; september sept sep; october oct; november nov; december dec; percent pct percentage
"""
_SAME_NAME = {name: group.split()[0] for group in _SAME.split(";") for name in group.split()}
"""Names that are the same, the adjective of a country among them. A table, not endings: Paulo is not Paula."""

MONTHS = listed("january february march april may june july august september october november december")
DAYS = listed("monday tuesday wednesday thursday friday saturday sunday")

_IRREGULAR_FORMS = """
arise arose arisen; become became; begin began begun; bear born borne; bite bit bitten; blow blew blown; break broke
broken; bring brought; build built; buy bought; catch caught; choose chose chosen; come came; deal dealt; die died
death dead; do did done; draw drew drawn; drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen;
feed fed; feel felt; fight fought; find found; fly flew flown; forbid forbade forbidden; forget forgot forgotten;
freeze froze frozen; get got gotten; give gave given; go went gone; grow grew grown growth; hear heard; hide hid
hidden; hold held; keep kept; know knew known; lead led; leave left; lend lent; lie lay lain; lose lost loss; make
made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung; rise rose risen; run ran; say said; see saw
seen; seek sought; sell sold sale; send sent; shake shook shaken; shrink shrank shrunk; sing sang sung; sink sank
sunk; sleep slept; speak spoke spoken; spend spent; stand stood; steal stole stolen; strike struck; swear swore
sworn; swim swam swum; take took taken; teach taught; tell told; think thought; throw threw thrown; understand
understood; wake woke woken; wear wore worn; win won; withdraw withdrew withdrawn; write wrote written; overthrow
overthrew overthrown; man men; woman women; child children; person people; approve approval; refuse refusal; arrive
arrival; analyse analysis; analyze; defend defence defense; receive receipt; succeed success; choose choice; fly
flight; sign signature; prove proof proven; marry marriage; invade invasion; invest investment; decide decision;
conclude conclusion; discuss discussion; expand expansion; reduce reduction; produce production; destroy
destruction; describe description; explode explosion; erupt eruption; acquire acquisition; collide collision; divide
division; permit permission; admit admission; oppose opposition; propose proposal; renew renewal; cancel
cancellation cancelled canceled; resign resignation; declare declaration; inform information; depart departure; flow
flown
"""
BASE = {form: group.split()[0] for group in _IRREGULAR_FORMS.split(";") for form in group.split()}
"""The first form of words whose others have another stem."""

# Words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence, or a phrase that is one name ("United States").

    start, end  offsets in the sentence;  `word`: lower-cased
    key         what it is found by: the stem of its first form, and one key for all the forms of a country's name
    name        capitalised where only names are;  `opens`: capitalised, but so is any word that opens a sentence
    content     says something by itself
    clause      number of the clause it stands in
    """

    start: int
    end: int
    word: str
    key: str
    name: bool
    opens: bool
    content: bool
    clause: int


QUALIFIERS = listed("vice deputy former acting interim ex assistant associate alleged would-be so-called")
"""Before a role or a thing they make it another."""

HONORIFICS = listed("mr mrs ms miss dr prof sir")
"""These say nothing of who it is."""

_BOUNDARY = re.compile(
    r"[;:—]|\s–\s|,\s+(?:and|but|while|although|though|whereas|which|who|so|because|yet|or|for which|if|when)\b|"
    r"\b(?:but|while|although|though|whereas|because|unless)\b|[.!?]\s",
    re.IGNORECASE,
)


def words_of(text: str) -> list[Word]:
    """The words of a sentence in order."""
    borders = [match.start() for match in _BOUNDARY.finditer(text)]
    found: list[Word] = []
    spans = places(text)
    place = clause = 0
    while place < len(spans):
        start, end, word = spans[place]
        used = 1
        following = spans[place + 1][2] if place + 1 < len(spans) else ""
        if (word, following) in _PHRASES and (text[start].isupper() or word == "per"):
            word, end, used = _PHRASES[word, following], spans[place + 1][1], 2
        elif word == "u" and following in ("s", "k") and text[end : end + 1] == ".":
            word, end, used = "us" if following == "s" else "uk", spans[place + 1][1], 2
        while clause < len(borders) and borders[clause] <= start:
            clause += 1
        shown = text[start:end]
        country = word == "us" and len(shown) > 1 and shown[:2] != "us" and shown != "Us"
        content = country or word not in STOPWORDS
        capital = shown[0].isupper() and content
        titled = bool(found) and found[-1].word in HONORIFICS  # "Mr. Lee" begins no sentence
        before = text[:start].rstrip(" \"“‘'([")[-1:]
        opens = capital and not titled and (place == 0 or before in ("", ".", "!", "?", ":", "\n"))
        name = capital and (not opens or country or (len(shown) > 1 and shown.isupper()))
        found.append(Word(start, end, word, key_of(word, capital), name, opens and not name, content, clause))
        place += used
    return found


def key_of(word: str, capital: bool) -> str:
    """What a lower-cased word is found by; `capital`: it was capitalised."""
    if (capital or word == "percent") and word in _SAME_NAME:
        return _SAME_NAME[word]
    if word in HONORIFICS:
        return word  # the stem of "mrs" is "mr"
    return stem(BASE.get(word, word))
