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
