"""What a sentence states, told by word lists and word order, without a parser: the lists hold what English news,
reports and encyclopedias use. Nothing here compares two texts; rag/support does.

words       its words, and which of them are names
numbers     its numbers
verbs       which words are likely verbs, told by form and neighbours alone
phrases     its noun phrases and verbs
clauses     who does what to whom
factuality  what is denied, what is only possible, and who says it
opposites   which words say the opposite of which
lexicon     what WordNet knows: verbs, adjectives, what is akin, more opposites
"""
