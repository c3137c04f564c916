"""N-grams by hand, and a lexical head that counts as scikit-learn does."""

from __future__ import annotations

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from chatbot.classifier import FAMILIES, LexicalHead
from chatbot.ngrams import MOST_LETTERS, fold, letter_ngrams, word_ngrams

SEEN = (
    "where is my parcel", "Where is my PARCEL, where?", "has my package left", "track it",
    "I want my money back", "refund, please!", "give me my money", "money-back guarantee?",
    "我想退货", "怎么退货", "size 43½ boots", "do the boots run small",
)  # fmt: skip
LABELS = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3)
ASKED = (*SEEN, "where are the boots", "money money money", "退货 please", "", "   ", "???", "parcel" * 40)


def test_words_and_pairs_of_words() -> None:
    assert word_ngrams("Where is my order?") == ["where", "is", "my", "order", "where is", "is my", "my order"]
    assert word_ngrams("refund") == ["refund"]
    assert word_ngrams("don't") == ["don", "t", "don t"]
    assert word_ngrams("?!") == word_ngrams("") == []


def test_runs_of_letters_with_the_edges_of_the_word() -> None:
    assert letter_ngrams("my") == [" m", "my", "y ", " my", "my ", " my "]
    assert letter_ngrams("A b") == [" a", "a ", " a ", " b", "b ", " b "]
    assert letter_ngrams("order")[-3:] == [" orde", "order", "rder "]
    assert {len(gram) for gram in letter_ngrams("tracking")} == {2, 3, 4, 5}
    assert letter_ngrams("") == []


def test_chinese_crosses_words() -> None:
    assert word_ngrams("我想退货") == ["我想退货"]
    assert letter_ngrams("我想退货") == [
        " 我", "我想", "想退", "退货", "货 ",
        " 我想", "我想退", "想退货", "退货 ",
        " 我想退", "我想退货", "想退货 ",
        " 我想退货", "我想退货 ",
    ]  # fmt: skip


def test_one_letter_however_it_is_written() -> None:
    assert fold("ＶＩＳＡ") == fold("visa") == "visa"
    assert fold("Straße") == fold("STRASSE") == "strasse"
    assert fold("cafe\u0301") == fold("café") == "café"
    assert word_ngrams("①ﬁne") == ["1fine"]


def test_what_is_pasted_beyond_the_limit_is_not_counted() -> None:
    text = "a " * (MOST_LETTERS // 2)
    assert word_ngrams(text + "refund") == word_ngrams(text)
    assert word_ngrams(text[2:] + "b refund")[: MOST_LETTERS // 2][-1] == "b"
    assert letter_ngrams(text + "refund") == letter_ngrams(text)


def test_the_lexical_head_is_scikit_learns_machine_over_its_tf_idf() -> None:
    vectorizers = [TfidfVectorizer(analyzer=ngrams, sublinear_tf=True) for ngrams in FAMILIES]
    rows = hstack([vectorizer.fit_transform(SEEN) for vectorizer in vectorizers]).tocsr()
    model = LinearSVC(random_state=0).fit(rows, LABELS)
    head = LexicalHead(
        tuple(vectorizer.vocabulary_ for vectorizer in vectorizers),
        tuple(vectorizer.idf_ for vectorizer in vectorizers),
        model.coef_.T.astype(np.float16),
        model.intercept_.astype(np.float32),
    )
    expected = model.decision_function(hstack([vectorizer.transform(ASKED) for vectorizer in vectorizers]).tocsr())
    np.testing.assert_allclose(head.scores(ASKED), expected, atol=1e-3)
    assert head.scores(SEEN).argmax(axis=1).tolist() == list(LABELS)
    assert head.scores([]).shape == (0, 4)
