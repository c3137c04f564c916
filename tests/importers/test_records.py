from __future__ import annotations

from chatbot.importers import Place, Problem


def test_places_in_words() -> None:
    assert [str(place) for place in (Place("a.csv", 7), Place("a.json", 7, "train[6]"), Place("a.csv", 0))] == [
        "a.csv, line 7",
        "a.json, train[6]",
        "a.csv",
    ]
    assert str(Problem(Place("a.csv", 7), "text is empty")) == "a.csv, line 7: text is empty"
