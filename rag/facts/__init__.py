"""What a sentence states, told by word lists and word order, without a parser: the lists hold what English news,
reports and encyclopedias use. Nothing here compares two texts; rag/support does.

words       its words, and which of them are names
numbers     its numbers
verbs       which words are verbs, and who does what they say
factuality  what is denied, what is only possible, and who says it
opposites   which words say the opposite of which
"""
