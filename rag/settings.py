"""Every setting in one place: its name, its default and what it does."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """How questions are answered. Each field's metadata holds its help text."""

    passages: int = field(default=10, metadata={"help": "How many passages are retrieved for a question."})
    refuse_below: float | None = field(
        default=None,
        metadata={"help": "Refuse where the documents answer with less probability than this (0..1)."},
    )
    question_characters: int = field(
        default=4_000, metadata={"help": "The longest question that is answered, in characters."}
    )
    llm_url: str | None = field(
        default=None,
        metadata={
            "help": "The OpenAI-compatible address of a language model that writes the answers, as"
            " http://127.0.0.1:11434/v1; FOOTNOTE_LLM_URL, else none: answers are quoted."
        },
    )
    llm_model: str | None = field(
        default=None,
        metadata={"help": "The language model's name there; FOOTNOTE_LLM_MODEL, else the only one that it lists."},
    )
    llm_tokens: int | None = field(
        default=None,
        metadata={
            "help": "How many tokens of sources the language model reads for a question; 300 for one on this machine or"
            " network, 3,000 for one elsewhere."
        },
    )
    llm_seconds: float = field(
        default=60.0,
        metadata={"help": "How long the language model may take for an answer, in seconds; then it is quoted."},
    )
    ask_model_above: float | None = field(
        default=None,
        metadata={
            "help": "Refuse without asking the language model where the documents answer with less probability than"
            " this (0..1). Else that is 0.2, and one on this machine or network says yes or no before it writes."
        },
    )
    quote_instead_above: float = field(
        default=0.7,
        metadata={
            "help": "Quote where the language model wrote nothing that the sources support and the documents answer"
            " with at least this probability (0..1); refuse below it."
        },
    )
