"""Which words say the opposite of which."""

from rag.facts.lexicon import opposites
from rag.facts.words import key_of

_OPPOSITES = """
increase/decrease,fall,drop,decline,shrink,reduce,diminish,plunge,lower,lessen;
rise/decrease,fall,drop,decline,plunge,sink; grow/decrease,fall,drop,decline,shrink; raise/lower,cut,reduce;
higher/lower; high/low; more/less,fewer; above/below; over/under; before/after; larger/smaller; large/small;
big/small; largest/smallest; biggest/smallest; highest/lowest; most/least; best/worst; better/worse;
improve/worsen,deteriorate,decline; strengthen/weaken; strong/weak; stronger/weaker; support/oppose,hinder;
favor/oppose; accept/reject,refuse,decline; agree/refuse,disagree; approve/reject,veto;
allow/ban,forbid,prohibit,prevent; permit/ban,forbid,prohibit; win/lose; victory/defeat; won/lost;
open/close,shut; start/end,stop,finish; begin/end,stop,finish; began/ended,stopped; first/last; import/export;
importer/exporter; north/south; northern/southern; northwest/southwest,northeast,southeast; east/west;
eastern/western; northeastern/northwestern,southwestern,southeastern; early/late; earlier/later; younger/older;
young/old; succeed/fail; success/failure; gain/loss,lose; join/leave,quit; arrive/leave,depart; maximum/minimum;
positive/negative; agree/disagree; cause/prevent; expand/contract,shrink; praise/criticize,condemn;
friend/enemy; ally/adversary,enemy,rival; hire/fire; domestic/foreign; rich/poor; public/private;
minority/majority; include/exclude; safe/dangerous,unsafe; safer/riskier; legal/illegal; attack/defend;
mother/father; son/daughter; brother/sister; husband/wife; uncle/aunt; male/female; men/women; man/woman;
boy/girl; king/queen; morning/evening,afternoon,night; day/night; summer/winter; spring/autumn,fall; hot/cold;
warm/cool; fast/slow; faster/slower; up/down; left/right; upward/downward; push/pull; lighter/heavier;
create/destroy; advantage/disadvantage; likely/unlikely; able/unable; possible/impossible; willing/unwilling;
favorable/unfavorable; aligned/non-aligned; limited/unlimited,limitless; presence/absence; proven/unproven;
lack/have; confirm/deny; love/hate; hard/easy; long/short; longer/shorter; wide/narrow; heavy/light;
deep/shallow; temporary/permanent; cheap/expensive; cheaper/costlier; calm/turbulent; appoint/dismiss,fire;
employ/dismiss; enter/leave,exit; guilty/innocent; acquit/convict; optional/mandatory,compulsory,required;
voluntary/mandatory,compulsory; free/paid; ancient/modern; urban/rural; wet/dry; inside/outside;
internal/external; offensive/defensive; direct/indirect; gradually/suddenly; slowly/suddenly,quickly;
same/different; similar/different; alive/dead; survive/die; full/empty; tie/win; backed/opposed;
resume/suspend,halt,stop; suspend/resume; exceed/lag; ahead/behind; majority/minority; superior/inferior;
overt/covert; rarely/often,frequently; front/rear,back; cancel/resume; near/far; nearer/farther;
nearest/farthest; greater/smaller,lesser; greatest/smallest; raise/cut; closer/apart,further; few/many;
double/halve; doubled/halved; cut/increase; retreat/advance; ally/opponent; trust/distrust; hope/fear;
asset/liability; supporter/opponent; deficit/surplus; profit/loss; profitable/unprofitable; income/expense;
import/export; winner/loser; teacher/pupil; parent/child; forbidden/allowed; prohibited/allowed; banned/allowed;
confirmed/denied; highs/lows; founded/dissolved; demand/supply; upstream/downstream; inflow/outflow;
immigrant/emigrant; acquit/convict; employer/employee; landlord/tenant; creditor/debtor; wider/narrower;
thick/thin; thicker/thinner; clean/dirty; true/false; rural/urban; odd/even; continue/stop; continued/stopped;
solid/liquid; visible/invisible; legal/unlawful; unprecedented/ordinary;
reopen/close,shut; appear/disappear,vanish; return/disappear,vanish
"""


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for entry in _OPPOSITES.split(";"):
        one, _, others = entry.strip().partition("/")
        for other in others.split(","):
            table.setdefault(key_of(one, False), set()).add(key_of(other.strip(), False))
            table.setdefault(key_of(other.strip(), False), set()).add(key_of(one, False))
    return {word: frozenset(others - {word}) for word, others in table.items()}


OPPOSITES = _opposites()
"""The keys of words that say the opposite of a key."""


def opposites_of(key: str) -> frozenset[str]:
    """These and WordNet's."""
    return OPPOSITES.get(key, frozenset()) | opposites(key)
