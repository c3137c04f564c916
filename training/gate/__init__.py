"""The gate: a candidate goes live only where it is shown to be no worse than what is live.

    verdict = judge(report, report_of_the_active_version, rules)

judging.py is the story; soundness.py asks whether a candidate works at all, comparing.py puts both reports side by
side, accuracy.py and conduct.py compare them, paired.py is the arithmetic, and verdict.py the words.
"""

from __future__ import annotations

from training.gate.judging import failing, is_as_good, judge
from training.gate.verdict import Finding, Outcome, Rules, Verdict, rules_of

__all__ = ["Finding", "Outcome", "Rules", "Verdict", "failing", "is_as_good", "judge", "rules_of"]
