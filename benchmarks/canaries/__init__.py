"""Five hundred invented texts with personal data of ten kinds, in English and Chinese, half of them in hard forms.

    for canary in corpus():                # always the same ones
        canary.value                       # what must not come through
        canary.text                        # a message that holds it

`python -m benchmarks.canaries` prints how many are masked. One half is there to be improved on, the other to be
measured with: nobody looks into the second before changing a pattern. Both come from the same forms, so it tells how
much of the first half's figure was learned by heart, and nothing of forms that nobody thought of.
"""

from benchmarks.canaries.corpus import Canary, Half, corpus
from benchmarks.canaries.leaks import Recall, leaked, recall_of, searchable

__all__ = ["Canary", "Half", "Recall", "corpus", "leaked", "recall_of", "searchable"]
