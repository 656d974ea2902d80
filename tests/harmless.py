"""What the HTML we write may hold, whatever the texts in it say."""

from html.parser import HTMLParser

HOSTILE = """# Heading <script>alert(1)</script>

<img src="http://evil.example/a.png" onerror="alert(2)"> says ![picture](http://evil.example/b.png) and
[link](javascript:alert(3)) with $$\\href{http://evil.example}{x}$$ and `code` & **stars** "quoted" 'single' [1] [12].

The keeper's name is </article></mark><svg onload=alert(4)> Wiebke {{constructor}} ${alert(5)} \u202eHansen.
"""

TAGS = set("article h1 h2 h3 p div ol ul li a b span cite bdi q mark small pre section header button".split())
TAGS |= set("details summary html head meta title link body nav main".split())


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
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc")]
        assert (attributes.get("href") or "/").startswith("/")
