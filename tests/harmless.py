"""What the HTML we write may hold, whatever the texts in it say."""

from html.parser import HTMLParser

HOSTILE = """# Heading <script>alert(1)</script>

<img src="http://evil.example/a.png" onerror="alert(2)"> says ![picture](http://evil.example/b.png) and
[link](javascript:alert(3)) with $$\\href{http://evil.example}{x}$$ and `code` & **stars** "quoted" 'single' [1] [12].

The keeper's name is </article></mark><svg onload=alert(4)> Wiebke {{constructor}} ${alert(5)} \u202eHansen.
"""

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=http://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="http://evil.example/i.png">',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    '" autofocus onfocus="alert(1)" x="',
    "<svg onload=alert(1)>",
    "<svg><script>alert&#40;1)</script></svg>",
    '<svg><a xlink:href="javascript:alert(1)"><text y=20>here</text></a></svg>',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=http://evil.example/o></object>",
    "<embed src=http://evil.example/e>",
    "<base href=http://evil.example/>",
    '<meta http-equiv="refresh" content="0;url=http://evil.example/">',
    "<link rel=stylesheet href=http://evil.example/c.css>",
    "<style>@import 'http://evil.example/c.css';</style>",
    "<form action=http://evil.example/><button>Send</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=http://evil.example/a.ogg autoplay></audio>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template></template><img src=x onerror=alert(1)>",
    "</pre></mark></article></main><script>alert(1)</script>",
    "<plaintext><xmp><!-- --!><img src=x onerror=alert(1)>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#x3C;img src=x onerror=alert(1)&#x3E;",
    "[here](javascript:alert(1)) and <javascript:alert(1)>",
    "[here](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![p](http://evil.example/p.png) and [x]: http://evil.example/ 'x'",
    "$$\\href{javascript:alert(1)}{x}$$ and \\(\\includegraphics{http://evil.example/l.png}\\)",
    '$\\def\\x{\\x\\x}\\x$ and ```mermaid\nclick A href "javascript:alert(1)"\n```',
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= 7*7 %> #{alert(1)}",
    "\u202egnp.exe\u202c and \u2066hidden\u2069 and \u200bzero\u200d width",
    "\x1b[31mred\x1b[0m \x07 \x08 \x7f",
    "javascript:alert(1)//",
    "=cmd|'/c calc'!A1",
    "../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "%2e%2e%2fetc%2fpasswd",
    "[1] [2] [999999999999] [-1] [1",
    "Z\u0335\u0327a" + "\u0301" * 200 + "lgo",
    "א\u05d1ג left مرحبا right",
]
"""Texts and names that try to become more than text."""

TAGS = set("article h1 h2 h3 p div ol ul li a b span cite bdi q mark small pre section header button".split())
TAGS |= set("details summary form input html head meta title link body nav main".split())


_ACTIVE = {"src", "style", "srcdoc", "action", "formaction", "data", "xlink:href", "http-equiv"}


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag in TAGS
        assert not [name for name in attributes if name.startswith("on") or name in _ACTIVE]
        assert (attributes.get("href") or "/").startswith("/")
