"""Does it read well? Asked of sentences that the guard has found to be right.

A small model can tell fluent text from the same words in disorder, though not right from wrong. Where the model
tells likelihoods, a sentence must be likelier than itself with words swapped, must not gain much by losing a word,
and nothing by another form of a word that has to agree with its neighbour. Simple rules apply always; all that
they know of a language is in its phrase book and prompts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise

from kinecue.coaching.guard_words import expanded
from kinecue.coaching.language.model import LanguageModel, Prompt
from kinecue.coaching.language.prompts import PromptBook
from kinecue.coaching.phrasebook import PhraseBook

SCRAMBLES = 6
LEAST_LIKELIER = 0.8
"""Share of the scrambled forms than which a fluent sentence is likelier."""
MOST_GAIN = 0.95
"""Mean log probability per token that a sentence may gain by losing one word; more, and the word is superfluous.

With SmolLM2-135M in three English styles all rules together refused 1 of 26 good sentences, and 7 of 21 clumsy or
broken ones: a sieve for the worst. What a style's examples lead the model to say matters more.
"""
_HEARD = 5
"""Examples of the style beside which a sentence is judged."""
_FEWEST_WORDS = 4
"""Of fewer words there are too few orders to tell anything from them."""
_PAUSE = re.compile(r"[.!?;:,]+")
_STOP = re.compile(r"[.!?;]+")


class Fluency:
    """Judges sentences of one language in one style.

    Args:
        book: what the coach says in that language.
        prompts: how a model is asked in it.
        style: of `prompts`; beside its examples a sentence is judged, or "Knees out" would be no sentence.
    """

    def __init__(self, book: PhraseBook, prompts: PromptBook, style: str) -> None:
        known = [phrase for entry in book.corrections.values() for phrase in (*entry.phrases, entry.screen)]
        for one_style in prompts.styles.values():
            known += [one.text for one in (*one_style.say_examples, *one_style.praise_examples)]
        sides = {word.casefold() for word in (*book.left, *book.right)}
        articles = {word for pattern in book.guard.determiners for word in expanded(pattern)}
        self._articles = (
            articles - sides - {word for pattern in book.guard.both for word in expanded(pattern)}
        )
        self._praise = {word for pattern in book.guard.praise for word in expanded(pattern)}
        self._unfinished = {word.casefold() for word in prompts.unfinished}
        self._nouns = sides | {
            word for names in book.parts.values() for name in names for word in _words(name)
        }
        for text in known:
            self._nouns |= {after for word, after in pairwise(_words(text)) if word in self._articles}
        self._agreeing = {one: other for pair in prompts.agreeing for one, other in (pair, pair[::-1])}
        given = prompts.style(style)
        heard = [
            one.text for pair in zip(given.say_examples, given.praise_examples, strict=False) for one in pair
        ]
        self._prompt = Prompt(
            system=prompts.spoken.system,
            examples=tuple((prompts.spoken.question, text) for text in heard[:_HEARD]),
            user=prompts.spoken.question,
        )

    def problem(self, text: str) -> str:
        """Why `text` does not read well, by simple rules; empty if it does as far as they can tell."""
        words = _words(text)
        clauses = [_words(part) for part in _PAUSE.split(text) if _words(part)]
        for before, word in pairwise(words):
            if word == before:
                return f"says a word twice: {word}"
        often = [
            word
            for word in words
            if words.count(word) > (1 if len(word) > 3 and word not in self._articles else 2)
        ]
        if often:
            return f"says a word too often: {often[0]}"
        for clause in clauses:
            if clause[-1] in self._unfinished:
                return f"ends with: {clause[-1]}"
            for word, after in pairwise(clause):
                if word in self._articles and after not in self._nouns | self._articles:
                    return f"a thing is missing between: {word} {after}"
        return ""

    def problem_of_sentences(self, text: str) -> str:
        """The same for several sentences, which may share words."""
        sentences = [words for words in map(_words, _STOP.split(text)) if words]
        if len({tuple(words) for words in sentences}) < len(sentences):
            return "says the same twice"
        for words in sentences:
            twice = [word for word, after in pairwise(words) if word == after]
            if twice:
                return f"says a word twice: {twice[0]}"
            if words[-1] in self._unfinished:
                return f"ends with: {words[-1]}"
        return ""

    def unlikely(self, model: LanguageModel, text: str, deadline_s: float) -> str:
        """Why the model finds that `text` does not read well; empty if it does, or if the model cannot tell.

        Raises:
            ModelError: as `LanguageModel.likelihood`.
        """
        words = text.split()
        if len(words) < _FEWEST_WORDS:
            return ""
        scrambled, shortened, others = _scrambled(words), self._shortened(words), self._other_forms(text)
        # Written alike: else it would be the comma or the capital letter that is judged.
        replies = (_tidy(words), *scrambled, *shortened, *map(_tidy, others))
        likelihoods = model.likelihood(self._prompt, replies, deadline_s)
        if likelihoods is None:
            return ""
        own, rest = likelihoods[0], likelihoods[1:]
        mixed, less = rest[: len(scrambled)], rest[len(scrambled) : len(scrambled) + len(shortened)]
        if sum(own > other for other in mixed) < LEAST_LIKELIER * len(mixed):
            return "reads no better than its words in disorder"
        if any(other - own > MOST_GAIN for other in less):
            return "reads better without one of its words"
        if any(other > own for other in rest[len(mixed) + len(less) :]):
            return "reads better with another form of a word"
        return ""

    def _shortened(self, words: Sequence[str]) -> list[str]:
        """Without one word each; one of praise is no order of its own and may always be missing."""
        return [
            _tidy([*words[:at], *words[at + 1 :]])
            for at, word in enumerate(words)
            if not self._praise & set(_words(word))
        ]

    def _other_forms(self, text: str) -> list[list[str]]:
        words = text.casefold().split()
        return [
            [*words[:at], self._agreeing[word], *words[at + 1 :]]
            for at, word in enumerate(words)
            if word in self._agreeing
        ]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", text.casefold())


def _scrambled(words: Sequence[str]) -> list[str]:
    """Other orders of the words, always the same ones for the same words."""
    order = random.Random(" ".join(words))
    found: dict[str, None] = {}
    for _ in range(4 * SCRAMBLES):
        mixed = list(words)
        order.shuffle(mixed)
        if mixed != list(words):
            found[_tidy(mixed)] = None
    return list(found)[:SCRAMBLES]


def _tidy(words: Sequence[str]) -> str:
    """The words as one plain sentence."""
    text = " ".join(_PAUSE.sub("", word) for word in words).casefold()
    return text[:1].upper() + text[1:] + "."
